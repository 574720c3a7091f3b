"""What to do about a pool of pods, given the pods there are and how many there should be.

Pure. A pod that a gateway may be taking at this moment is never deleted outright: it *retires*
first, by its label, and is deleted once it has stayed untaken for a while; so does one that is not
ready but has an address, as gateways know before the API server when it has started. New pods of a
changed template come before the old ones go. A pool whose pods end by themselves is filled more and
more slowly, so that a broken image costs a pod now and then and not a storm of them. What is asked
for and soon after not any more does not have pods made, deleted and made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inglenook_operator.reconcile import conditions
from inglenook_operator.reconcile.pods import Pod, State, Trouble

RETIRE_S = 5.0
"""How long gateways have to hear that a pod retires, or to tell that they have taken it."""
_BACKOFF_S = 5.0
_BACKOFF_S_MAX = 300.0
_STUCK_S = 60.0
_FAILURES_FREE = 2
"""So many pods may end early before creating is slowed down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now, and when to look again even if nothing happens."""

    create: int = 0
    retire: tuple[Pod, ...] = ()
    delete: tuple[Pod, ...] = ()
    again_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """How many pods there should be."""

    target: int
    keep: int
    """So many stay, if they are there already."""
    at_once: int
    """No more than so many are to be starting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How often pods of a pool have ended, one after the other, before anybody took them."""

    count: int = 0
    last: float = 0.0

    def wait_s(self, now: float) -> float:
        """Return how long to create nothing; 0 to go ahead."""
        if self.count <= _FAILURES_FREE:
            return 0.0
        pause = min(_BACKOFF_S_MAX, _BACKOFF_S * 2.0 ** (self.count - _FAILURES_FREE - 1))
        return max(0.0, self.last + pause - now)


def plan(
    pods: Sequence[Pod],
    *,
    aim: Aim,
    template: str,
    retiring_since: dict[str, float],
    failures: Failures,
    now: float,
) -> Plan:
    """Decide for one pool. `retiring_since` tells, by uid, since when a pod has retired."""
    target = aim.target
    ended = [one for one in pods if one.has_ended and not one.is_leaving]
    retired, waits = _retired(pods, retiring_since, now)
    pooled = [one for one in pods if one.is_live and one.state is State.POOLED]
    current = [one for one in pooled if one.template == template]
    old = [one for one in pooled if one.template != template]
    missing = target - len(current)
    create, pause = 0, 0.0
    if missing > 0:
        pause = failures.wait_s(now)
        # One at a time while they fail: the next one tells whether it is mended.
        most = (
            1 if failures.count > _FAILURES_FREE else max(0, aim.at_once - _starting(current, now))
        )
        create = 0 if pause else min(missing, most)
        if create < missing and not pause and failures.count <= _FAILURES_FREE:
            waits.append(1.0)
    ready = sum(one.is_ready for one in current)
    leaving = [*_surplus(current, max(target, aim.keep)), *_replaced(old, target - ready)]
    return Plan(
        create=create,
        retire=tuple(one for one in leaving if one.has_address),
        # Nobody takes what is nowhere yet.
        delete=(*ended, *retired, *(one for one in leaving if not one.has_address)),
        again_s=min((*waits, *((pause,) if pause else ())), default=None),
    )


def _starting(current: Sequence[Pod], now: float) -> int:
    """Return how many are about to be ready: those that are stuck, or were ready, are not."""
    return sum(
        not one.is_ready and not one.is_cut_off and one.created >= now - _STUCK_S for one in current
    )


def unheard(pods: Sequence[Pod], since: Mapping[str, float], now: float) -> dict[str, float]:
    """Return, by uid, the pods that retire without `since` telling when they began to.

    A former leader has retired them: for this one they begin now.
    """
    retiring = (one.uid for one in pods if one.state is State.RETIRING)
    return {uid: now for uid in retiring if uid not in since}


def _retired(
    pods: Sequence[Pod], since: dict[str, float], now: float
) -> tuple[list[Pod], list[float]]:
    """Return the pods that have retired for long enough, and what the others still have to."""
    gone, waits = [], []
    for one in pods:
        if not (one.is_live and one.state is State.RETIRING):
            continue
        left = since.get(one.uid, now) + RETIRE_S - now
        if left <= 0:
            gone.append(one)
        else:
            waits.append(left)
    return gone, waits


def _surplus(current: Sequence[Pod], target: int) -> list[Pod]:
    """Return what is more than enough: first what is not ready, then the youngest."""
    if len(current) <= target:
        return []
    kept_first = sorted(current, key=lambda one: (not one.is_ready, one.created, one.name))
    return kept_first[target:]


def _replaced(old: Sequence[Pod], still_needed: int) -> list[Pod]:
    """Return the pods of older templates that ready ones of the current have made needless."""
    useful = sorted((one for one in old if one.is_ready), key=lambda one: one.created)
    return [
        *(one for one in old if not one.is_ready),
        *useful[: max(0, len(useful) - max(0, still_needed))],
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a Runtime's status tells of its pods, of all its pools together."""

    pooled: int = 0
    """Started, and waiting."""
    starting: int = 0
    specialised: int = 0


def counts(pods: Sequence[Pod]) -> Counts:
    """Count live pods."""
    live = [one for one in pods if one.is_live]
    pooled = [one for one in live if one.state is State.POOLED]
    ready = sum(one.is_ready for one in pooled)
    return Counts(
        pooled=ready,
        starting=len(pooled) - ready,
        specialised=sum(one.state is State.SPECIALISED for one in live),
    )


def trouble(pods: Sequence[Pod], template: str, now: float) -> Trouble | None:
    """Return what keeps pods of the current template from becoming ready, if anything does."""
    stuck = None
    for one in sorted(pods, key=lambda one: one.created, reverse=True):
        is_current = one.state is State.POOLED and one.template == template
        if not is_current or one.is_ready or one.is_leaving:
            continue
        if one.trouble is not None:
            return one.trouble
        if one.created < now - _STUCK_S:
            message = f"The pod {one.name} does not become ready; `kubectl describe` tells more."
            stuck = Trouble(reason="PodsStuck", message=message)
    return stuck


def shown_trouble(
    counts: Counts, *, least: int, found: Trouble | None, said: Trouble | None
) -> Trouble | None:
    """Return what a Runtime's condition is to tell: what was `found` now, or `said` before.

    A pool of which nothing has to wait tries nothing before somebody needs it: what failed last
    stays said until a pod has started after all.
    """
    if counts.pooled >= max(least, 1):
        return None
    if found is not None:
        return found
    if counts.pooled < least:
        message = f"{counts.pooled} of {least} pods are ready."
        return Trouble(reason=conditions.POOL_FILLS, message=message)
    return None if counts.specialised else said
