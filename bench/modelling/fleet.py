"""How many environments functions keep, and how often they start one. Pure.

Invocations of a function come at random (Poisson) at a rate; the environment that was used last is
used first, and one that was idle for the idle time goes. So the n-th environment of a function is
asked only when n - 1 are busy, which Erlang's B formula gives: it is called at the rate of what
overflows n - 1 servers and does not overflow n. These calls are taken to come at random too; really
they come in bursts, so there are fewer starts than told here, by up to a third.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_NEGLIGIBLE = 1e-4


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """What one function, or several together, come to."""

    starts_per_s: float
    """Of environments."""
    environments: float
    pod_starts_per_s: float
    pods: float
    """Of which each has environments of one function only, the first of which lives longest."""


def of_function(per_s: float, duration_s: float, idle_s: float, per_pod: int = 1) -> Fleet:
    """Return a function's environments, pods and starts, in the mean."""
    starts = environments = pod_starts = pods = 0.0
    blocked, servers = 1.0, 0
    offered = per_s * duration_s
    # Until what further ones are asked is less than would keep even one of them.
    while (overflow := per_s * blocked) * idle_s > _NEGLIGIBLE or servers == 0:
        servers += 1
        blocked = offered * blocked / (servers + offered * blocked)
        used_per_s = overflow - per_s * blocked
        gone = math.exp(-used_per_s * idle_s)
        starts += used_per_s * gone
        environments += 1 - gone
        if (servers - 1) % per_pod == 0:
            pod_starts += used_per_s * gone
            pods += 1 - gone
    return Fleet(
        starts_per_s=starts, environments=environments, pod_starts_per_s=pod_starts, pods=pods
    )


def weights(functions: int, exponent: float) -> list[float]:
    """Return each function's part of all invocations: by rank, as Zipf has it."""
    raw = [rank**-exponent for rank in range(1, functions + 1)]
    total = sum(raw)
    return [each / total for each in raw]


def grouped(parts: Sequence[float]) -> list[tuple[float, int]]:
    """Return the mean part and the number of neighbours that hardly differ: far fewer than all.

    Those of the first ranks stay alone; further on a group is a hundredth of its rank wide.
    """
    found, at = [], 0
    while at < len(parts):
        group = parts[at : at + 1 + at // 100]
        found.append((sum(group) / len(group), len(group)))
        at += len(group)
    return found


def of_all(
    per_s: float,
    groups: Sequence[tuple[float, int]],
    *,
    duration_s: float,
    idle_s: float,
    per_pod: int = 1,
) -> Fleet:
    """Return what functions with these parts of the load, each so often, come to together."""
    each = [
        (count, of_function(per_s * part, duration_s, idle_s, per_pod)) for part, count in groups
    ]
    return Fleet(
        starts_per_s=sum(count * one.starts_per_s for count, one in each),
        environments=sum(count * one.environments for count, one in each),
        pod_starts_per_s=sum(count * one.pod_starts_per_s for count, one in each),
        pods=sum(count * one.pods for count, one in each),
    )
