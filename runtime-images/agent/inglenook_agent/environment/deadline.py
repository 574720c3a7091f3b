"""When the time of an environment's invocation is up: one timer for all of its invocations.

Nearly all of them end long before. So the timer is not set and taken back for each, which would
cost more than either: it rings no later than the first of them would be over, and looks then
whether the present one is.
"""

import asyncio
from collections.abc import Callable

_LEAST_S = 0.001
"""Timers may ring a trifle early; this is their resolution."""


class Deadline:
    """The deadline of one invocation after the other, each as long as the others."""

    def __init__(self, timeout_s: float, passed: Callable[[], None]) -> None:
        """Call `passed` when one has gone by."""
        self._timeout_s = timeout_s
        self._passed = passed
        self._loop = asyncio.get_running_loop()
        self._until: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Let an invocation's time begin."""
        self._until = self._loop.time() + self._timeout_s
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._look)

    def end(self) -> None:
        """Learn that it is over in time. Safe to repeat."""
        self._until = None

    def close(self) -> None:
        """Wait for nothing any more."""
        self._until = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._until is None:
            return
        left_s = self._until - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(max(left_s, _LEAST_S), self._look)
        else:
            self._until = None
            self._passed()
