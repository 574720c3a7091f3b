"""How many environments are started for those who wait, and what they wait: simulated.

    .venv/bin/python bench/growth.py [--seed N] [--cores N]

A discrete-event simulation of one function: the rule (`inglenook.capacity.worthwhile`) and its
estimates are the platform's own, the rest is modelled. Work is done by a few processors that all
who run and all that start share equally. A start is a fork in a pod that there is, or it needs a
pod: of these two are free, and the others have to be made, at the operator's pace. `each` starts
one environment for each who waits, and has ten pods made at once. Seeded: the same arguments print
the same table.
"""

import argparse
import heapq
import itertools
import math
import random
import statistics
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from inglenook.capacity import estimates, worthwhile
from inglenook.capacity.estimates import Place
from inglenook_operator.reconcile import pace

STARTS_IN_FLIGHT = 32
PODS_AT_FIRST, PODS_AT_ONCE = 2, 10
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Load:
    """Calls of one function: when each comes, what it computes and what it only waits."""

    name: str
    calls: tuple[tuple[float, float, float], ...]
    """In order: the moment, seconds of a processor, seconds of sleep before that."""


def _poisson(draw: random.Random, per_s: Callable[[float], float], until: float) -> Iterator[float]:
    now, most = 0.0, max(per_s(0.0), per_s(until))
    while (now := now + draw.expovariate(most)) < until:
        if draw.random() < per_s(now) / most:
            yield now


def loads(seed: int) -> list[Load]:
    """Return the patterns."""

    def steady(name: str, per_s: Callable[[float], float], work: Callable[[], tuple[float, float]],
               until: float = 20.0) -> Load:  # fmt: skip
        moments = list(_poisson(draw, per_s, until))
        return Load(name, tuple((at, *work()) for at in moments))

    draw = random.Random(seed)
    return [
        steady("steady 60/s of 20 ms", lambda _: 60.0, lambda: (0.01, 0.01)),
        Load("300 first calls at once, 20 ms", tuple((0.0, 0.01, 0.01) for _ in range(300))),
        Load(
            "2/s, then 300 at once, 20 ms",
            tuple((at / 2, 0.01, 0.01) for at in range(20))
            + tuple((10.0, 0.01, 0.01) for _ in range(300)),
        ),
        steady("ramp 5 to 100/s of 20 ms", lambda at: 5 + 95 * at / 20, lambda: (0.01, 0.01)),
        steady("20/s of 1 s, mostly asleep", lambda _: 20.0, lambda: (0.01, 1.0)),
        steady(
            "20/s, 10 ms or (1 in 10) 1 s",
            lambda _: 20.0,
            lambda: (0.005, 1.0 if draw.random() < 0.1 else 0.005),
        ),
    ]


@dataclass(slots=True)
class _Job:
    """Something that needs a processor."""

    left: float
    done: Callable[[], None]


@dataclass(slots=True)
class Simulation:
    """One load under one rule."""

    start_cpu_s: float
    needs_pods: bool
    cores: float
    uses_rule: bool
    now: float = 0.0
    starts: int = 0
    waits: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    _jobs: list[_Job] = field(default_factory=list)
    _timers: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _waiting: "deque[tuple[float, float, float]]" = field(default_factory=deque)
    _idle: list[int] = field(default_factory=list)
    _size: int = 0
    _starting: "deque[float]" = field(default_factory=deque)
    """Since when each start is under way, or sought a pod for."""
    _making: int = 0
    _free: int = PODS_AT_FIRST
    _pace: pace.Pace = field(default_factory=pace.Pace)
    _holds: estimates.Holds[int] = field(default_factory=estimates.Holds)
    _times: estimates.StartTimes = field(default_factory=estimates.StartTimes)
    _rate: estimates.Rate = field(default_factory=estimates.Rate)
    _looks: bool = False

    def run(self, load: Load) -> None:
        for call in load.calls:
            self._at(call[0], lambda call=call: self._arrive(call))  # type: ignore[misc]
        while self._timers or self._jobs:
            self._step()

    def _at(self, moment: float, then: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (moment, next(self._numbers), then))

    def _step(self) -> None:
        share = min(1.0, self.cores / len(self._jobs)) if self._jobs else 1.0
        soonest = min((job.left for job in self._jobs), default=math.inf) / share
        timer = self._timers[0][0] if self._timers else math.inf
        passed = max(0.0, min(soonest, timer - self.now))
        self.now += passed
        for job in self._jobs:
            job.left -= passed * share
        if timer <= self.now + _EPSILON:
            heapq.heappop(self._timers)[2]()
        finished = [job for job in self._jobs if job.left <= _EPSILON]
        self._jobs = [job for job in self._jobs if job.left > _EPSILON]
        for job in finished:
            job.done()

    # What a gateway does

    def _arrive(self, call: tuple[float, float, float]) -> None:
        self._rate.arrived(self.now)
        if self._idle:
            self._take(self._idle.pop(), call)
        else:
            self._waiting.append(call)
            self._start_more()

    def _take(self, environment: int, call: tuple[float, float, float]) -> None:
        came, work, sleep = call
        self.waits.append(self.now - came)
        self._holds.began(environment, self.now)

        def done() -> None:
            self.latencies.append(self.now - came)
            self._holds.ended(environment, self.now)
            self._offer(environment)

        self._at(self.now + sleep, lambda: self._jobs.append(_Job(work, done)))

    def _offer(self, environment: int) -> None:
        if self._waiting:
            self._take(environment, self._waiting.popleft())
        else:
            self._idle.append(environment)

    def _wanted(self) -> int:
        if not self.uses_rule:
            return len(self._waiting)
        return worthwhile.starts(self._situation())

    def _situation(self) -> worthwhile.Situation:
        start_s = self._times.expected_s(Place.ROOM, 0.0)
        if self.needs_pods and start_s is not None:
            place = Place.FREE if self._free else Place.NONE
            seeking_s = self.now - self._starting[0] if self._starting else 0.0
            start_s = self._times.expected_s(place, seeking_s)
        is_stalled = self._holds.is_stalled(self.now, start_s or 0.0)
        return worthwhile.Situation(
            waiting=len(self._waiting),
            oldest_s=self.now - self._waiting[0][0] if self._waiting else 0.0,
            size=self._size,
            running=self._holds.running,
            is_stalled=is_stalled,
            hold_s=self._holds.mean.value,
            start_s=start_s,
            per_s=self._rate.per_s(self.now),
        )

    def _start_more(self) -> None:
        wanted = min(self._wanted(), STARTS_IN_FLIGHT)
        while len(self._starting) < wanted:
            self._starting.append(self.now)
            if not self.needs_pods:
                self.starts += 1
                self._jobs.append(_Job(self.start_cpu_s, self._started))
        if self.needs_pods:
            self._seek(wanted)
        if self.uses_rule and not self._looks and self._waiting:
            self._looks = True
            self._at(self.now + worthwhile.look_again_s(self._situation()), self._look)

    def _seek(self, wanted: int) -> None:
        while len(self._starting) > wanted:
            self._times.not_leased(Place.NONE, self.now - self._starting.pop())
        while self._free and self._starting:
            self._free -= 1
            self._has_pod(Place.FREE)
        most = min(PODS_AT_ONCE, self._pace.at_once(self.now) if self.uses_rule else PODS_AT_ONCE)
        while self._making < min(most, len(self._starting)):
            self._making += 1
            self.starts += 1
            self._jobs.append(_Job(self.start_cpu_s, self._made))

    def _made(self) -> None:
        self._making -= 1
        self._pace.became_ready(self.now)
        if self._starting:
            self._has_pod(Place.NONE)
        else:
            self._free += 1

    def _has_pod(self, place: Place) -> None:
        self._times.leased(place, self.now - self._starting[0])
        self._times.start.add(0.0)
        self._has_started()

    def _started(self) -> None:
        self._times.start.add(self.now - self._starting[0])
        self._has_started()

    def _has_started(self) -> None:
        self._starting.popleft()
        self._size += 1
        self._offer(self._size)
        self._start_more()

    def _look(self) -> None:
        self._looks = False
        self._start_more()


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Simulate how environments are started.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=float, default=2.0)
    given = parser.parse_args()
    print("| load | a start (CPU) | rule | starts | wait p50, p99 (ms) | latency p50, p99 (ms) |")
    print("|---|---|---|---|---|---|")
    for load in loads(given.seed):
        for start_cpu_s, needs_pods in ((0.005, False), (0.03, False), (2.0, True)):
            for uses_rule in (False, True):
                one = Simulation(start_cpu_s, needs_pods, given.cores, uses_rule)
                one.run(load)
                shown = []
                for values in (one.waits, one.latencies):
                    cuts = statistics.quantiles(values, n=100, method="inclusive")
                    shown.append(f"{_ms(cuts[49])}, {_ms(cuts[98])}")
                rule = "worthwhile" if uses_rule else "each"
                start = f"{start_cpu_s * 1000:g} ms{', a pod' * needs_pods}"
                print(
                    f"| {load.name} | {start} | {rule} | {one.starts:,} | {shown[0]} | {shown[1]} |"
                )


if __name__ == "__main__":
    main()
