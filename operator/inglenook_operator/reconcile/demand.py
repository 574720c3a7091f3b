"""How many pods should wait in a pool: enough for what the next fill would come too late for.

Pure, and fed with what happened: a pod that became specialised is a lease; the gateways tell how
many invocations wait for a pod now. A pool is kept as large as the leases of the last stretches
suggest, one fill's time ahead, and shrinks only as they fall out of the window. Who waits
takes the first that comes; those that are to be free come after. What is made for those who wait is
bounded, too: where pods take the processors that running functions need, more of them would make
more wait. But one is made at least. Who waits may find another way a moment later: pods that are
being made for them are kept for a while.
"""

import math
from collections import deque

from inglenook_operator.resources.runtime import Pool

_WINDOW_S = 120.0
_BURST_S = 10.0
"""About what it takes to fill a pool: leases within it are demand that comes in a burst."""

_KEPT_S = 30.0
"""How long after there was a target its pods are kept. Longer than a pod takes to be ready."""


class Demand:
    """The demand for the pods of one pool."""

    def __init__(self) -> None:
        self._leases: deque[float] = deque(maxlen=10_000)
        self._targets: deque[tuple[float, int]] = deque()
        """The targets of late that no later one has reached, falling."""

    def leased(self, now: float) -> None:
        """Count a pod that became specialised."""
        self._leases.append(now)

    def recent(self, now: float) -> int:
        """Return how many pods were leased within the window."""
        while self._leases and self._leases[0] <= now - _WINDOW_S:
            self._leases.popleft()
        return len(self._leases)

    def target(self, pool: Pool, *, waiting: int, now: float) -> int:
        """Return how many pods the pool should have: one for each waiting, or those to be free."""
        self.recent(now)
        wanted = max(waiting, pool.min + self._largest_burst())
        target = max(min(waiting, 1), _bounded(pool, wanted))
        while self._targets and self._targets[-1][1] <= target:
            self._targets.pop()
        self._targets.append((now, target))
        return target

    def keep(self, pool: Pool, now: float) -> int:
        """Return how many pods are kept, if they are there: the largest target of late."""
        while self._targets and self._targets[0][0] <= now - _KEPT_S:
            self._targets.popleft()
        largest = self._targets[0][1] if self._targets else 0
        return _bounded(pool, largest)

    def _largest_burst(self) -> int:
        """Return the most leases that fell within any one stretch, halved: bursts decay."""
        most, first = 0, 0
        leases = list(self._leases)
        for last, at in enumerate(leases):
            while leases[first] <= at - _BURST_S:
                first += 1
            most = max(most, last - first + 1)
        return math.ceil(most / 2)


def _bounded(pool: Pool, wanted: int) -> int:
    return max(pool.min, min(pool.max, wanted))


def waiting(demand: object, now: float, *, pool: str | None = None, valid_s: float = 30.0) -> int:
    """Return how many invocations wait for a pod, of all gateways whose word is not too old.

    `demand` is `status.demand` of a Runtime: by gateway, `{"waiting": n, "at": epoch seconds}`, and
    perhaps the `pool` that it is for.
    """
    if not isinstance(demand, dict):
        return 0
    total = 0
    for said in demand.values():
        if not isinstance(said, dict) or said.get("pool", pool) != pool:
            continue
        count, at = said.get("waiting"), said.get("at", now)
        if isinstance(count, int) and isinstance(at, int | float) and at > now - valid_s:
            total += max(0, count)
    return total
