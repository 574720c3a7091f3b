"""The asking end of a connection: questions by stream number, and what comes back on each.

An answer is handed to the callback that was given with the question, without a task or a future
between: this is the invoke path. So are the pieces of a streamed answer before it. When the
connection ends, every question still open is answered with None, once.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from inglenook.wire import messages

if TYPE_CHECKING:
    from inglenook.wire.connection import Body, Connection

Answered = Callable[["messages.Header | None", "Body"], None]
Chunks = Callable[["messages.Chunk", "Body", Callable[[int], None]], None]
"""Given a piece of a streamed answer, and what tells the other end how many bytes have gone on."""

_STREAM_MAX = 0xFFFF_FFFF
"""A frame has 32 bits for the number; long before it comes round, its last use has ended."""


class Asking:
    """A connection on which this end asks and the other answers."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._open: dict[int, Answered] = {}
        self._streaming: dict[int, Chunks] = {}
        self._last_stream = 0
        self.is_closed = False

    def unasked(self, header: messages.Header, body: "Body") -> None:
        """Take a message that answers nothing. For whoever knows what it means."""

    def ended(self, reason: str) -> None:
        """Learn that the connection has ended, once, before the open questions are answered."""

    def open(self) -> None:
        """Begin to listen."""
        self._connection.open(self)

    def ask(
        self,
        header: messages.Header,
        body: "Body",
        answered: Answered,
        on_chunk: Chunks | None = None,
    ) -> None:
        """Send a question; `answered` is called once, perhaps before this returns.

        `on_chunk` hears the pieces of a streamed answer before; without it they are dropped.
        """
        if self.is_closed:
            answered(None, b"")
            return
        self._last_stream = self._last_stream % _STREAM_MAX + 1
        self._open[self._last_stream] = answered
        if on_chunk is not None:
            self._streaming[self._last_stream] = on_chunk
        self._connection.send(self._last_stream, header, body)

    def received(self, stream: int, header: messages.Header, body: "Body") -> None:
        if stream == 0:
            self.unasked(header, body)
            return
        if isinstance(header, messages.Chunk):
            self._chunk(stream, header, body)
            return
        answered = self._open.pop(stream, None)
        if self._streaming:
            self._streaming.pop(stream, None)
        if answered is not None:
            answered(header, body)

    def _chunk(self, stream: int, header: messages.Chunk, body: "Body") -> None:
        on_chunk = self._streaming.get(stream)
        if on_chunk is None:
            self._taken(stream, len(body))
        else:
            on_chunk(header, body, partial(self._taken, stream))

    def _taken(self, stream: int, size: int) -> None:
        self._connection.send(stream, messages.Taken(size=size))

    def closed(self, reason: str) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        unanswered, self._open = self._open, {}
        self._streaming.clear()
        self.ended(reason)
        for answered in unanswered.values():
            answered(None, b"")

    def close(self, reason: str) -> None:
        """Close the connection, at both ends."""
        self._connection.close(reason)
