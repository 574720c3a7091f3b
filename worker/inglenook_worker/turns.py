"""Whose turn it is: fairness over the groups of the queue. Pure; time is an argument.

The groups that have something due take turns. One may have as many items under way as there are
slots left, so that however long its items take, a newcomer finds room. A function that is throttled
gets no more at once than it has just been able to run, and slowly more again as that works; while
nothing of it runs, it is tried ever more rarely.
"""

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from inglenook.aio import backoff

_GROWTH = 0.1
"""How much more at once a success allows: about one event in ten finds out if more is possible."""
_PAUSE_S_MIN = 0.5
_PAUSE_S_MAX = 10.0


@dataclass(slots=True)
class _Group:
    under_way: int = 0
    window: float = math.inf
    """How many may be under way, by what could be run lately."""
    paused_until: float = 0.0
    pauses: backoff.Backoff = field(
        default_factory=lambda: backoff.Backoff(_PAUSE_S_MIN, _PAUSE_S_MAX)
    )

    @property
    def is_plain(self) -> bool:
        """Whether nothing is known of it that a new one would not know."""
        return not self.under_way and math.isinf(self.window)


class Turns:
    """Which groups to claim from, and how much of each."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._free = slots
        self._groups: dict[str, _Group] = {}
        self._heads: dict[str, float] = {}
        self._ready: dict[str, None] = {}
        """The groups that have something due, in the order of their turns."""
        self._later: list[tuple[float, str]] = []
        """A heap of when to look at a group; what is out of date in it is harmless."""
        self._looks: dict[str, float] = {}
        """The earliest look that stands in the heap, by group."""

    def due(self, heads: Mapping[str, float | None]) -> None:
        """Learn from when on groups have something to claim; None: they have nothing."""
        for group, at in heads.items():
            if at is None:
                self._heads.pop(group, None)
                self._ready.pop(group, None)
                self._forget(group)
            else:
                self._heads[group] = at
                self._look(group)

    def pick(self, now: float) -> dict[str, int]:
        """Return how many items to claim of each group, and count them as under way."""
        while self._later and self._later[0][0] <= now:
            at, group = heapq.heappop(self._later)
            if self._looks.get(group) == at:
                del self._looks[group]
            self._ready[group] = None
        picked: dict[str, int] = {}
        for group in list(self._ready):
            if self._free <= 0:
                break
            del self._ready[group]
            if self._opens_at(group) > now:
                self._look(group)
                continue
            # Last in the row again, until the queue says that nothing is left.
            self._ready[group] = None
            count = self._room(group)
            if count > 0:
                self._groups.setdefault(group, _Group()).under_way += count
                self._free -= count
                picked[group] = count
        return picked

    def wakes_at(self) -> float | None:
        """Return when time alone makes another group ready; None: never."""
        return self._later[0][0] if self._later else None

    def unused(self, group: str, count: int) -> None:
        """Count picked items as not under way after all: there were fewer."""
        self._end(group, count)

    def succeeded(self, group: str) -> None:
        """Count one item as ended: it could be run."""
        state = self._groups[group]
        state.pauses.reset()
        state.window += _GROWTH
        if state.window >= self._slots:
            state.window = math.inf
        self._end(group, 1)

    def throttled(self, group: str, now: float, scale: float) -> None:
        """Count one item as ended: it could not be run."""
        state = self._groups[group]
        state.window = max(1.0, state.under_way - 1)
        if state.under_way == 1:
            # Nothing of ours will end and so make room: only time can tell.
            state.paused_until = now + state.pauses.next() / scale
        self._end(group, 1)

    def _end(self, group: str, count: int) -> None:
        self._free += count
        self._groups[group].under_way -= count
        self._forget(group)

    def _forget(self, group: str) -> None:
        state = self._groups.get(group)
        # What was learnt by throttles is kept for as long as there are events to apply it to.
        if state is not None and (
            state.is_plain or (not state.under_way and group not in self._heads)
        ):
            del self._groups[group]

    def _room(self, group: str) -> int:
        state = self._groups.get(group) or _Group()
        # Half of what is free: as many as are then left free, less what it has already.
        share = (self._free - state.under_way + 1) // 2
        fair = max(1, self._free // max(1, len(self._ready)))
        room: float = min(share, fair, self._free)
        return int(min(room, state.window - state.under_way))

    def _opens_at(self, group: str) -> float:
        state = self._groups.get(group)
        paused_until = 0.0 if state is None else state.paused_until
        return max(self._heads.get(group, math.inf), paused_until)

    def _look(self, group: str) -> None:
        at = self._opens_at(group)
        if group in self._ready or math.isinf(at) or at >= self._looks.get(group, math.inf):
            return
        self._looks[group] = at
        heapq.heappush(self._later, (at, group))
