"""A pool of waiting pods under first calls that come at random: simulated, event by event. Pure.

The operator asks for a pod as soon as one is taken, up to what the pool is meant to have and for
each call that waits; so many are made at the same time, and each takes about as long.
"""

import heapq
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """A runtime's pool."""

    size: int
    made_at_once: int
    made_in_s: float
    """In the mean; each takes between half and one and a half of it."""


def arrivals(per_s: float, seconds: float, drawn: random.Random) -> list[float]:
    """Return when first calls come."""
    found, at = [], drawn.expovariate(per_s)
    while at < seconds:
        found.append(at)
        at += drawn.expovariate(per_s)
    return found


def waits(pool: Pool, calls: Sequence[float], drawn: random.Random) -> list[float]:
    """Return how many seconds each call waits for its pod, in their order; the pool begins full."""
    free, made = pool.size, 0
    done: list[float] = []
    waiting: deque[int] = deque()
    found = [0.0] * len(calls)
    backlog = 0

    def begin(now: float) -> None:
        nonlocal backlog, made
        while backlog and made < pool.made_at_once:
            backlog -= 1
            made += 1
            heapq.heappush(done, now + pool.made_in_s * drawn.uniform(0.5, 1.5))

    def finish(until: float) -> None:
        nonlocal free, made
        while done and done[0] <= until:
            now = heapq.heappop(done)
            made -= 1
            if waiting:
                call = waiting.popleft()
                found[call] = now - calls[call]
            else:
                free += 1
            begin(now)

    for call, at in enumerate(calls):
        finish(at)
        if free:
            free -= 1
        else:
            waiting.append(call)
        backlog += 1
        begin(at)
    finish(float("inf"))
    return found
