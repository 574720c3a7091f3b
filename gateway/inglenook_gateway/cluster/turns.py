"""Who waits for a pod of which pool, and whose turn it is: a queue for each pool.

Those for whom a caller waits go before those who make something ready ahead; among themselves it is
first come, first served. Pure but for the events that waiters sleep on.
"""

import asyncio
import bisect
import itertools
from dataclasses import dataclass, field


@dataclass(slots=True, order=True)
class Turn:
    """One who waits, by their place."""

    is_ahead: bool
    number: int
    pool: str = field(compare=False)
    news: asyncio.Event = field(compare=False, default_factory=asyncio.Event)
    """Set when it may be their turn."""


class Turns:
    """The queues of all pools."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._queues: dict[str, list[Turn]] = {}

    def new(self, pool: str, *, is_ahead: bool) -> Turn:
        """Return a place behind all that have one now; not in the queue yet."""
        return Turn(is_ahead, next(self._numbers), pool)

    def join(self, turn: Turn) -> None:
        """Wait, at one's place. Safe to repeat."""
        queue = self._queues.setdefault(turn.pool, [])
        at = bisect.bisect_left(queue, turn)
        if at == len(queue) or queue[at] is not turn:
            queue.insert(at, turn)

    def leave(self, turn: Turn) -> None:
        """Wait no more. Safe to repeat."""
        queue = self._queues.get(turn.pool, [])
        at = bisect.bisect_left(queue, turn)
        if at < len(queue) and queue[at] is turn:
            del queue[at]
            if not queue:
                del self._queues[turn.pool]

    def before(self, turn: Turn) -> int:
        """Return how many have an earlier turn."""
        return bisect.bisect_left(self._queues.get(turn.pool, []), turn)

    def wake(self, pool: str, count: int) -> None:
        """Wake as many as there is something for, in turn."""
        for turn in self._queues.get(pool, [])[:count]:
            turn.news.set()

    def count(self, pool: str) -> int:
        """Return how many wait for a pod of one pool."""
        return len(self._queues.get(pool, ()))

    def waiting(self) -> dict[str, int]:
        """Return how many wait, by pool."""
        return {pool: len(queue) for pool, queue in self._queues.items()}
