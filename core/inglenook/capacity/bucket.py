"""A token bucket: so many at once, and so many a second. Pure; time is an argument."""


class Bucket:
    """A bucket that starts full and is refilled continuously.

    It may be overdrawn: what has happened anyway is taken, and paid off before more is allowed.
    """

    __slots__ = ("_at", "_capacity", "_level", "_per_s")

    def __init__(self, capacity: float, per_s: float, now: float) -> None:
        self._capacity = capacity
        self._per_s = per_s
        self._level = capacity
        self._at = now

    def _refill(self, now: float) -> None:
        if now > self._at:
            self._level = min(self._capacity, self._level + (now - self._at) * self._per_s)
            self._at = now

    def wait_s(self, tokens: float, now: float) -> float:
        """Return how long it takes until there are so many tokens; 0.0 if there are."""
        self._refill(now)
        missing = tokens - self._level
        if missing <= 0:
            return 0.0
        return missing / self._per_s if self._per_s else float("inf")

    def take(self, now: float, tokens: float = 1.0) -> None:
        """Take tokens, even if there are not as many."""
        self._refill(now)
        self._level -= tokens

    def give_back(self, now: float, tokens: float = 1.0) -> None:
        """Undo a `take`."""
        self._refill(now)
        self._level = min(self._capacity, self._level + tokens)

    def is_full(self, now: float) -> bool:
        """Whether nothing is missing, so that a new bucket would be the same."""
        self._refill(now)
        return self._level >= self._capacity
