"""Which invocations are traced."""

import random

import pytest

from inglenook.telemetry import sampling, xray

ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"


@pytest.fixture
def sampler() -> sampling.Sampler:
    return sampling.Sampler(random.Random(1))


def is_kept(sampler: sampling.Sampler, now: float, given: str | None = None, of: str = "f") -> bool:
    return xray.is_sampled(sampler.header(given, of, now=now, at=1_700_000_000.0))


@pytest.mark.parametrize(
    "given", [f"{ROOT};Sampled=1", f"{ROOT};Parent=53995c3f42cd8ad8;Sampled=0"]
)
def test_a_caller_who_has_decided_is_followed(sampler, given):
    assert sampler.header(given, "f", now=1.0, at=0.0) == given


def test_what_is_no_trace_goes_through_as_it_is(sampler):
    assert sampler.header("Self=mine", "f", now=1.0, at=0.0) == "Self=mine"


@pytest.mark.parametrize("given", [ROOT, f"{ROOT};Parent=53995c3f42cd8ad8", f"{ROOT};Sampled=?"])
def test_a_trace_that_nobody_has_decided_on_is_decided_and_keeps_its_id(sampler, given):
    header = sampler.header(given, "f", now=1.0, at=0.0)
    assert header.startswith(ROOT)
    assert header.endswith(";Sampled=1")
    assert header.count("Sampled") == 1


def test_a_new_trace_has_an_id_with_its_time(sampler):
    header = sampler.header(None, "f", now=1.0, at=0x5759E988)
    assert header.startswith("Root=1-5759e988-")
    context = xray.parse(header)
    assert context is not None
    assert context.is_sampled
    assert context.parent_id is None


def test_the_first_in_each_second_is_kept_of_each_function(sampler):
    for second in range(100):
        assert is_kept(sampler, second + 0.1, of="f")
        assert is_kept(sampler, second + 0.2, of="g")


def test_of_the_others_in_a_second_one_in_twenty_is_kept(sampler):
    assert is_kept(sampler, 1.0)
    kept = sum(is_kept(sampler, 1.5) for _ in range(10_000))
    assert 400 < kept < 600
