"""Which environment takes which invocation: the decisions of one version's pool.

Pure state: events in (an invocation arrives, an environment has started, is free, is lost), answers
out. What it promises:

- an environment has one invocation at a time;
- the most recently used idle environment is taken first, so that the others can go cold;
- a provisioned one before any other; those are never given up for having been idle;
- an invocation that finds none waits, first come first served, for whichever environment is free
  first, a started one or one that finished;
- no more starts are wanted than invocations wait, whatever is provisioned besides;
- environments that were taken over make up for provisioned ones before any is started.

It leaves to its caller how an environment is started, how many starts may be under way, and time.
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from inglenook.capacity import provisioned

I = TypeVar("I", bound=Hashable)  # noqa: E741 - an invocation
E = TypeVar("E", bound=Hashable)


class Environments(Generic[I, E]):
    """The environments of one version and the invocations that wait for one."""

    __slots__ = (
        *("_adopted", "_busy", "_idle", "_idle_provisioned", "_resting", "_starting", "_waiting"),
        "provisioned",
    )

    def __init__(self) -> None:
        self._idle: dict[E, float] = {}
        """Since when each is idle, least recently used first."""
        self._idle_provisioned: dict[E, float] = {}
        self.provisioned: provisioned.Reserve[E] = provisioned.Reserve()
        self._resting: dict[E, None] = {}
        """Not busy, and not to be used yet."""
        self._busy: dict[E, I] = {}
        self._waiting: dict[I, None] = {}
        """In order of arrival; a dict, so that one can leave from the middle."""
        self._starting = 0
        self._adopted: dict[E, None] = {}
        """Taken over, and not provisioned."""

    @property
    def is_unused(self) -> bool:
        """Whether there is no environment, no start and nobody waiting."""
        return (
            not (self._idle or self._busy or self._waiting or self._starting or self._resting)
            and self.provisioned.is_unused
        )

    @property
    def waiting(self) -> list[I]:
        """The invocations without an environment, in order of arrival."""
        return list(self._waiting)

    @property
    def waiting_count(self) -> int:
        """How many invocations have no environment."""
        return len(self._waiting)

    @property
    def busy(self) -> dict[E, I]:
        """A copy of which environment runs which invocation."""
        return dict(self._busy)

    @property
    def size(self) -> int:
        """How many environments there are."""
        return len(self._idle) + len(self._idle_provisioned) + len(self._busy) + len(self._resting)

    @property
    def starting(self) -> int:
        """How many starts are under way for those who wait."""
        return self._starting

    def is_busy(self, environment: E) -> bool:
        """Whether an environment runs an invocation."""
        return environment in self._busy

    def first_waiting(self) -> I | None:
        """Return who has waited longest."""
        return next(iter(self._waiting), None)

    def arrive(self, invocation: I) -> E | None:
        """Return the idle environment that takes the invocation, or let it wait."""
        idle = self._idle_provisioned or self._idle
        if not idle:
            self._waiting[invocation] = None
            return None
        environment, _ = idle.popitem()
        self._busy[environment] = invocation
        return environment

    def starts_wanted(self) -> int:
        """Return how many more starts may be under way. Fewer may do: `worthwhile`."""
        return max(0, len(self._waiting) - self._starting)

    def starts_wanted_by_next(self) -> int:
        """Return how many more starts there may be if one more invocation arrived."""
        if self._idle_provisioned or self._idle:
            return 0
        return max(0, len(self._waiting) + 1 - self._starting)

    def start_begun(self) -> None:
        """Count a start as under way."""
        self._starting += 1

    def start_failed(self) -> None:
        """Count a start as ended without an environment."""
        self._starting -= 1

    def started(self, environment: E, now: float) -> I | None:
        """Take the environment of a start; return the invocation that it gets, if one waits."""
        self._starting -= 1
        return self._offer(environment, now)

    def started_ahead(self, environment: E, now: float) -> I | None:
        """Take a provisioned environment; return the invocation that it gets, if one waits."""
        self.provisioned.started(environment)
        return self._offer(environment, now)

    def freed(self, environment: E, now: float) -> I | None:
        """Take an environment back that has answered; return the invocation that it gets next."""
        if self._busy.pop(environment, None) is None:
            return None
        return self._offer(environment, now)

    def _offer(self, environment: E, now: float) -> I | None:
        invocation = self.first_waiting()
        if invocation is None:
            is_provisioned = len(self.provisioned) and environment in self.provisioned
            (self._idle_provisioned if is_provisioned else self._idle)[environment] = now
            return None
        del self._waiting[invocation]
        self._busy[environment] = invocation
        return invocation

    def lost(self, environment: E) -> I | None:
        """Forget an environment; return the invocation that was in it, if one was."""
        self._idle.pop(environment, None)
        self._idle_provisioned.pop(environment, None)
        self._resting.pop(environment, None)
        self._adopted.pop(environment, None)
        self.provisioned.lost(environment)
        return self._busy.pop(environment, None)

    def rest(self, environment: E) -> None:
        """Take an environment back that has answered, and leave it alone until it has `rested`."""
        if self._busy.pop(environment, None) is not None:
            self._resting[environment] = None

    def rested(self, environment: E, now: float) -> I | None:
        """Let an environment go on; return the invocation that it gets, if one waits."""
        if environment not in self._resting:
            return None
        del self._resting[environment]
        return self._offer(environment, now)

    def adopt(self, environment: E, now: float) -> I | None:
        """Take an idle environment over; return the invocation that it gets, if one waits."""
        self.adopt_busy(environment)
        return self.rested(environment, now)

    def adopt_busy(self, environment: E) -> None:
        """Take over one that runs something for somebody else, until it has `rested`."""
        self._resting[environment] = None
        self._adopted[environment] = None
        self.promote(self.provisioned.target)

    def promote(self, target: int) -> None:
        """Let what was taken over be provisioned, as far as a target asks for more."""
        for environment in list(self._adopted)[: self.provisioned.missing(target)]:
            del self._adopted[environment]
            self.provisioned.adopted(environment)
            if environment in self._idle:
                self._idle_provisioned[environment] = self._idle.pop(environment)

    def let_go(self) -> None:
        """Forget every environment that is not busy: they are another's."""
        for environment in (*self._idle, *self._idle_provisioned, *self._resting):
            self.lost(environment)

    def of(self, belongs: Callable[[E], bool]) -> list[E]:
        """Return the environments for which `belongs` is true, idle or busy."""
        everywhere = (*self._idle, *self._idle_provisioned, *self._busy, *self._resting)
        return [each for each in everywhere if belongs(each)]

    def requeue(self, invocation: I) -> None:
        """Put an invocation that was refused before it began back, ahead of all that wait."""
        self._waiting = {invocation: None, **self._waiting}

    def abandon(self, invocation: I) -> bool:
        """Let a waiting invocation go; return whether it was waiting."""
        if invocation not in self._waiting:
            return False
        del self._waiting[invocation]
        return True

    def idle_since(self) -> Iterator[float]:
        """Return since when each has been idle that may be given up, the longest first."""
        return iter(self._idle.values())

    def idle_since_before(self, moment: float) -> list[E]:
        """Remove and return the environments that have been idle since before `moment`."""
        expired = []
        for environment, since in self._idle.items():
            if since >= moment:
                break
            expired.append(environment)
        for environment in expired:
            self.lost(environment)
        return expired

    def shrink(self) -> None:
        """Give back the room of those that have gone: a dict keeps it until it is cleared."""
        for each in (self._idle, self._busy, self._waiting):
            if not each:
                each.clear()

    def idle_beyond_target(self) -> list[E]:
        """Remove and return idle provisioned environments that are not wanted any more."""
        surplus = []
        for environment in list(self._idle_provisioned)[: self.provisioned.surplus()]:
            self.lost(environment)
            surplus.append(environment)
        return surplus
