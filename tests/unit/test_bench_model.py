"""The model of a platform that is larger than any that was measured."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelling import bends, fleet, pool
from modelling.parameters import Costs, Platform, measured

COSTS = Costs(owner_cpu_s=1e-4, entry_cpu_s=5e-5)
SMALL = Platform(nodes=4, functions=200, gateways=3)


def test_a_function_called_once_in_a_long_time_starts_each_time() -> None:
    found = fleet.of_function(per_s=1e-5, duration_s=0.1, idle_s=60)
    assert found.starts_per_s == pytest.approx(1e-5, rel=0.01)
    assert found.environments == pytest.approx(1e-5 * 60, rel=0.01)


def test_a_busy_function_keeps_at_least_what_runs_and_hardly_starts() -> None:
    found = fleet.of_function(per_s=100, duration_s=0.1, idle_s=600)
    assert 10 < found.environments < 40
    assert found.starts_per_s < 0.01


def test_pods_hold_environments_of_one_function_only() -> None:
    rare = fleet.of_function(per_s=0.01, duration_s=0.1, idle_s=600, per_pod=4)
    assert rare.pods == pytest.approx(rare.environments, rel=0.01)
    busy = fleet.of_function(per_s=100, duration_s=1.0, idle_s=600, per_pod=4)
    assert busy.environments / 4 <= busy.pods < busy.environments / 4 + 1


@given(st.floats(0.01, 100), st.floats(0.001, 1), st.floats(1, 600))
def test_never_more_starts_than_calls(per_s: float, duration_s: float, idle_s: float) -> None:
    assert fleet.of_function(per_s, duration_s, idle_s).starts_per_s <= per_s * 1.000001


@pytest.mark.parametrize(
    ("per_s", "duration_s", "idle_s"), [(0.5, 1.0, 4.0), (0.1, 0.05, 10.0), (5.0, 1.0, 10.0)]
)
def test_the_formula_has_not_fewer_starts_than_a_simulation_and_not_many_more(
    per_s: float, duration_s: float, idle_s: float
) -> None:
    seconds = 20_000.0 / per_s
    drawn = random.Random(3)
    # Environments, the last used last: when each is free, and until when it stays.
    free_at: list[float] = []
    starts = 0
    for at in pool.arrivals(per_s, seconds, drawn):
        free_at = [each for each in free_at if each + idle_s > at]
        idle = [each for each in free_at if each <= at]
        if idle:
            free_at.remove(max(idle))
        else:
            starts += 1
        free_at.append(at + drawn.expovariate(1 / duration_s))
    found = fleet.of_function(per_s, duration_s, idle_s)
    assert 0.95 <= found.starts_per_s / (starts / seconds) <= 1.6


def test_groups_of_functions_have_all_of_the_load() -> None:
    parts = fleet.weights(10_000, 1.0)
    groups = fleet.grouped(parts)
    assert len(groups) < 700
    assert sum(count for _, count in groups) == 10_000
    assert sum(part * count for part, count in groups) == pytest.approx(1.0)


def test_more_owners_for_hot_functions_take_load_off_the_hottest_gateway() -> None:
    split = Platform(nodes=4, functions=200, gateways=3, hot_split=4)
    assert bends.Model(split, COSTS).hottest_share < bends.Model(SMALL, COSTS).hottest_share


def test_without_much_load_nothing_bends_and_the_first_to_bend_is_first() -> None:
    model = bends.Model(SMALL, COSTS)
    assert bends.bends(model.curve(0.001, 0.01)) == []
    found = bends.bends(model.curve(0.01, 100_000))
    assert [each.per_s for each in found] == sorted(each.per_s for each in found)
    assert "hottest owner gateway" in {each.part for each in found}


def test_a_bend_lies_between_the_loads_beside_it() -> None:
    curve = [(10.0, {"a": 0.5, "b": 0.1}), (20.0, {"a": 0.9, "b": 0.2})]
    assert bends.bends(curve) == [bends.Bend(part="a", per_s=pytest.approx(15.0))]


def test_a_full_pool_keeps_nobody_waiting_and_an_empty_one_everybody() -> None:
    calls = [0.0, 0.1, 0.2]
    drawn = random.Random(1)
    assert pool.waits(pool.Pool(size=3, made_at_once=1, made_in_s=1), calls, drawn) == [0.0] * 3
    waited = pool.waits(pool.Pool(size=0, made_at_once=1, made_in_s=1), calls, drawn)
    # One is made after the other, so each waits longer than the one before it.
    assert all(later > earlier > 0 for earlier, later in itertools.pairwise(waited))


def test_the_same_seed_gives_the_same_waits() -> None:
    def once() -> list[float]:
        drawn = random.Random(5)
        return pool.waits(
            pool.Pool(size=2, made_at_once=2, made_in_s=1), pool.arrivals(3, 30, drawn), drawn
        )

    assert once() == once()
    assert max(once()) > 0


def test_costs_are_read_from_what_was_measured() -> None:
    figures = {"platform": {"cpu_us_per_call": 120.0}, "bare aiohttp": {"cpu_us_per_call": 30.0}}
    found = measured({"warm": {"figures": figures}})
    assert (found.owner_cpu_s, found.entry_cpu_s) == (pytest.approx(1.2e-4), pytest.approx(6e-5))
    with pytest.raises(KeyError):
        _ = measured({})
