"""Histograms, and what the load generators' outputs come to."""

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measuring import oha, samples, wrk
from measuring.histogram import Histogram, bucket
from measuring.samples import Sample

TIMES_US = st.lists(st.integers(0, 10**9), min_size=1, max_size=200)


@given(st.integers(0, 10**12))
def test_a_bucket_is_a_64th_as_wide_as_what_is_in_it(us: int) -> None:
    assert 0 <= us - bucket(us) <= us / 64


@given(TIMES_US, TIMES_US)
def test_merging_is_counting_all_of_them(some: list[int], others: list[int]) -> None:
    def of(times: list[int]) -> Histogram:
        return Histogram.of_ms(each / 1000 for each in times)

    both = Histogram.merged([of(some), of(others)])
    assert both.encoded() == of(some + others).encoded()
    assert both.n == len(some) + len(others)


@given(TIMES_US, st.sampled_from([0.5, 0.9, 0.99, 0.999]))
def test_a_quantile_is_right_to_the_width_of_a_bucket(times: list[int], q: float) -> None:
    exact = sorted(times)[min(len(times) - 1, int(q * len(times)))] / 1000
    found = Histogram.of_ms(each / 1000 for each in times).quantile_ms(q)
    assert found == pytest.approx(exact, rel=1 / 64, abs=1e-9)


def test_what_was_stored_is_read_again() -> None:
    found = Histogram.of_ms([0.3, 7.0, 7.0, 90_000.0])
    assert Histogram.decoded(found.encoded()).figures() == found.figures()


def test_of_nothing_there_is_no_quantile() -> None:
    assert Histogram().figures() == {"n": 0}
    with pytest.raises(ValueError, match="nothing"):
        _ = Histogram().quantile_ms(0.5)


def test_every_latency_that_wrk_tells_is_counted() -> None:
    found = wrk.parsed(
        "Running 1s test @ http://127.0.0.1:1/\n"
        "counted 5 2000000 1\n"
        "latency 100 3\n"
        "latency 40000 2\n"
    )
    assert (found.requests, found.errors, found.rate) == (4, 1, 2.0)
    assert found.figures() == {
        "rate": 2.0,
        "n": 5,
        "p50_ms": 0.1,
        "p90_ms": pytest.approx(40, rel=0.02),
        "p99_ms": pytest.approx(40, rel=0.02),
        "p999_ms": pytest.approx(40, rel=0.02),
        "max_ms": pytest.approx(40, rel=0.02),
        "errors": 1,
    }


def test_without_its_counts_wrks_output_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing of what it counted"):
        _ = wrk.parsed("unable to connect")


def test_what_oha_leaves_out_or_tells_another_status_of_has_failed() -> None:
    head = "request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status\n"
    rows = "0.0,0,0,0,0.002,54,200\n1.0,0,0,0,0.004,54,200\n1.5,0,0,0,0.5,10,429\n"
    found = oha.parsed(head + rows, 5)
    assert (found.requests, found.errors, found.times.n) == (2, 3, 2)
    assert found.seconds == pytest.approx(1.004)
    assert found.times.quantile_ms(0.99) == pytest.approx(4, rel=0.02)


def test_rounds_are_driven_in_turns_and_counted_together() -> None:
    driven = []

    def drive(name: str, requests: int) -> Sample:
        driven.append(name)
        return Sample(
            requests=requests,
            seconds=2.0,
            errors=1,
            times=Histogram.of_ms([float(requests)]),
            cpu_s=0.5,
        )

    found, rates = samples.interleaved(
        {"a": lambda: drive("a", 10), "b": lambda: drive("b", 20)}, rounds=3
    )
    assert driven == ["a", "b"] * 3
    assert rates == {"a": [5.0] * 3, "b": [10.0] * 3}
    assert (found["b"].requests, found["b"].errors, found["b"].times.n) == (60, 3, 3)
    assert found["b"].figures()["cpu_us_per_call"] == pytest.approx(1.5 / 60 * 1e6)


def test_the_median_of_a_histogram_is_that_of_the_times() -> None:
    drawn = random.Random(7)
    times = [drawn.lognormvariate(1, 1) for _ in range(2001)]
    found = Histogram.of_ms(times).quantile_ms(0.5)
    assert found == pytest.approx(statistics.median(times), rel=0.02)
