"""An answer that is read while the function still writes it.

For InvokeWithResponseStream and for function URLs whose mode is RESPONSE_STREAM:

    stream = runner.stream(target.id, target.spec, event)   # raises what `invoke` raises
    with contextlib.closing(stream):
        await stream.begun()          # a piece is there, or all is over; raises an ApiError
        stream.content_type           # what the function declared, if it streams
        async for piece in stream:    # as they come; may raise an ApiError, too
            await response.write(piece)
        outcome = stream.outcome      # how it ended

The pieces are the function's response and nothing else. A runtime that does not stream gives one,
its whole answer. How a function failed is in `outcome`: `result.error`, with the error's JSON as
`payload`, whether pieces came before (`is_streamed`) or not.

A reader that is slow slows the function down: at most `messages.STREAM_WINDOW_BYTES` are held here.
A reader that goes must `close`: then the rest is dropped as it comes, and the function runs on.
"""

import asyncio
import collections
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, Self

from inglenook import errors
from inglenook.model import function
from inglenook.routing import invocation
from inglenook.wire import messages

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

# Room is given back in shares of the window, not for every piece.
_TAKE_BYTES = messages.STREAM_WINDOW_BYTES // 4
# Pieces smaller than this are joined while they wait: each costs some hundred bytes of its own.
_SMALL_BYTES = 16 * 1024


class ResponseStream:
    """One invocation's answer. One reader at a time."""

    def __init__(self) -> None:
        self.content_type: str | None = None
        self.is_streamed = False
        """Whether the runtime streams, as is known once it has begun."""
        self._pieces: collections.deque[Body] = collections.deque()
        self._end: invocation.Outcome | errors.ApiError | None = None
        self._waking: asyncio.Future[None] | None = None
        self._take: Callable[[int], None] | None = None
        self._untaken = 0
        """Bytes that are off our hands, and the agent has not been told."""
        self._is_closed = False

    @property
    def outcome(self) -> invocation.Outcome:
        """How it ended. Only once the pieces are read."""
        if self._end is None:
            raise asyncio.InvalidStateError("the stream has not ended")
        if isinstance(self._end, errors.ApiError):
            raise self._end
        return self._end

    async def begun(self) -> None:
        """Wait for the first piece, or the end.

        Raises an ApiError if the platform could not run the event at all.
        """
        while not self._pieces and self._end is None:
            await self._change()
        if not self.is_streamed and isinstance(self._end, errors.ApiError):
            raise self._end

    async def read(self) -> "Body | None":
        """Return the next piece, None at the end. What was read before counts as passed on.

        Raises an ApiError if the platform failed midway.
        """
        self._give_room(at_least=_TAKE_BYTES)
        while not self._pieces:
            if self._end is not None:
                _ = self.outcome  # raises if it is an error
                return None
            await self._change()
        piece = self._pieces.popleft()
        self._untaken += len(piece)
        return piece

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> "Body":
        piece = await self.read()
        if piece is None:
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        """Read no more; the function is not held up by it. Safe to repeat."""
        self._is_closed = True
        self._untaken += sum(map(len, self._pieces))
        self._pieces.clear()
        self._give_room(at_least=1)

    # What the runner brings.

    def follow(self, outcome: "asyncio.Future[invocation.Outcome]") -> None:
        """Learn which future tells the end."""
        outcome.add_done_callback(self._over)

    def chunk(self, header: messages.Chunk, body: "Body", take: Callable[[int], None]) -> None:
        """Take a piece of the answer; `take` gives room for more."""
        if not self.is_streamed:
            self.is_streamed = True
            self.content_type = header.content_type
            self._take = take
        if self._is_closed:
            self._untaken += len(body)
            self._give_room(at_least=_TAKE_BYTES)
            return
        last = self._pieces[-1] if self._pieces else None
        if last is not None and len(last) < _SMALL_BYTES:
            if not isinstance(last, bytearray):
                last = self._pieces[-1] = bytearray(last)
            last += body
        elif body:
            self._pieces.append(body)
        self._wake()

    def _over(self, future: "asyncio.Future[invocation.Outcome]") -> None:
        self._take = None
        error = errors.ServiceError() if future.cancelled() else future.exception()
        if error is None:
            outcome = self._end = future.result()
            is_whole = not self.is_streamed and outcome.result.error is None
            if is_whole and outcome.payload and not self._is_closed:
                self._pieces.append(outcome.payload)
        else:
            self._end = error if isinstance(error, errors.ApiError) else errors.ServiceError()
        self._wake()

    def _give_room(self, *, at_least: int) -> None:
        if self._take is not None and self._untaken >= at_least:
            taken, self._untaken = self._untaken, 0
            self._take(taken)

    async def _change(self) -> None:
        if self._waking is None:
            self._waking = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._waking)

    def _wake(self) -> None:
        if self._waking is not None:
            waking, self._waking = self._waking, None
            waking.set_result(None)


class StreamRunner(invocation.Runner, Protocol):
    """A runner whose answers can be read as the function writes them."""

    def stream(
        self, version: messages.VersionId, spec: function.Spec, event: invocation.Event
    ) -> ResponseStream:
        """Admit an event; raises as `invoke` does, or its stream does."""
        ...
