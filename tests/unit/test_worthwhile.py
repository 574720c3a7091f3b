"""How many starts are worthwhile: tables, and what holds for every situation."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inglenook.capacity import worthwhile
from inglenook.capacity.worthwhile import Situation

SHORT_ON_PODS = Situation(
    waiting=10,
    oldest_s=0.0,
    size=2,
    running=2,
    is_stalled=False,
    hold_s=0.02,
    start_s=2.0,
    per_s=0.0,
)
seconds = st.floats(min_value=0.0, max_value=1000.0)
situations = st.builds(
    Situation,
    waiting=st.integers(0, 2000),
    oldest_s=seconds,
    size=st.integers(0, 2000),
    running=st.integers(0, 2000),
    is_stalled=st.booleans(),
    hold_s=st.none() | seconds,
    start_s=st.none() | seconds,
    per_s=st.floats(min_value=0.0, max_value=1e5),
)


@pytest.mark.parametrize(
    ("changes", "starts"),
    [
        ({}, 0),
        ({"hold_s": None}, 10),
        ({"start_s": None}, 10),
        # Two environments serve 250 in two seconds and a half; a new one 26 in the last half.
        ({"waiting": 250}, 0),
        ({"waiting": 300}, 2),
        ({"running": 0, "size": 0, "waiting": 300}, 12),
        # Nobody knows when what is late ends, nor how long the next is going to take.
        ({"running": 0, "is_stalled": True}, 10),
        ({"running": 1, "is_stalled": True}, 10),
        ({"running": 0}, 1),
        # Sixty a second need 1.2 on average, and room for chance: four.
        ({"per_s": 60.0}, 2),
        ({"per_s": 60.0, "waiting": 1}, 1),
        ({"per_s": 60.0, "size": 4, "running": 4}, 0),
        # What is quick to start is started, as soon as the function is not much quicker.
        ({"start_s": 0.005, "hold_s": 1.0}, 10),
        ({"start_s": 0.005, "hold_s": 0.02}, 10),
        ({"start_s": 0.005, "hold_s": 0.02, "running": 8, "size": 8}, 8),
        ({"start_s": 0.03, "hold_s": 1.0, "running": 100, "size": 100}, 7),
        ({"start_s": 2.0, "hold_s": 10.0}, 10),
        # Who waits in spite of all this.
        ({"oldest_s": 99.0}, 0),
        ({"oldest_s": 2.5, "waiting": 400}, 6),
        ({"oldest_s": 2.5 * 1.25, "waiting": 400}, 12),
        ({"oldest_s": 2.5 * 1.5, "waiting": 400}, 24),
        ({"oldest_s": 2.5 * 2.5, "waiting": 400}, 150),
        ({"start_s": 0.0, "running": 0}, 10),
        ({"hold_s": 0.0, "running": 0}, 1),
        ({"hold_s": 0.0}, 0),
    ],
)
def test_the_starts_that_are_worthwhile(changes: dict[str, object], starts: int) -> None:
    at = dataclasses.replace(SHORT_ON_PODS, **changes)  # type: ignore[arg-type]
    assert worthwhile.starts(at) == starts


@given(situations)
def test_never_more_than_invocations_wait_and_never_none_where_nothing_runs(at: Situation) -> None:
    starts = worthwhile.starts(at)
    assert 0 <= starts <= at.waiting
    if not at.running and at.waiting:
        assert starts >= 1


@given(situations)
def test_without_history_it_is_one_for_each_who_waits(at: Situation) -> None:
    assert worthwhile.starts(dataclasses.replace(at, hold_s=None)) == at.waiting
    assert worthwhile.starts(dataclasses.replace(at, start_s=None)) == at.waiting


@given(situations)
def test_while_nothing_ends_in_time_it_is_one_for_each_who_waits(at: Situation) -> None:
    assert worthwhile.starts(dataclasses.replace(at, is_stalled=True)) == at.waiting


@given(situations)
def test_what_starts_were_expected_to_serve_and_did_not_is_given_starts(at: Situation) -> None:
    longest_s = ((at.start_s or 0.0) + 1e-6) * 1.25 * (1 + 0.25 * 30)
    at = dataclasses.replace(at, running=0, oldest_s=longest_s)
    assert worthwhile.starts(at) == at.waiting


@given(situations, st.integers(0, 100), st.floats(0.0, 10.0))
def test_more_who_wait_and_longer_never_mean_fewer_starts(
    at: Situation, more: int, longer_s: float
) -> None:
    later = dataclasses.replace(
        at, waiting=at.waiting + more, oldest_s=at.oldest_s + longer_s, per_s=at.per_s + more
    )
    assert worthwhile.starts(later) >= worthwhile.starts(at)


@given(situations, st.integers(1, 100))
def test_more_that_run_never_mean_more_starts(at: Situation, more: int) -> None:
    larger = dataclasses.replace(at, running=at.running + more, size=at.size + more)
    assert worthwhile.starts(larger) <= worthwhile.starts(at)


@given(situations)
def test_it_is_looked_at_again_soon_but_not_all_the_time(at: Situation) -> None:
    assert 0.001 < worthwhile.look_again_s(at) <= 0.25
