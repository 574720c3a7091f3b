"""Pauses that grow while something keeps failing."""


class Backoff:
    """The pauses between tries: twice as long each time, up to a bound, until `reset`."""

    __slots__ = ("_first_s", "_last_s", "_most_s")

    def __init__(self, first_s: float, most_s: float) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._last_s = 0.0

    def next(self) -> float:
        """Return how long to wait now, in seconds."""
        self._last_s = min(self._most_s, max(self._first_s, 2 * self._last_s))
        return self._last_s

    def reset(self) -> None:
        """Begin with the shortest pause again: something has worked."""
        self._last_s = 0.0
