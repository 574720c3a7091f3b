"""The interface of the durable queue: items that are done at least once, later.

An item is put, claimed, and then settled, rescheduled or given back. `put` returns once the item is
on the disk. A claim is a lease with an epoch: it lapses unless it is extended, and then somebody
else may claim the item under a newer epoch. Only the holder of the latest epoch can end a claim;
everybody else gets StaleClaimError, so a holder that was given up for dead can do no harm when it
comes back. What a queue has is in groups (a function, a destination), so that whoever claims can be
fair to them. One suite of tests runs against every implementation.

The queue knows nothing of what is in an item: `state` is small and changes with a rescheduling,
`payload` may be large and never does.
"""
# ruff: noqa: A005 - imports are absolute here, and it is what it is

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class QueueError(Exception):
    """The durable queue refused."""


class QueueFullError(QueueError):
    """The queue holds as much as it may."""


class StaleClaimError(QueueError):
    """The item has been claimed by somebody else since, or is done."""


class ClosedError(QueueError):
    """The queue is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something to be done."""

    group: str
    due: float
    """Seconds since the epoch: not to be claimed before."""
    state: bytes
    payload: bytes | bytearray

    @property
    def size_bytes(self) -> int:
        """What it counts for against the bound of the queue."""
        return len(self.state) + len(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An item in the hands of one holder."""

    id: int
    epoch: int
    """Greater than that of every claim before it, in this and in former lives of the queue."""
    group: str
    state: bytes
    payload: bytes


Heads = Mapping[str, float | None]
"""Group -> from when on it may have something to claim; None: nothing is left in it to claim."""


class Queue(Protocol):
    """Put, claim, extend, settle, reschedule, release; all times are seconds since the epoch."""

    async def put(self, item: Item) -> None:
        """Store an item durably. Raises QueueFullError."""

    async def claim(self, wanted: Mapping[str, int], *, now: float, until: float) -> list[Claim]:
        """Lease items that are due, of each group at most so many, earliest due first.

        An item is leased if nobody has a lease on it that is good at `now`.
        """
        ...

    async def extend(self, claims: Sequence[Claim], *, until: float) -> None:
        """Prolong leases, never shorten them. Those not held any more are left alone."""

    async def settle(self, claim: Claim, then: Sequence[Item] = ()) -> None:
        """Remove the item for good and, in the same transaction, put others.

        Those may exceed the bound of the queue: what is accepted is not lost. Raises
        StaleClaimError.
        """

    async def reschedule(self, claim: Claim, *, due: float, state: bytes) -> None:
        """End the claim; the item is due again later, with a new state. Raises StaleClaimError."""

    async def release(self, claim: Claim) -> None:
        """Give the item back as it was, to be claimed at once. Raises StaleClaimError."""

    def watch(self, callback: Callable[[Heads], None]) -> None:
        """Call `callback` on the event loop with all heads now, and with each that changes."""
