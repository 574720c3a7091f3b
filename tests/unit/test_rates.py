import pytest
from hypothesis import given
from hypothesis import strategies as st

from inglenook.capacity.bucket import Bucket
from inglenook.capacity.rates import Pace, RequestRate, ScalingRate


def test_a_bucket_is_full_at_first_and_refilled_continuously() -> None:
    bucket = Bucket(10, 2.0, now=0.0)
    bucket.take(0.0, 10)
    assert bucket.wait_s(1, 0.0) == 0.5
    assert bucket.wait_s(1, 0.25) == 0.25
    assert bucket.wait_s(1, 0.5) == 0.0


def test_what_is_not_used_is_not_accumulated() -> None:
    bucket = Bucket(10, 2.0, now=0.0)
    assert bucket.wait_s(10, 1000.0) == 0.0
    assert bucket.wait_s(11, 1000.0) == 0.5


def test_an_overdrawn_bucket_pays_off_first() -> None:
    bucket = Bucket(1, 1.0, now=0.0)
    bucket.take(0.0, 3)
    assert bucket.wait_s(1, 0.0) == 3.0
    bucket.give_back(0.0)
    assert bucket.wait_s(1, 0.0) == 2.0
    assert not bucket.is_full(1.9)
    assert bucket.is_full(2.0)


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = Bucket(1, 1.0, now=5.0)
    bucket.take(5.0)
    assert bucket.wait_s(1, 4.0) == 1.0
    assert bucket.wait_s(1, 5.0) == 1.0


def test_a_bucket_that_is_never_refilled_never_allows() -> None:
    bucket = Bucket(0, 0, now=0.0)
    assert bucket.wait_s(1, 1e9) == float("inf")


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=60))
def test_no_window_has_more_than_the_capacity_and_what_is_refilled_in_it(
    steps: list[tuple[float, bool]],
) -> None:
    bucket, now, taken = Bucket(5, 2.0, now=0.0), 0.0, list[float]()
    for pause_s, tries in steps:
        now += pause_s
        if tries and not bucket.wait_s(1, now):
            bucket.take(now)
            taken.append(now)
    for first, since in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= 5 + 2.0 * (taken[last] - since) + 1e-6


def test_a_thousand_first_calls_at_once_may_all_start() -> None:
    rate = ScalingRate()
    for waiting in range(1, 1001):
        assert rate.wait_s("f", waiting, 0.0) == 0.0
    assert rate.wait_s("f", 1001, 0.0) > 0.0
    for _ in range(1000):
        rate.began("f", 0.0)
    assert rate.wait_s("f", 1, 0.0) == pytest.approx(0.01)
    assert rate.wait_s("f", 1000, 10.0) == 0.0


def test_each_function_scales_by_itself() -> None:
    rate = ScalingRate(environments=1, interval_s=10.0)
    rate.began("f", 0.0)
    assert rate.wait_s("f", 1, 0.0) == 10.0
    assert rate.wait_s("g", 1, 0.0) == 0.0


def test_a_start_that_failed_does_not_count() -> None:
    rate = ScalingRate(environments=1, interval_s=10.0)
    rate.began("f", 0.0)
    rate.failed("f", 0.0)
    assert rate.wait_s("f", 1, 0.0) == 0.0


def test_functions_that_may_scale_in_full_again_are_forgotten() -> None:
    rate = ScalingRate(environments=10, interval_s=10.0)
    rate.began("f", 0.0)
    rate.wait_s("g", 1, 0.0)
    rate.prune(0.5)
    assert len(rate) == 1
    rate.prune(1.0)
    assert len(rate) == 0


def test_a_reservation_of_two_has_twenty_requests_a_second() -> None:
    rate = RequestRate()
    assert [rate.take("f", 2, 0.0) for _ in range(20)] == [0.0] * 20
    assert rate.take("f", 2, 0.0) == pytest.approx(0.05)
    assert rate.take("f", 2, 0.05) == 0.0
    assert rate.take("f", 2, 0.05) > 0.0


def test_functions_without_a_reservation_share_a_rate() -> None:
    rate = RequestRate()
    assert [rate.take(None, 1, 0.0) for _ in range(11)][-1] > 0.0
    assert rate.take("reserved", 1, 0.0) == 0.0


def test_a_changed_reservation_has_a_rate_of_its_own() -> None:
    rate = RequestRate()
    assert [rate.take("f", 1, 0.0) for _ in range(11)][-1] > 0.0
    assert rate.take("f", 2, 0.0) == 0.0
    rate.prune(10.0)
    assert len(rate) == 0


def test_an_environment_takes_ten_requests_and_then_rests() -> None:
    pace: Pace[str] = Pace()
    for n in range(9):
        pace.began("e", n * 0.001)
        assert pace.rest_s("e", n * 0.001) == 0.0
    pace.began("e", 0.009)
    assert pace.rest_s("e", 0.009) == pytest.approx(0.1 - 0.009, abs=1e-6)
    assert pace.rest_s("e", 0.11) == 0.0
    assert pace.rest_s("other", 0.009) == 0.0


def test_an_environment_that_has_gone_is_forgotten() -> None:
    pace: Pace[str] = Pace()
    for _ in range(10):
        pace.began("e", 0.0)
    pace.forget("e")
    assert pace.rest_s("e", 0.0) == 0.0
