"""The durable queue in a stream of JetStream, for many processes at once.

Every change of an item is one write that the server does only if the item is as this process knows
it; several messages of one change are stored together or not at all. So of all who want an item one
gets it, a claim's epoch is the place of its message in the stream, and whoever was given up for
dead ends nothing. Unlike in a file of one process, a lease outlives its holder: what somebody held
who is gone is claimable when it lapses.

What is due is known from an index in memory, which follows the stream. The bounds are kept by this
index: several processes that put at the same moment may exceed them by what is under way. While no
server answers, operations wait for up to `api.PATIENCE_S` and then raise UnavailableError: what
was asked for may have happened or not. Leases are told by the clocks of those who claim, so these
must agree to well within a lease.
"""
# ruff: noqa: A005 - imports are absolute here, and it is what it is

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence

from inglenook.events import queue
from inglenook.events.queue import Claim, Item
from inglenook_cluster.streams import feed, making
from inglenook_cluster.streams.claiming import Claiming
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.items import Items
from inglenook_cluster.streams.known import Known
from inglenook_cluster.streams.stream import Stream

WAITING_BYTES_MAX = 256 * 1024 * 1024
"""How much may wait for the server; a further put is refused."""


class JetStreamQueue:
    """A `queue.Queue` in JetStream. To be closed; the connection is its owner's."""

    def __init__(
        self,
        stream: Stream,
        *,
        bytes_max: int,
        items_max: int,
        rng: random.Random,
        died: Callable[[str], None],
    ) -> None:
        """Take what `open` has made."""
        self._bytes_max, self._items_max = bytes_max, items_max
        subjects = making.subjects(stream.name)
        self._known = Known(subjects)
        self._items = Items(stream, subjects, self._known)
        self._claiming = Claiming(self._items, self._known, rng)
        self._feed = feed.Feed(stream, subjects.items, self._known, died)
        self._waiting_bytes, self._waiting_items = 0, 0
        self._under_way = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._is_closed = False

    @classmethod
    async def open(
        cls,
        connection: Connection,
        *,
        bytes_max: int,
        items_max: int,
        rng: random.Random,
        died: Callable[[str], None] = lambda _: None,
        name: str = making.NAME,
    ) -> "JetStreamQueue":
        """Open the queue, made if absent, when all that is in it is known.

        `died` is called with a name should following the stream end. Raises EngineError.
        """
        stream = await making.made(connection, name)
        opened = cls(stream, bytes_max=bytes_max, items_max=items_max, rng=rng, died=died)
        try:
            await opened._feed.start()
        except BaseException:
            await opened._feed.close()
            raise
        return opened

    async def close(self) -> None:
        """Finish what waits for the server. Safe to repeat."""
        self._is_closed = True
        await self._is_idle.wait()
        await self._claiming.close()
        await self._feed.close()

    @property
    def items(self) -> int:
        """How many items there are, under way or not, as far as this process has been told."""
        return len(self._known.index)

    def watch(self, callback: Callable[[queue.Heads], None]) -> None:
        self._known.watch(callback)

    async def put(self, item: Item) -> None:
        with self._counted(), self._room_for(item.size_bytes):
            await self._items.put(item)

    async def claim(self, wanted: Mapping[str, int], *, now: float, until: float) -> list[Claim]:
        with self._counted():
            return await self._claiming.claim(wanted, now=now, until=until)

    async def extend(self, claims: Sequence[Claim], *, until: float) -> None:
        with self._counted():
            outcomes = await asyncio.gather(
                *(self._items.extend(claim, until) for claim in claims), return_exceptions=True
            )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def settle(self, claim: Claim, then: Sequence[Item] = ()) -> None:
        with self._counted():
            await self._items.settle(claim, then)

    async def reschedule(self, claim: Claim, *, due: float, state: bytes) -> None:
        with self._counted():
            await self._items.reschedule(claim, due=due, state=state)

    async def release(self, claim: Claim) -> None:
        with self._counted():
            await self._items.release(claim)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        if self._is_closed:
            raise queue.ClosedError("the queue is closed")
        self._under_way += 1
        self._is_idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._is_idle.set()

    @contextlib.contextmanager
    def _room_for(self, size_bytes: int) -> Iterator[None]:
        items = len(self._known.index) + self._waiting_items + 1
        size = self._known.index.bytes + self._waiting_bytes + size_bytes
        if items > self._items_max or size > self._bytes_max:
            raise queue.QueueFullError("the queue is full")
        if self._waiting_bytes + size_bytes > WAITING_BYTES_MAX:
            raise queue.QueueFullError("too much waits for NATS")
        self._waiting_items += 1
        self._waiting_bytes += size_bytes
        try:
            yield
        finally:
            self._waiting_items -= 1
            self._waiting_bytes -= size_bytes
