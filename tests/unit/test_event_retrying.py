"""What becomes of an event after an attempt, as a table."""

import random

import msgspec
import pytest

from inglenook.events import retrying, work
from inglenook.events.retrying import (
    Condition,
    Drop,
    Finish,
    Missing,
    NotNow,
    Pace,
    Policy,
    Ran,
    Retry,
)

EVENT = work.Invocation(
    request_id="r", function_name="f", function_uid="u", qualifier=None, trace_id="t",
    accepted_at=1000.0,
)  # fmt: skip
WELL = Ran(executed_version="1", payload=b"{}", failed=False)
FAILED = Ran(executed_version="1", payload=b"{}", failed=True)
THROTTLED = NotNow(status=429, message="Rate Exceeded.")
SWITCHED_OFF = NotNow(status=429, message="Rate Exceeded.", is_switched_off=True)
REAL_TIME = Pace()


def decide(
    attempt: retrying.Attempt,
    policy: Policy | None = None,
    *,
    now: float = 1010.0,
    pace: Pace = REAL_TIME,
    **members: object,
) -> retrying.Decision:
    event = msgspec.structs.replace(EVENT, **members)
    return retrying.decide(
        event, attempt, policy or Policy(), now=now, pace=pace, rng=random.Random(1)
    )


def due(decision: retrying.Decision) -> float:
    assert isinstance(decision, Retry)
    return decision.due


def test_an_event_that_ran_well_is_done_with_whatever_its_age() -> None:
    assert decide(WELL, now=1e9) == Finish(condition=Condition.SUCCESS)


@pytest.mark.parametrize(
    ("runs", "attempts", "delay_s"),
    [(0, 2, 60), (1, 2, 120), (2, 2, None), (0, 1, 60), (1, 1, None), (0, 0, None), (2, 0, None)],
)
def test_a_failed_event_is_run_again_after_one_and_two_minutes_as_often_as_configured(
    runs: int, attempts: int, delay_s: float | None
) -> None:
    decision = decide(FAILED, Policy(retry_attempts=attempts), runs=runs)
    if delay_s is None:
        assert decision == Finish(condition=Condition.RETRIES_EXHAUSTED)
    else:
        assert due(decision) == 1010 + delay_s
        assert isinstance(decision, Retry)
        assert decision.event.runs == runs + 1


def test_a_retry_keeps_all_that_the_event_came_with() -> None:
    decision = decide(FAILED, delays=7)
    assert isinstance(decision, Retry)
    expected = msgspec.structs.replace(EVENT, runs=1, delays=0, last_status=200)
    assert decision.event == expected


@pytest.mark.parametrize(("age_s", "is_given_up"), [(69, True), (70, True), (71, False)])
def test_a_failed_event_that_would_be_too_old_at_its_retry_is_given_up_at_once(
    age_s: float, *, is_given_up: bool
) -> None:
    decision = decide(FAILED, Policy(event_age_s=age_s))
    assert (decision == Finish(condition=Condition.EVENT_AGE_EXCEEDED)) is is_given_up


@pytest.mark.parametrize("attempt", [THROTTLED, NotNow(status=500, message="")])
def test_an_event_that_could_not_be_run_is_tried_ever_more_rarely_and_counts_no_attempt(
    attempt: NotNow,
) -> None:
    delays = []
    for count in range(20):
        decision = decide(attempt, delays=count, runs=1)
        delays.append(due(decision) - 1010)
        assert isinstance(decision, Retry)
        assert (decision.event.runs, decision.event.delays) == (1, count + 1)
        assert decision.event.last_status == attempt.status
    assert 1 <= delays[0] <= 1.5
    assert delays[:8] == sorted(delays[:8])
    assert all(200 <= delay <= 300 for delay in delays[9:])


def test_a_very_often_delayed_event_still_gets_a_time() -> None:
    assert due(decide(THROTTLED, delays=10**6)) <= 1310


def test_a_throttled_event_is_due_at_the_latest_when_it_is_too_old() -> None:
    assert due(decide(THROTTLED, Policy(event_age_s=60), delays=9)) == 1060


def test_a_throttled_event_of_the_maximum_age_is_given_up() -> None:
    decision = decide(THROTTLED, Policy(event_age_s=60), now=1060)
    assert decision == Finish(condition=Condition.EVENT_AGE_EXCEEDED)


@pytest.mark.parametrize(
    "policy", [Policy(on_failure="arn"), Policy(dead_letter_target="arn", retry_attempts=0)]
)
def test_events_of_a_function_switched_off_go_at_once_to_where_failures_go(policy: Policy) -> None:
    assert decide(SWITCHED_OFF, policy) == Finish(condition=Condition.ZERO_RESERVED_CONCURRENCY)


def test_events_of_a_function_switched_off_wait_if_failures_go_nowhere() -> None:
    assert due(decide(SWITCHED_OFF, Policy(on_success="arn"))) > 1010


def test_an_event_whose_function_is_gone_is_dropped_with_the_reason() -> None:
    assert decide(Missing(message="gone")) == Drop(reason="gone")


def test_a_compressed_pace_shortens_every_delay_and_the_age() -> None:
    pace = Pace(scale=60)
    assert due(decide(FAILED, pace=pace)) == 1011
    assert due(decide(FAILED, pace=pace, runs=1)) == 1012
    assert due(decide(THROTTLED, pace=pace, now=1000)) < 1000.1
    policy = Policy(event_age_s=120)
    assert not retrying.is_too_old(EVENT, policy, now=1001.9, pace=pace)
    assert retrying.is_too_old(EVENT, policy, now=1002, pace=pace)


def test_work_reads_back_as_it_was_written() -> None:
    delivery = work.Delivery(
        target="arn:x", form=work.DeliveryForm.DEAD_LETTER, request_id="r", function_name="f",
        function_arn="arn:f", made_at=1.5, give_up_at=2.5, attributes={"A": ("String", "x")},
    )  # fmt: skip
    for one in (EVENT, delivery):
        assert work.decode(work.encode(one)) == one


def test_work_is_grouped_by_whom_it_can_keep_waiting() -> None:
    assert work.item(EVENT, b"", due=0).group == "f"
