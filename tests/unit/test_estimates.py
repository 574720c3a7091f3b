"""The estimates that decisions about capacity are made from."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inglenook.capacity import estimates
from inglenook.capacity.estimates import Place


def held(*holds_s: float) -> estimates.Holds[str]:
    holds: estimates.Holds[str] = estimates.Holds()
    now = 0.0
    for hold_s in holds_s:
        holds.began("e", now)
        now += hold_s
        holds.ended("e", now)
    return holds


def test_a_mean_without_values_is_not_known() -> None:
    assert estimates.Mean(0.5).value is None


@given(st.lists(st.floats(0.0, 1e6), min_size=1))
def test_a_mean_lies_among_its_values(values: list[float]) -> None:
    mean = estimates.Mean(1 / 16)
    for value in values:
        mean.add(value)
    assert mean.value is not None
    slack = 1e-6 * max(values)
    assert min(values) - slack <= mean.value <= max(values) + slack
    assert mean.deviation >= 0.0


def test_a_mean_begins_as_a_plain_one_and_then_follows_what_changes() -> None:
    mean = estimates.Mean(1 / 16)
    for value in (1.0, 2.0, 3.0):
        mean.add(value)
    assert mean.value == pytest.approx(2.0)
    for _ in range(100):
        mean.add(10.0)
    assert mean.value == pytest.approx(10.0, rel=0.01)


def test_holds_are_measured_from_begin_to_end_and_forgotten_with_the_environment() -> None:
    holds = held(1.0, 3.0)
    assert holds.mean.value == pytest.approx(2.0)
    holds.began("lost", 10.0)
    holds.forget("lost")
    holds.ended("lost", 99.0)
    holds.ended("never", 99.0)
    assert holds.mean.value == pytest.approx(2.0)
    assert holds.running == 0


def test_nothing_is_late_before_there_is_an_estimate() -> None:
    holds: estimates.Holds[str] = estimates.Holds()
    holds.began("a", 0.0)
    assert not holds.is_stalled(1e9, slack_s=1.0)
    assert holds.running == 1


@pytest.mark.parametrize(
    ("elapsed_s", "slack_s", "late"),
    [
        (1.9, 100.0, 0),
        (9.0, 100.0, 1),
        # Where a start is quick there is no need to be patient.
        (1.2, 0.1, 1),
        (1.05, 0.1, 0),
    ],
)
def test_who_takes_far_longer_than_usual_is_late(
    elapsed_s: float, slack_s: float, late: int
) -> None:
    holds = held(*[1.0] * 100)
    holds.began("a", 200.0)
    holds.began("b", 200.0 + elapsed_s)
    assert holds.is_stalled(200.0 + elapsed_s, slack_s) is bool(late)
    assert holds.running == 2 - late


def test_nothing_is_stalled_any_more_once_something_ends_or_what_was_late_is_lost() -> None:
    holds = held(1.0)
    for name in "abc":
        holds.began(name, 100.0)
    holds.began("d", 199.0)
    assert holds.is_stalled(200.0, slack_s=1.0)
    assert holds.running == 1
    holds.ended("d", 200.0)
    assert not holds.is_stalled(200.0, slack_s=1.0)
    holds.ended("a", 200.0)
    assert holds.mean.value == pytest.approx(34.0)
    holds.began("e", 200.0)
    assert holds.is_stalled(500.0, slack_s=1.0)
    for name in "bce":
        holds.forget(name)
    assert not holds.is_stalled(500.0, slack_s=1.0)


def test_functions_whose_duration_varies_much_are_given_more_time() -> None:
    holds = held(*[0.01, 0.01, 0.01, 1.0] * 20)
    holds.began("a", 200.0)
    assert not holds.is_stalled(200.9, slack_s=10.0)


def test_the_rate_of_a_steady_load_is_found_and_falls_when_it_ends() -> None:
    rate = estimates.Rate()
    for n in range(1200):
        rate.arrived(n / 60)
    assert rate.per_s(20.0) == pytest.approx(60.0, rel=0.02)
    assert rate.per_s(50.0) < 0.01
    assert not math.isnan(estimates.Rate().per_s(1e9))


def test_what_a_start_takes_depends_on_where_it_is() -> None:
    times = estimates.StartTimes()
    assert times.expected_s(Place.ROOM, 0.0) is None
    times.start.add(0.1)
    times.specialise.add(0.05)
    assert times.expected_s(Place.ROOM, 0.0) == pytest.approx(0.1)
    assert times.expected_s(Place.FREE, 0.0) is None
    times.leased(Place.FREE, 0.01)
    times.leased(Place.NONE, 2.0)
    assert times.expected_s(Place.FREE, 0.0) == pytest.approx(0.16)
    assert times.expected_s(Place.NONE, 0.0) == pytest.approx(2.15)


def test_a_pod_is_expected_to_take_no_less_than_it_has_taken_already() -> None:
    times = estimates.StartTimes()
    times.start.add(0.1)
    assert times.expected_s(Place.NONE, 3.0) == pytest.approx(3.1)
    times.leased(Place.NONE, 2.0)
    assert times.expected_s(Place.NONE, 3.0) == pytest.approx(3.1)
    times.not_leased(Place.NONE, 1.0)
    assert times.expected_s(Place.NONE, 0.0) == pytest.approx(2.1)
    times.not_leased(Place.NONE, 4.0)
    assert times.expected_s(Place.NONE, 0.0) == pytest.approx(3.1)
