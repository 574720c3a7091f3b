"""What many single measurements amount to. Pure."""

import enum
import itertools
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MIB = 2**20
_FAILURES_SHOWN = 3


def quantiles(taken_ms: Iterable[float]) -> dict[str, float]:
    """Return count, median, 99th percentile and the longest; of nothing, only the count."""
    ordered = sorted(taken_ms)
    if not ordered:
        return {"n": 0}
    return {
        "n": len(ordered),
        "p50_ms": statistics.median(ordered),
        "p99_ms": ordered[int(len(ordered) * 0.99)],
        "max_ms": ordered[-1],
    }


def tenths(taken_ms: Sequence[float]) -> list[float]:
    """Return the median of each tenth, in their order. Fewer than ten: ValueError."""
    if len(taken_ms) < 10:
        raise ValueError("fewer than ten have no tenths")
    bounds = [number * len(taken_ms) // 10 for number in range(11)]
    return [statistics.median(taken_ms[low:high]) for low, high in itertools.pairwise(bounds)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of one call."""

    took_ms: float
    """Until the whole answer was there, as its caller sees it; in an open loop, from when it was
    due."""
    failure: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


def of_answers(answers: Sequence[Answer]) -> dict[str, object]:
    """Return the quantiles of the calls that went well, and what went wrong with the others."""
    failed = Counter(each.failure for each in answers if each.failure is not None)
    found: dict[str, object] = dict(
        quantiles(each.took_ms for each in answers if each.failure is None)
    )
    found["failed"] = failed.total()
    for failure, count in failed.most_common(_FAILURES_SHOWN):
        found[f"failed: {failure}"] = count
    return found


class Place(enum.Enum):
    """Where a call has run, given where those before it have."""

    WARM = "warm"
    """In an environment that has been used before."""
    SAME_POD = "another environment in a pod"
    OTHER_POD = "another pod"


def place(before: Iterable[Mapping[str, Any]], answer: Mapping[str, Any]) -> Place:
    """Tell where a call has run; each answer names its `pod` and `environment`."""
    known = list(before)
    if any(each["environment"] == answer["environment"] for each in known):
        return Place.WARM
    if any(each["pod"] == answer["pod"] for each in known):
        return Place.SAME_POD
    return Place.OTHER_POD


_PHASE = re.compile(
    r'^inglenook_cold_start_phase_seconds_(sum|count)\{phase="(\w+)"\} (\S+)$', re.MULTILINE
)


def phases(before: Iterable[str], after: Iterable[str]) -> dict[str, float]:
    """Return a cold start's phases, as the gateways' metrics tell them: each one's mean in ms."""
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for sign, pages in ((-1, before), (1, after)):
        for page in pages:
            for what, phase, value in _PHASE.findall(page):
                sums[phase, what] += sign * float(value)
    return {
        f"{phase}_mean_ms": 1000 * total / count
        for (phase, what), total in sorted(sums.items())
        if what == "sum" and (count := sums[phase, "count"]) > 0
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What a container takes, at one moment."""

    at: str
    """When its CPU was read, as RFC 3339 has it."""
    cpu_ns: int
    """All that it has used so far."""
    resident: int
    working_set: int
    """Memory that cannot be reclaimed, in bytes: what Kubernetes evicts by."""


def uses(summaries: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], Use]:
    """Read the kubelets' /stats/summary: by namespace, pod and container."""
    found = {}
    for summary in summaries:
        for pod in summary["pods"]:
            of_pod = pod["podRef"]["namespace"], pod["podRef"]["name"]
            for one in pod.get("containers", ()):
                cpu, memory = one.get("cpu", {}), one.get("memory", {})
                # A container that has just begun, or ended, has not been read.
                if "usageCoreNanoSeconds" not in cpu or "workingSetBytes" not in memory:
                    continue
                found[*of_pod, one["name"]] = Use(
                    at=cpu["time"],
                    cpu_ns=cpu["usageCoreNanoSeconds"],
                    resident=memory.get("rssBytes", 0),
                    working_set=memory["workingSetBytes"],
                )
    return found


def of_uses(taken: Sequence[tuple[Use, Use, float]]) -> dict[str, float]:
    """Return what containers of one kind take, each on average; between two reads, so many s."""
    return {
        "n": len(taken),
        "resident_mib": statistics.mean(after.resident for _, after, _ in taken) / MIB,
        "working_set_mib": statistics.mean(after.working_set for _, after, _ in taken) / MIB,
        "cpu_millicores": statistics.mean(
            (after.cpu_ns - before.cpu_ns) / seconds / 1e6 for before, after, seconds in taken
        ),
    }


def together(taken: Sequence[tuple[Use, Use, float]]) -> dict[str, float]:
    """Return what containers take in all, the CPU as a part of one core."""
    return {
        "resident_mib": sum(after.resident for _, after, _ in taken) / MIB,
        "cpu_percent": sum(
            100 * (after.cpu_ns - before.cpu_ns) / seconds / 1e9 for before, after, seconds in taken
        ),
    }
