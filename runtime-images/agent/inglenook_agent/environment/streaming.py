"""A streamed answer on its way through an environment: passed on as it comes, or gathered whole.

Both are bounded. What is passed on stays within the window that the gateway's `Taken` opens and
within the pace; beyond that the process waits. What is gathered, for callers that take no stream,
may be as large as any answer.
"""

import asyncio
import collections
from collections.abc import Callable

from inglenook.aio.clock import Clock
from inglenook.capacity import bucket
from inglenook.model import limits
from inglenook.wire.connection import Body
from inglenook.wire.messages import STREAM_WINDOW_BYTES, Chunk
from inglenook_agent.environment.runtime import Flow

_FOLLOWING = Chunk()


class Gathering:
    """Gather the answer for its `Result`."""

    limit = limits.RESPONSE_BYTES_MAX

    def __init__(self) -> None:
        self._pieces: list[Body] = []
        self._size = 0

    @property
    def is_begun(self) -> bool:
        """Whether any of it has left: then what follows cannot take its place."""
        return False

    @property
    def payload(self) -> Body:
        """What the `Result` carries of the answer."""
        return b"".join(self._pieces)

    def write(self, piece: Body) -> bool:
        self._size += len(piece)
        if self._size > self.limit:
            self._pieces.clear()
            return False
        self._pieces.append(piece)
        return True

    def end(self, then: Callable[[], None], *, is_whole: bool) -> None:
        del is_whole
        then()

    def taken(self, size: int) -> None:
        """Nothing was sent that could have been taken."""

    def stop(self) -> None:
        """Keep nothing."""
        self._pieces.clear()


class Passing:
    """Pass the answer on in pieces, as fast as the gateway takes them and the pace allows."""

    limit = limits.STREAM_BYTES_MAX
    payload: Body = b""

    def __init__(
        self,
        *,
        content_type: str,
        flow: Flow,
        send: Callable[[Chunk, Body], None],
        pace: bucket.Bucket | None,
        clock: Clock,
    ) -> None:
        self._first: Chunk | None = Chunk(content_type=content_type)
        self._flow = flow
        self._send = send
        self._pace = pace
        self._clock = clock
        self._size = 0
        self._window = STREAM_WINDOW_BYTES
        self._held: collections.deque[memoryview] = collections.deque()
        self._then: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_pumping = False
        self._is_stopped = False

    @property
    def is_begun(self) -> bool:
        return self._first is None

    def write(self, piece: Body) -> bool:
        if self._is_stopped:
            return True
        view = memoryview(piece)[: self.limit - self._size]
        self._size += len(view)
        if view:
            self._held.append(view)
            self._pump()
        return len(view) == len(piece)

    def end(self, then: Callable[[], None], *, is_whole: bool) -> None:
        if self._is_stopped:
            return
        if is_whole and self._first is not None and not self._held:
            self._send_chunk(b"")
        self._then = then
        self._pump()

    def taken(self, size: int) -> None:
        """Learn that the gateway has room for so much more."""
        self._window += size
        self._pump()

    def stop(self) -> None:
        """Send nothing more."""
        self._is_stopped = True
        self._held.clear()
        self._then = None
        if self._timer is not None:
            self._timer.cancel()
        # Who is paused does not even notice that the process has gone.
        self._flow.resume()

    def _pump(self) -> None:
        # What is sent may be taken before `send` returns; the loop below goes on with it then.
        if self._is_pumping or self._is_stopped:
            return
        self._is_pumping = True
        while self._held and (room := self._room()):
            self._send_one(room)
        self._is_pumping = False
        if self._held:
            self._flow.pause()
        elif self._then is not None:
            then, self._then = self._then, None
            then()
        else:
            self._flow.resume()

    def _room(self) -> int:
        """Return how much may be sent now; see to it that it is looked at again if nothing."""
        room = min(self._window, len(self._held[0]))
        if self._pace is None or not room:
            return room
        now = self._clock.monotonic()
        wait_s = self._pace.wait_s(room, now)
        if wait_s <= 0:
            self._pace.take(now, room)
            return room
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._waited)
        return 0

    def _waited(self) -> None:
        self._timer = None
        self._pump()

    def _send_one(self, room: int) -> None:
        piece = self._held.popleft()
        if len(piece) > room:
            self._held.appendleft(piece[room:])
            piece = piece[:room]
        self._window -= len(piece)
        self._send_chunk(piece)

    def _send_chunk(self, piece: Body) -> None:
        header, self._first = self._first or _FOLLOWING, None
        self._send(header, piece)
