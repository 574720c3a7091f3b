"""Watch what lies in the /tmp of a pod's container, which no kernel limits to a function's size.

The container's own meter is asked (`inglenook_runtime.usage`): every so often while something runs,
and once more after it. A tree that takes long to look through is looked through less often, but
every few seconds: what takes long may only be waiting for a busy node's CPU. Nothing is waited for,
and nothing is asked while nothing runs.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

_ANSWER_BYTES = 8
_SHARE_MAX = 0.05
"""Of the time that may go by with looking."""
_PAUSE_MAX_S = 5.0


class DiskWatch:
    """Looks at one folder of the container. `stir` it when something begins to run."""

    def __init__(
        self,
        folder: Path,
        interval_s: float,
        *,
        seen: Callable[[int], None],
        lost: Callable[[], None],
    ) -> None:
        """`seen` is told what is in use, in bytes; `lost` that nobody tells any more."""
        self.is_busy: Callable[[], bool] = lambda: False
        """Whether something runs."""
        self._folder = os.fsencode(folder)
        self._interval_s = interval_s
        self._seen = seen
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._meter: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked_at: float | None = None
        self._is_stirred = False

    def take(self, descriptor: int) -> None:
        """Ask this meter from now on. Raises OSError if it is no socket."""
        self._meter = socket.socket(fileno=descriptor)
        self._meter.setblocking(False)
        self._loop.add_reader(self._meter, self._read)
        self._rest_or_go_on()

    def stir(self) -> None:
        """Begin to look, if nobody does. Cheap."""
        self._is_stirred = True
        if self._timer is None and self._asked_at is None and self._meter is not None:
            self._look_in(self._interval_s)

    def close(self) -> None:
        """Look no more. Safe to repeat."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._meter is not None:
            self._loop.remove_reader(self._meter)
            self._meter.close()
            self._meter = None

    def _look_in(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._meter is None:
            return
        self._is_stirred = False
        self._asked_at = self._loop.time()
        try:
            self._meter.send(self._folder)
        except OSError:
            self._end()

    def _read(self) -> None:
        if self._meter is None:
            return
        try:
            answer = self._meter.recv(_ANSWER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            answer = b""
        if len(answer) != _ANSWER_BYTES or self._asked_at is None:
            self._end()
            return
        took_s, self._asked_at = self._loop.time() - self._asked_at, None
        self._rest_or_go_on(took_s / _SHARE_MAX)
        self._seen(int.from_bytes(answer, "big"))

    def _rest_or_go_on(self, pause_s: float = 0.0) -> None:
        if self._is_stirred or self.is_busy():
            self._look_in(max(self._interval_s, min(pause_s, _PAUSE_MAX_S)))

    def _end(self) -> None:
        self.close()
        self._lost()
