"""A connection that carries messages, and its two ends in one process.

Both sides speak through the same small interface: `send` never blocks and never raises; what
arrives is handed to a `Receiver`. Over a network the messages are frames on a stream
(`wire.frames`); in one process, `memory_pair` hands the very objects over. Order is kept. Each
receiver hears `closed` exactly once, whichever end closed.
"""

import asyncio
from typing import Protocol

from inglenook.wire.messages import Header

Body = bytes | bytearray | memoryview


class Receiver(Protocol):
    """Who hears what a connection brings. Called on the event loop; must not block or raise."""

    def received(self, stream: int, header: Header, body: Body) -> None:
        """Take one message. `body` belongs to the receiver from now on."""

    def closed(self, reason: str) -> None:
        """Learn that nothing more will come and nothing sent will arrive."""


class Connection(Protocol):
    """One end of a connection."""

    def open(self, receiver: Receiver) -> None:
        """Begin to deliver to `receiver`, in order, what has come and what comes."""

    def send(self, stream: int, header: Header, body: Body = b"") -> None:
        """Send one message; silently nothing after the connection has closed."""

    def close(self, reason: str = "closed") -> None:
        """Close both ends. Safe to repeat."""


class _MemoryEnd:
    """One end of a pair in one process."""

    def __init__(self) -> None:
        self._peer: _MemoryEnd
        self._receiver: Receiver | None = None
        self._early: list[tuple[int, Header, Body]] = []
        self._closed: str | None = None

    def open(self, receiver: Receiver) -> None:
        self._receiver = receiver
        early, self._early = self._early, []
        for message in early:
            receiver.received(*message)
        if self._closed is not None:
            receiver.closed(self._closed)

    def send(self, stream: int, header: Header, body: Body = b"") -> None:
        if self._closed is None:
            self._peer._deliver(stream, header, body)  # noqa: SLF001 - the other half of this object

    def _deliver(self, stream: int, header: Header, body: Body) -> None:
        if self._receiver is None:
            self._early.append((stream, header, body))
        else:
            self._receiver.received(stream, header, body)

    def close(self, reason: str = "closed") -> None:
        for end in (self, self._peer):
            end._end(reason)  # noqa: SLF001 - as above

    def _end(self, reason: str) -> None:
        if self._closed is None:
            self._closed = reason
            if self._receiver is not None:
                # Not from inside the caller's own stack: it may be half-way through a change.
                asyncio.get_running_loop().call_soon(self._receiver.closed, reason)


def memory_pair() -> tuple[Connection, Connection]:
    """Return the two ends of a connection inside this process."""
    one, other = _MemoryEnd(), _MemoryEnd()
    one._peer, other._peer = other, one  # noqa: SLF001 - made here and nowhere else
    return one, other
