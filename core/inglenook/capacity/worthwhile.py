"""How many starts of environments are worthwhile now, of those that invocations could wait for.

Lambda starts an environment for each invocation that finds none idle. Here, too, when nothing is
known of the function, and as far as a start is quick. But where starts take long and invocations do
not, most of those who wait are served by environments that become free long before a new one is
there; to start one nevertheless takes the processors from those that run. So a start is *put off*
for those who are going to be served without it by the time it would be done:

- the environments that run are going to serve as many as follows from how long they are held;
- a new one serves several, if the wait that this costs is short compared with the start: half as
  many for each quarter of a start's time that somebody has waited for longer than that;
- one that is overdue serves nobody; and if none has ended since it is, what is known of the
  function does not hold, and there is one start for each who waits. So functions that wait for one
  another get the concurrency that they need;
- a steady load gets what it needs (its rate times the hold, and a margin for chance), before it has
  to queue up for it.

Starts are put off, never refused: either environments become free, and faster than new ones would
be there, or there is one start for each who waits.
"""

import math
from dataclasses import dataclass

SLACK = 0.25
"""What may be added to the time of a start for having fewer of them."""
_LOOK_AGAIN_S = (0.002, 0.25)
"""The shortest and the longest time to the next look at who waits."""
_DOUBLINGS_MAX = 60
_NO_TIME_S = 1e-6
"""To reckon with, where something has taken no time at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One version at one moment."""

    waiting: int
    oldest_s: float
    """For how long the first of those has waited."""
    size: int
    """The environments that there are."""
    running: int
    """Of these, the ones with an invocation that should end in time."""
    is_stalled: bool
    """Whether another is overdue, and none has ended since."""
    hold_s: float | None
    """How long an invocation usually holds its environment."""
    start_s: float | None
    """How long it takes to start one more."""
    per_s: float
    """How many invocations arrive in a second."""


def starts(at: Situation) -> int:
    """Return how many starts should be under way: no more than invocations wait."""
    if not at.waiting or at.is_stalled or at.hold_s is None or at.start_s is None:
        return at.waiting
    return min(at.waiting, max(_beyond_those_served(at), _for_the_load(at)))


def _beyond_those_served(at: Situation) -> int:
    start_s, hold_s = at.start_s or 0.0, max(at.hold_s or 0.0, _NO_TIME_S)
    by_then = at.running * (1 + SLACK) * start_s / hold_s
    # Whole ones: half an invocation helps nobody.
    left = at.waiting - math.floor(min(by_then, at.waiting))
    each = (1.0 + SLACK * start_s / hold_s) / _overdue(at)
    return math.ceil(left / max(1.0, each))


def _for_the_load(at: Situation) -> int:
    # As many as are busy on average, and twice the deviation that chance brings (Poisson's).
    busy = at.per_s * (at.hold_s or 0.0)
    return math.ceil(busy + 2 * math.sqrt(busy)) - at.size


def _overdue(at: Situation) -> float:
    """Return how many times fewer a start is taken to serve because somebody waits too long."""
    bound_s = (1 + SLACK) * max(at.start_s or 0.0, _NO_TIME_S)
    late = at.oldest_s / bound_s - 1
    return 2.0 ** min(late / SLACK, _DOUBLINGS_MAX) if late > 0 else 1.0


def look_again_s(at: Situation) -> float:
    """Return when to decide anew if nothing happens until then."""
    shortest, longest = _LOOK_AGAIN_S
    soon = min(at.hold_s or 0.0, at.start_s or 0.0) / 2
    return max(shortest, min(longest, soon))
