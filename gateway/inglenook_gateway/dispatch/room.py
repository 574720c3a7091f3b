"""Which idle environments are given up because the nodes are full.

An environment is kept for minutes after its last invocation, and with it its pod. Where pods that
functions need find no room, those that have been idle longest go first, sooner. Pure.
"""

import math
from collections.abc import Callable, Iterable

from inglenook.aio import clock

_LEAST_IDLE_S = 10.0
"""What was used since then may be used again by the time that another pod has started."""
_PAUSE_S = 5.0
"""A pod takes a while to go, and another to come in its place."""


class Room:
    """Decides when room is made, and of what."""

    def __init__(self, lacking: Callable[[], int], time: clock.Clock) -> None:
        """`lacking` returns how many pods wait for room."""
        self._lacking = lacking
        self._clock = time
        self._until = float("-inf")

    def before(self, idle_since: Iterable[float]) -> float | None:
        """Return the moment: what has been idle since before it is to be given up now.

        `idle_since` is read only if there is need. None: nothing is.
        """
        now = self._clock.monotonic()
        lacking = self._lacking() if now >= self._until else 0
        if not lacking:
            return None
        old = sorted(since for since in idle_since if since <= now - _LEAST_IDLE_S)
        if not old:
            return None
        self._until = now + _PAUSE_S
        return math.nextafter(old[min(lacking, len(old)) - 1], math.inf)
