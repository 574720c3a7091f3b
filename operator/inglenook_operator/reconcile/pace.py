"""How many pods of a pool may be starting at once.

Starting pods takes processors that running functions need, and how many of them a cluster starts in
a given time nobody knows but by trying. So it is a few at first, and more as these become ready:
about twice as many each time, where that is quick. What is asked for in a burst is often not wanted
any more by the time the first are there. Pure.
"""

from collections import deque

AT_FIRST = 4
_MOST = 32
_RECENT_S = 30.0


class Pace:
    """The pace at which the pods of one pool have become ready."""

    def __init__(self) -> None:
        self._ready: deque[float] = deque(maxlen=_MOST)

    def became_ready(self, now: float) -> None:
        """Count a pod that has started well."""
        self._ready.append(now)

    def at_once(self, now: float) -> int:
        """Return how many may be starting at once."""
        while self._ready and self._ready[0] <= now - _RECENT_S:
            self._ready.popleft()
        return min(_MOST, AT_FIRST + len(self._ready))
