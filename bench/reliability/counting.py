"""What a scenario's calls amount to: which failed, when, and whether that may be. Pure.

All times are of one `time.monotonic`. `at` is when a scenario began to do what it does, `over` when
that was done; from then on the platform has `whole_within_s` to be whole again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_FAILURES_SHOWN = 5


@dataclass(kw_only=True)
class Call:
    """One call, from when it was to begin to when it was over."""

    began: float
    ended: float = 0.0
    failure: str | None = None


@dataclass(kw_only=True)
class Calls:
    """What became of all calls so far."""

    synchronous: list[Call] = field(default_factory=list)
    asynchronous: list[Call] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    """The ids of the events that were answered 202."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one scenario; docs/reliability.md says what each column means."""

    scenario: str
    done: str
    took_s: float
    synchronous: int
    failed_in_flight: int
    failed_in_outage: int
    failed_later: int
    whole_after_s: float
    median_ms: float
    slowest_s: float
    accepted: int
    refused_events: int
    lost: int
    repeated: int
    failures: list[str]
    problems: list[str]
    """What must not be; empty if all was as it should be."""


def counted(  # noqa: PLR0913 - what was measured, each by its name
    calls: Calls,
    *,
    scenario: str,
    done: str,
    at: float,
    over: float,
    whole_within_s: float,
    may_fail_in_flight: bool,
    lost: int,
    repeated: int,
) -> Row:
    """Count a scenario's calls; every failed synchronous one is in exactly one of three columns."""
    failed = [call for call in calls.synchronous if call.failure]
    took = sorted(call.ended - call.began for call in calls.synchronous) or [0.0]
    late = over + whole_within_s
    in_flight = sum(call.began <= at <= call.ended for call in failed)
    in_outage = sum(at < call.began <= late for call in failed)
    later = sum(call.began > late or call.ended < at for call in failed)
    return Row(
        scenario=scenario,
        done=done,
        took_s=round(over - at, 2),
        synchronous=len(calls.synchronous),
        failed_in_flight=in_flight,
        failed_in_outage=in_outage,
        failed_later=later,
        whole_after_s=round(
            max((call.began - at for call in failed if call.began > at), default=0.0), 2
        ),
        median_ms=round(took[len(took) // 2] * 1000, 1),
        slowest_s=round(took[-1], 2),
        accepted=len(calls.accepted),
        refused_events=sum(call.failure is not None for call in calls.asynchronous),
        lost=lost,
        repeated=repeated,
        failures=sorted({str(call.failure) for call in failed})[:_FAILURES_SHOWN],
        problems=_problems(
            lost=lost,
            early=in_flight + in_outage,
            later=later,
            whole_within_s=whole_within_s,
            may_fail_in_flight=may_fail_in_flight,
        ),
    )


def _problems(
    *, lost: int, early: int, later: int, whole_within_s: float, may_fail_in_flight: bool
) -> list[str]:
    found = []
    if lost:
        found.append(f"{lost} accepted events were lost")
    if later:
        found.append(f"{later} calls failed after {whole_within_s:g} s")
    if early and not may_fail_in_flight:
        found.append("calls failed, and none may")
    return found


def missing(counts: Mapping[str, int], accepted: Iterable[str]) -> tuple[int, int]:
    """Return how many accepted events have not run, and how many did more than once."""
    ran = [counts.get(one, 0) for one in accepted]
    return sum(times == 0 for times in ran), sum(times > 1 for times in ran)


def merged(
    before: Iterable[Mapping[str, object]],
    rows: Iterable[Mapping[str, object]],
    order: Sequence[str],
) -> list[Mapping[str, object]]:
    """Put new rows in the place of those of the same scenarios; all in the order of the matrix."""
    found = {str(row["scenario"]): row for row in (*before, *rows)}
    return [found[name] for name in order if name in found]
