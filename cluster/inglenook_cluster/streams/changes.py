"""A change of the queue: messages that are written together, and what is so then. Pure."""

import secrets
from collections.abc import Iterator

from inglenook.events.queue import Item
from inglenook_cluster.streams import records
from inglenook_cluster.streams.records import Name, Record
from inglenook_cluster.streams.stream import Message

_ID_BITS = 62
_GONE_FOR = "30s"
"""How long it is told that an item is gone: longer than a write is tried."""


class Change:
    """Messages to be written together; the first one decides whether they are."""

    def __init__(self, subjects: records.Subjects) -> None:
        self._subjects = subjects
        self.messages: list[Message] = []
        self._items: list[tuple[int, Name, Record | None]] = []

    def put(self, item: Item) -> None:
        """Add an item, under a name that no other has."""
        name = Name(group=item.group, id=secrets.randbits(_ID_BITS) + 1)
        pieces = records.split(item.payload)
        record = Record(
            due=item.due,
            state_bytes=len(item.state),
            payload_bytes=len(item.payload),
            pieces=len(pieces),
        )
        self.write(name, record, item.state if pieces else item.state + item.payload, 0)
        for number, piece in enumerate(pieces):
            subject = self._subjects.piece(name.id, number)
            self.messages.append(Message(subject=subject, body=piece))

    def write(self, name: Name, record: Record, body: bytes, expected: int) -> None:
        """Write an item whose message is at the sequence `expected`."""
        self._items.append((len(self.messages), name, record))
        self.messages.append(
            Message(
                subject=self._subjects.item(name),
                body=body,
                headers=records.headers(record),
                expected=expected,
            )
        )

    def remove(self, name: Name, pieces: int, expected: int) -> None:
        """Remove an item whose message is at the sequence `expected`, with its pieces."""
        self._items.append((len(self.messages), name, None))
        gone = {records.TTL_HEADER: _GONE_FOR}
        subject = self._subjects.item(name)
        self.messages.append(Message(subject=subject, headers=gone, expected=expected))
        for number in range(pieces):
            subject = self._subjects.piece(name.id, number)
            self.messages.append(Message(subject=subject, headers=gone))

    def outcome(self, first: int) -> Iterator[tuple[Name, int, Record | None]]:
        """Return what is so of each item if the first message has been written there."""
        for offset, name, record in self._items:
            yield name, first + offset, record
