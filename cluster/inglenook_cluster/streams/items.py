"""Items in the stream: what is written of them, and how what is written is decided.

Each method is one change of the item, done or refused by the server. What has come of it is in the
index before the caller knows.
"""

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable, Sequence

from inglenook.events import queue
from inglenook.events.queue import Claim, Item
from inglenook_cluster.streams import api, records
from inglenook_cluster.streams.changes import Change
from inglenook_cluster.streams.failures import ConflictError, EngineError, UnavailableError
from inglenook_cluster.streams.known import Known
from inglenook_cluster.streams.records import Name, Record
from inglenook_cluster.streams.stream import Stored, Stream

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An item as it stands in the stream, and may be claimed."""

    name: Name
    sequence: int
    record: Record
    body: bytes


class Items:
    """The items of one queue."""

    def __init__(self, stream: Stream, subjects: records.Subjects, known: Known) -> None:
        self._stream = stream
        self._subjects = subjects
        self._known = known

    async def put(self, item: Item) -> None:
        """Store an item. Raises EngineError."""
        change = Change(self._subjects)
        change.put(item)
        await self._write(change)

    async def find(self, item: int, now: float) -> Found | None:
        """Return an item that nobody has a good lease on; None: it has changed since."""
        entry = self._known.index.get(item)
        if entry is None:
            return None
        name = Name(group=entry.group.name, id=item)
        sequence = entry.sequence
        subject = self._subjects.item(name)
        stored = await self._stream.last(subject)
        if stored is None or stored.sequence != sequence:
            # Either this process is behind, or the replica that has answered.
            stored = await self._stream.latest(subject)
        record = None if stored is None else records.record(stored.headers)
        if stored is None or record is None or stored.sequence != sequence or record.until > now:
            place = 0 if stored is None else stored.sequence
            self._known.correct(name, sequence, place, record)
            return None
        return Found(name=name, sequence=sequence, record=record.at(sequence), body=stored.body)

    async def claim(self, found: Found, until: float) -> Claim | None:
        """Lease an item; None: somebody else was first. Raises EngineError."""
        record = dataclasses.replace(found.record, until=until, epoch=0)
        change = Change(self._subjects)
        change.write(found.name, record, found.body, found.sequence)
        try:
            sequence = await self._write(change)
        except ConflictError:
            await self._refresh(found.name, found.sequence)
            return None
        if sequence is None:
            return None
        state = found.body[: record.state_bytes]
        payload = found.body[record.state_bytes :]
        if record.pieces:
            payload = await self._pieces(found.name.id, record)
        return Claim(
            id=found.name.id,
            epoch=sequence,
            group=found.name.group,
            state=state,
            payload=payload,
        )

    async def extend(self, claim: Claim, until: float) -> None:
        """Prolong a lease if it is the item's latest."""

        def again(record: Record) -> Record:
            return dataclasses.replace(record, until=max(until, record.until))

        entry = self._known.index.get(claim.id)
        if entry is not None and entry.epoch == claim.epoch and entry.until >= until:
            return
        with contextlib.suppress(queue.StaleClaimError):
            await self._rewrite(claim, again, claim.state)

    async def reschedule(self, claim: Claim, *, due: float, state: bytes) -> None:
        """Put an item off. Raises StaleClaimError."""

        def later(record: Record) -> Record:
            return dataclasses.replace(record, due=due, until=0.0, epoch=0, state_bytes=len(state))

        await self._rewrite(claim, later, state)

    async def release(self, claim: Claim) -> None:
        """Give an item back. Raises StaleClaimError."""

        def free(record: Record) -> Record:
            return dataclasses.replace(record, until=0.0, epoch=0)

        await self._rewrite(claim, free, claim.state)

    async def settle(self, claim: Claim, then: Sequence[Item]) -> None:
        """Remove an item and put others, together. Raises StaleClaimError."""

        def change(name: Name, record: Record, sequence: int) -> Change:
            made = Change(self._subjects)
            made.remove(name, record.pieces, sequence)
            for item in then:
                made.put(item)
            return made

        await self._change(claim, change)

    async def _rewrite(
        self, claim: Claim, next_record: Callable[[Record], Record], state: bytes
    ) -> None:
        def change(name: Name, record: Record, sequence: int) -> Change:
            made = Change(self._subjects)
            body = state if record.pieces else state + claim.payload
            made.write(name, next_record(record), body, sequence)
            return made

        await self._change(claim, change)

    async def _change(self, claim: Claim, change: Callable[[Name, Record, int], Change]) -> None:
        """Write what follows from the claim's item as it is now. Raises StaleClaimError."""
        name = Name(group=claim.group, id=claim.id)
        patience = api.Patience()
        was_asked = False
        while True:
            entry = self._known.index.get(claim.id)
            if entry is None or entry.epoch != claim.epoch:
                # Known here, unless it was claimed through another connection a moment ago.
                if was_asked:
                    raise queue.StaleClaimError(
                        f"item {claim.id} is not held under epoch {claim.epoch}"
                    )
                await self._refresh(name, 0 if entry is None else entry.sequence)
                was_asked = True
                continue
            sequence = entry.sequence
            record = Record(
                due=entry.due,
                until=entry.until,
                order=entry.order,
                epoch=entry.epoch,
                state_bytes=len(claim.state),
                payload_bytes=len(claim.payload),
                pieces=entry.pieces,
            )
            try:
                await self._write(change(name, record, sequence))
            except ConflictError:
                # Written by somebody else; or by us, by a renewal that was under way.
                was_asked = True
                await self._refresh(name, sequence)
            else:
                return
            if patience.is_over:
                raise UnavailableError(f"item {claim.id} is being written all the time")
            await patience.pause()

    async def _refresh(self, name: Name, known: int) -> None:
        stored = await self._stream.latest(self._subjects.item(name))
        if stored is None:
            self._known.correct(name, known, 0, None)
        else:
            record = records.record(stored.headers)
            self._known.correct(name, known, stored.sequence, record)

    async def _pieces(self, item: int, record: Record) -> bytes:
        numbers = range(record.pieces)
        pieces = await asyncio.gather(*(self._piece(item, number) for number in numbers))
        whole = b"".join(pieces)
        if len(whole) != record.payload_bytes:
            raise EngineError(f"The payload of item {item:x} is damaged in NATS.")
        return whole

    async def _piece(self, item: int, number: int) -> bytes:
        subject = self._subjects.piece(item, number)
        stored: Stored | None = await self._stream.last(subject)
        if stored is None:
            # A replica may not have it yet.
            stored = await self._stream.latest(subject)
        return b"" if stored is None else stored.body

    async def _write(self, change: Change) -> int | None:
        first = await self._stream.write(change.messages)
        if first is not None:
            for name, sequence, record in change.outcome(first):
                self._known.did(name, sequence, record)
        return first
