"""What happens to an event after an attempt: pure decisions.

A function that failed gets the event again after one and after two minutes, as often as is
configured. An event that could not be run, because of a throttle or a failure of the platform, is
tried again ever more rarely, which counts as no attempt. Both end at the event's maximum age.

Source: dg/invocation-async-error-handling.html, dg/invocation-async-retain-records.html.
"""

import enum
import random
from dataclasses import dataclass

import msgspec

from inglenook.events import work
from inglenook.model import limits


class Condition(enum.Enum):
    """How an event ended, as its invocation record says."""

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"
    ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """The function has run the event."""

    executed_version: str
    payload: bytes
    failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    """The event could not be run, which may change."""

    status: int
    """429 for a throttle, else of the platform's failure."""
    message: str
    is_switched_off: bool = False
    """Whether the function has a reserved concurrency of zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the event was meant for is no more."""

    message: str


Attempt = Ran | NotNow | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is configured for the events of a function under a qualifier."""

    retry_attempts: int = limits.EVENT_RETRIES_MAX
    event_age_s: float = limits.EVENT_AGE_S_MAX
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter_target: str | None = None

    @property
    def keeps_failures(self) -> bool:
        """Whether an event that is given up goes anywhere."""
        return self.on_failure is not None or self.dead_letter_target is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The event is done with, well or not."""

    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The event is tried again."""

    event: work.Invocation
    due: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """The event is forgotten: nobody is left who could run it."""

    reason: str


Decision = Finish | Retry | Drop


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the time between attempts passes: the one place where it is compressed for tests."""

    scale: float = 1.0

    def after(self, now: float, delay_s: float) -> float:
        """Return the point in time when a delay that Lambda states has passed."""
        return now + delay_s / self.scale


def decide(
    event: work.Invocation,
    attempt: Attempt,
    policy: Policy,
    *,
    now: float,
    pace: Pace,
    rng: random.Random,
) -> Decision:
    """Return what becomes of an event after an attempt that has just ended."""
    match attempt:
        case Missing(message=message):
            return Drop(reason=message)
        case Ran(failed=False):
            return Finish(condition=Condition.SUCCESS)
        case Ran():
            return _after_failure(event, policy, now, pace)
        case NotNow():
            return _after_delay(event, attempt, policy, now, pace, rng)


def is_too_old(event: work.Invocation, policy: Policy, *, now: float, pace: Pace) -> bool:
    """Whether an event has outlived its maximum age."""
    return now >= pace.after(event.accepted_at, policy.event_age_s)


def _after_failure(
    event: work.Invocation, policy: Policy, now: float, pace: Pace
) -> Finish | Retry:
    if event.runs >= policy.retry_attempts:
        return Finish(condition=Condition.RETRIES_EXHAUSTED)
    due = pace.after(now, limits.EVENT_RETRY_DELAYS_S[event.runs])
    # It would be too old by then: its record says so now, while the function's answer is at hand.
    if is_too_old(event, policy, now=due, pace=pace):
        return Finish(condition=Condition.EVENT_AGE_EXCEEDED)
    again = msgspec.structs.replace(event, runs=event.runs + 1, delays=0, last_status=200)
    return Retry(event=again, due=due)


def _after_delay(
    event: work.Invocation,
    attempt: NotNow,
    policy: Policy,
    now: float,
    pace: Pace,
    rng: random.Random,
) -> Finish | Retry:
    if attempt.is_switched_off and policy.keeps_failures:
        return Finish(condition=Condition.ZERO_RESERVED_CONCURRENCY)
    if is_too_old(event, policy, now=now, pace=pace):
        return Finish(condition=Condition.EVENT_AGE_EXCEEDED)
    due = pace.after(now, backoff_s(event.delays, rng))
    # It is given up when its time is over, and not whenever the next attempt would have been.
    due = min(due, pace.after(event.accepted_at, policy.event_age_s))
    again = msgspec.structs.replace(event, delays=event.delays + 1, last_status=attempt.status)
    return Retry(event=again, due=due)


def backoff_s(failures: int, rng: random.Random) -> float:
    """Return how long to wait after so many failures before this one, with jitter."""
    most = limits.EVENT_BACKOFF_S_MAX
    # The exponent is bounded, as the number of failures is not.
    delay_s = min(most, limits.EVENT_BACKOFF_S_MIN * 2.0 ** min(failures, 16))
    return min(most, delay_s * rng.uniform(1.0, 1.5))
