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


class Inbox:
    """What one end has received, in order, and that it has ended, once."""

    __slots__ = ("_early", "_ended", "_receiver")

    def __init__(self) -> None:
        self._receiver: Receiver | None = None
        self._early: list[tuple[int, Header, Body]] = []
        self._ended: str | None = None

    @property
    def has_ended(self) -> bool:
        return self._ended is not None

    def open(self, receiver: Receiver) -> None:
        """Deliver to `receiver` what has come, in order, and from now on what comes."""
        self._receiver = receiver
        early, self._early = self._early, []
        for message in early:
            receiver.received(*message)
        if self._ended is not None:
            receiver.closed(self._ended)

    def deliver(self, stream: int, header: Header, body: Body) -> None:
        if self._receiver is None:
            self._early.append((stream, header, body))
        else:
            self._receiver.received(stream, header, body)

    def end(self, reason: str) -> None:
        """Tell the receiver that nothing more will come. Safe to repeat."""
        if self._ended is None:
            self._ended = reason
            if self._receiver is not None:
                # Not from inside the caller's own stack: it may be half-way through a change.
                asyncio.get_running_loop().call_soon(self._receiver.closed, reason)


class _MemoryEnd:
    """One end of a pair in one process: what it sends is in the other's inbox at once."""

    __slots__ = ("_mine", "_theirs")

    def __init__(self, mine: Inbox, theirs: Inbox) -> None:
        self._mine = mine
        self._theirs = theirs

    def open(self, receiver: Receiver) -> None:
        self._mine.open(receiver)

    def send(self, stream: int, header: Header, body: Body = b"") -> None:
        if not self._mine.has_ended:
            self._theirs.deliver(stream, header, body)

    def close(self, reason: str = "closed") -> None:
        self._mine.end(reason)
        self._theirs.end(reason)


def memory_pair() -> tuple[Connection, Connection]:
    """Return the two ends of a connection inside this process."""
    one, other = Inbox(), Inbox()
    return _MemoryEnd(one, other), _MemoryEnd(other, one)
