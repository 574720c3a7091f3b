"""What has been measured lately, for those who decide by it: means, holds, arrivals, start times.

Pure, cheap, and bounded in size: each value moves its estimate by a share, so that what was long
ago counts for little. An estimate without values is None, never 0.
"""

import enum
import math
from collections.abc import Hashable
from typing import Generic, TypeVar

E = TypeVar("E", bound=Hashable)

_HOLD_SHARE = 1 / 16
_START_SHARE = 1 / 4
"""Starts are few, and their time changes with what else the machines do."""
_RATE_OVER_S = 3.0
"""The stretch of time that the rate of arrivals is taken over."""


class Mean:
    """A mean in which the latest value has a certain share, and the mean deviation from it."""

    __slots__ = ("_count", "_share", "deviation", "value")

    def __init__(self, share: float) -> None:
        self._share = share
        self._count = 0
        self.value: float | None = None
        self.deviation = 0.0

    def add(self, value: float) -> None:
        """Take a value in. The first ones count as in a plain mean."""
        self._count += 1
        if self.value is None:
            self.value = value
            self.deviation = value / 2
            return
        share = max(self._share, 1 / self._count)
        error = value - self.value
        self.value += share * error
        self.deviation += share * (abs(error) - self.deviation)


class Holds(Generic[E]):
    """How long an invocation holds its environment, and who has held theirs for suspiciously long.

    A mean and not a median: what becomes free in a given time follows from the mean, however
    different the invocations are.
    """

    __slots__ = ("_is_stalled", "_late", "_since", "mean")

    def __init__(self) -> None:
        self.mean = Mean(_HOLD_SHARE)
        self._since: dict[E, float] = {}
        """In the order in which they began."""
        self._late: dict[E, float] = {}
        self._is_stalled = False

    def began(self, environment: E, now: float) -> None:
        """Learn that an environment has an invocation."""
        self._since[environment] = now

    def ended(self, environment: E, now: float) -> None:
        """Learn that it is done with it. Nothing if it never began."""
        since = self._since.pop(environment, None)
        if since is None:
            since = self._late.pop(environment, None)
        if since is not None:
            self._is_stalled = False
            self.mean.add(now - since)

    def forget(self, environment: E) -> None:
        """Forget one that was lost, with what it ran."""
        self._since.pop(environment, None)
        self._late.pop(environment, None)
        if not self._late:
            self._is_stalled = False

    def is_stalled(self, now: float, slack_s: float) -> bool:
        """Look who is late; return whether somebody is and no invocation has ended since.

        Late is who takes longer than the mean and as much again, or four deviations, but no more
        than `slack_s`. Nothing says any more when that one ends, and it stays late until it does.
        """
        if self.mean.value is not None:
            usual = max(self.mean.value, 4 * self.mean.deviation)
            before = now - self.mean.value - min(usual, slack_s)
            while self._since:
                environment, since = next(iter(self._since.items()))
                if since >= before:
                    break
                self._late[environment] = self._since.pop(environment)
                self._is_stalled = True
        return self._is_stalled

    @property
    def running(self) -> int:
        """How many have an invocation and are not late, as of the last look."""
        return len(self._since)


class Rate:
    """How many arrive in a second, over the last few."""

    __slots__ = ("_at", "_count")

    def __init__(self) -> None:
        self._count = 0.0
        self._at = 0.0

    def arrived(self, now: float) -> None:
        """Count one."""
        self._count = self._at_moment(now) + 1.0
        self._at = now

    def per_s(self, now: float) -> float:
        """Return the rate."""
        return self._at_moment(now) / _RATE_OVER_S

    def _at_moment(self, now: float) -> float:
        return self._count * math.exp((self._at - now) / _RATE_OVER_S)


class Place(enum.Enum):
    """Where the next environment would be started."""

    ROOM = "in a pod of this version that has room"
    FREE = "in a pod that is free"
    NONE = "in a pod that has to be made first"


class StartTimes:
    """How long it takes until there is an environment, by where it comes from."""

    __slots__ = ("_lease_free", "_lease_none", "specialise", "start")

    def __init__(self) -> None:
        self.start = Mean(_START_SHARE)
        """In a pod that is specialised: a fork, and the function's init."""
        self.specialise = Mean(_START_SHARE)
        self._lease_free = Mean(_START_SHARE)
        self._lease_none = Mean(_START_SHARE)

    def _lease(self, place: Place) -> Mean:
        return self._lease_free if place is Place.FREE else self._lease_none

    def leased(self, place: Place, took_s: float) -> None:
        """Learn how long it took to get a pod, and where that was looked for."""
        self._lease(place).add(took_s)

    def not_leased(self, place: Place, after_s: float) -> None:
        """Learn that somebody has sought a pod for so long, and has none. It says what it may."""
        lease = self._lease(place)
        if after_s > (lease.value or 0.0):
            lease.add(after_s)

    def expected_s(self, place: Place, seeking_s: float) -> float | None:
        """Return what a start is going to take; None: nothing is known, so better begin at once.

        `seeking_s` is for how long somebody has sought a pod already: it is not going to be less.
        """
        if self.start.value is None:
            return None
        if place is Place.ROOM:
            return self.start.value
        lease_s = self._lease(place).value
        if lease_s is None and not seeking_s:
            return None
        return max(lease_s or 0.0, seeking_s) + (self.specialise.value or 0.0) + self.start.value
