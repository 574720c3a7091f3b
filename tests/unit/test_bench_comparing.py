"""What the cluster's warm figures are compared with."""

import pytest

from measuring import warm
from measuring.histogram import Histogram
from measuring.samples import Sample


def sample(rate: float, *taken_ms: float) -> Sample:
    return Sample(requests=int(rate), seconds=1.0, errors=0, times=Histogram.of_ms(taken_ms))


def test_the_platform_is_compared_with_the_bare_server_in_rate_and_at_a_rate_in_time() -> None:
    compared = warm._compared(
        {
            "warm, 64 connections": sample(1000, 60),
            "bare aiohttp echo, 64 connections": sample(4000, 15),
            "warm, 500 calls/s": sample(500, 4),
            "bare aiohttp echo, 500 calls/s": sample(500, 1),
        }
    )
    ratios, overhead = compared.values()
    assert ratios == {"64 connections": 0.25}
    assert overhead == {"p50_ms": pytest.approx(3, rel=0.02)}


def test_where_nothing_was_answered_nothing_is_compared() -> None:
    compared = warm._compared(
        {"warm, 500 calls/s": sample(0), "bare aiohttp echo, 500 calls/s": sample(500, 1)}
    )
    assert all(not each for each in compared.values())
