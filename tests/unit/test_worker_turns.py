"""Whose turn it is, played through without a queue."""

import random
from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from inglenook_worker.turns import Turns

SLOTS = 100
GROUPS = st.sampled_from(["a", "b", "c"])


def test_nothing_is_picked_when_nothing_is_due() -> None:
    turns = Turns(SLOTS)
    assert turns.pick(now=10) == {}
    assert turns.wakes_at() is None
    turns.due({"f": 20})
    assert turns.pick(now=10) == {}
    assert turns.wakes_at() == 20
    assert turns.pick(now=20).keys() == {"f"}


def test_one_group_gets_half_of_the_slots_and_leaves_the_rest_to_newcomers() -> None:
    turns = Turns(SLOTS)
    turns.due({"flood": 0})
    assert turns.pick(now=1) == {"flood": 50}
    assert turns.pick(now=1) == {}
    turns.due({"new": 0})
    assert turns.pick(now=1) == {"new": 25}
    turns.due({f"g{n}": 0 for n in range(30)})
    picked = turns.pick(now=1)
    assert sum(picked.values()) == 25
    assert "flood" not in picked


def test_a_group_that_ends_something_gets_its_room_back() -> None:
    turns = Turns(SLOTS)
    turns.due({"f": 0})
    turns.pick(now=1)
    for _ in range(10):
        turns.succeeded("f")
    assert turns.pick(now=1) == {"f": 10}


def test_with_one_slot_the_groups_take_turns() -> None:
    turns = Turns(1)
    turns.due({"a": 0, "b": 0, "c": 0})
    order = []
    for _ in range(6):
        (group,) = turns.pick(now=1)
        order.append(group)
        turns.succeeded(group)
    assert order == ["a", "b", "c", "a", "b", "c"]


def test_what_was_picked_and_not_there_is_given_back() -> None:
    turns = Turns(SLOTS)
    turns.due({"f": 0})
    count = turns.pick(now=1)["f"]
    turns.due({"f": None})
    turns.unused("f", count)
    turns.due({"g": 0})
    assert turns.pick(now=1) == {"g": 50}


def test_a_throttled_group_is_limited_to_what_could_be_run() -> None:
    turns = Turns(SLOTS)
    turns.due({"f": 0})
    assert turns.pick(now=1) == {"f": 50}
    for _ in range(49):
        turns.throttled("f", 1, 1)
    # The one that runs is all that there is room for.
    assert turns.pick(now=1) == {}
    turns.succeeded("f")
    assert turns.pick(now=1) == {"f": 1}


def test_a_group_of_which_nothing_runs_is_tried_ever_more_rarely() -> None:
    turns = Turns(SLOTS)
    turns.due({"f": 0})
    now, pauses = 1.0, []
    picked = turns.pick(now)
    for _ in range(8):
        for _ in range(picked["f"]):
            turns.throttled("f", now, 1)
        assert turns.pick(now) == {}
        wakes_at = turns.wakes_at()
        assert wakes_at is not None
        pauses.append(wakes_at - now)
        now = wakes_at
        picked = turns.pick(now)
        assert picked == {"f": 1}
    assert pauses == [0.5, 1, 2, 4, 8, 10, 10, 10]
    turns.succeeded("f")
    assert turns.pick(now) == {"f": 1}


def test_a_success_lets_a_throttled_group_grow_again() -> None:
    turns = Turns(10)
    turns.due({"f": 0})
    for _ in range(turns.pick(now=1)["f"]):
        turns.throttled("f", 1, 1)
    assert turns.pick(now=1) == {}
    now = turns.wakes_at() or 0
    most = 0
    for _ in range(200):
        picked = turns.pick(now).get("f", 0)
        most = max(most, picked)
        for _ in range(picked):
            turns.succeeded("f")
    assert most == 5


@pytest.mark.parametrize("limit", [1, 3])
def test_a_flood_of_a_limited_function_leaves_the_others_their_turns(limit: int) -> None:
    turns = Turns(SLOTS)
    turns.due({"flood": 0, "small": 0})
    rng = random.Random(4)
    done = {"flood": 0, "small": 0}
    throttles = 0
    running: list[str] = []
    for now in range(1, 400):
        for group in running:
            turns.succeeded(group)
            done[group] += 1
        running = []
        for group, count in turns.pick(now).items():
            for _ in range(count):
                if group == "flood" and running.count("flood") >= limit:
                    turns.throttled(group, now, 1)
                    throttles += 1
                else:
                    running.append(group)
        rng.shuffle(running)
    assert done["small"] > 10_000
    assert done["flood"] > 0.8 * limit * 400
    assert throttles < 0.2 * done["flood"] + 50


class TurnsAgainstCounts(RuleBasedStateMachine):
    """Slots are never exceeded and never lost, whatever happens."""

    @initialize(slots=st.integers(1, 12))
    def begin(self, slots: int) -> None:
        self.slots = slots
        self.turns = Turns(slots)
        self.under_way: Counter[str] = Counter()
        self.now = 0.0

    @rule(group=GROUPS, delay=st.none() | st.integers(0, 3))
    def due(self, group: str, delay: int | None) -> None:
        self.turns.due({group: None if delay is None else self.now + delay})

    @rule(seconds=st.integers(1, 12))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def pick(self) -> None:
        picked = self.turns.pick(self.now)
        assert all(count > 0 for count in picked.values())
        self.under_way.update(picked)
        assert self.under_way.total() <= self.slots

    @precondition(lambda self: self.under_way.total())
    @rule(data=st.data(), way=st.sampled_from(["succeeded", "throttled", "unused"]))
    def end(self, data: st.DataObject, way: str) -> None:
        group = data.draw(st.sampled_from(sorted(self.under_way.elements())))
        self.under_way[group] -= 1
        if way == "throttled":
            self.turns.throttled(group, self.now, 1)
        elif way == "unused":
            self.turns.unused(group, 1)
        else:
            self.turns.succeeded(group)

    def teardown(self) -> None:
        for group in self.under_way.elements():
            self.turns.succeeded(group)
        self.turns.due({"a": None, "b": None, "c": None, "new": self.now})
        assert self.turns.pick(self.now) == {"new": (self.slots + 1) // 2}


TestTurnsAgainstCounts = TurnsAgainstCounts.TestCase
