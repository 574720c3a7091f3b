"""How an item of the queue is written in the stream: pure.

An item is one message on a subject of its own, which every change replaces. Its header says what
the queue has to know of it; its body is the state and, unless that is large, the payload. A large
payload is written once, in pieces on further subjects. What is gone leaves a message without that
header for a while, so that everybody learns of it.

These are read by the next release and by the last one while a rollout is under way: the header's
fields are only ever added to.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

ITEM_HEADER = "Inglenook-Item"
WRITE_HEADER = "Inglenook-Write"
"""Names one write, so that whoever has had no answer can tell whether it was done."""
TTL_HEADER = "Nats-TTL"
INLINE_BYTES_MAX = 128 * 1024
"""Larger payloads are kept apart: a claim writes its item anew."""
PIECE_BYTES = 512 * 1024
"""Well below the 1 MiB that servers take in a message by default."""
_FIELDS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the header says of an item."""

    due: float
    until: float = 0.0
    """When the lease lapses; 0: there is none."""
    order: int = 0
    """Of the item among those due at once: the sequence it was put with; 0: this message's own."""
    epoch: int = 0
    """The sequence of the message that claimed it; 0: this message's own, if it has a lease."""
    state_bytes: int
    payload_bytes: int
    pieces: int = 0
    """In how many pieces the payload is kept apart; 0: it is in the body."""

    @property
    def size_bytes(self) -> int:
        return self.state_bytes + self.payload_bytes

    def at(self, sequence: int) -> "Record":
        """Return the record with what its message's place in the stream says."""
        epoch = self.epoch or (sequence if self.until else 0)
        return dataclasses.replace(self, order=self.order or sequence, epoch=epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What the subject says of an item."""

    group: str
    id: int


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects of one queue."""

    prefix: str

    @property
    def all(self) -> str:
        return f"{self.prefix}.>"

    @property
    def items(self) -> str:
        return f"{self.prefix}.item.>"

    def item(self, name: Name) -> str:
        # Everything that a subject gives a meaning to is escaped.
        group = quote(name.group, safe="").replace(".", "%2E") or "%"
        return f"{self.prefix}.item.{group}.{name.id:x}"

    def piece(self, item: int, number: int) -> str:
        return f"{self.prefix}.piece.{item:x}.{number}"

    def name(self, subject: str) -> Name:
        """Return what `item` was given. Raises ValueError."""
        rest = subject.removeprefix(f"{self.prefix}.item.")
        group, dot, item = rest.rpartition(".")
        if not dot or rest == subject:
            raise ValueError(f"no item's subject: {subject}")
        return Name(group="" if group == "%" else unquote(group), id=int(item, 16))


def headers(record: Record) -> dict[str, str]:
    """Return the header of an item's message."""
    fields = (
        repr(record.due),
        repr(record.until),
        record.order,
        record.epoch,
        record.state_bytes,
        record.payload_bytes,
        record.pieces,
    )
    return {ITEM_HEADER: " ".join(map(str, fields))}


def record(headers: Mapping[str, str] | None) -> Record | None:
    """Return what a message says of its item; None: it is gone. Raises ValueError."""
    text = headers.get(ITEM_HEADER) if headers else None
    if text is None:
        return None
    due, until, order, epoch, state_bytes, payload_bytes, pieces = text.split(" ")[:_FIELDS]
    return Record(
        due=float(due),
        until=float(until),
        order=int(order),
        epoch=int(epoch),
        state_bytes=int(state_bytes),
        payload_bytes=int(payload_bytes),
        pieces=int(pieces),
    )


def split(payload: bytes | bytearray) -> list[bytes]:
    """Return the pieces of a payload that is kept apart; none: it goes into the body."""
    if len(payload) <= INLINE_BYTES_MAX:
        return []
    whole = memoryview(payload)
    return [bytes(whole[at : at + PIECE_BYTES]) for at in range(0, len(whole), PIECE_BYTES)]
