import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from inglenook.capacity.provisioned import Reserve, Standing, Status, shares, standing_of
from inglenook.model import function


def alias(**weights: float) -> function.Alias:
    return function.Alias(
        function_name="f",
        function_uid="u",
        name="live",
        function_version="1",
        additional_version_weights={key.removeprefix("v"): value for key, value in weights.items()},
        revision_id="r",
    )


@pytest.mark.parametrize(
    ("weights", "requested", "expected"),
    [
        ({}, 5, {"1": 5}),
        ({"v2": 0.5}, 5, {"1": 3, "2": 3}),
        ({"v2": 0.1}, 10, {"1": 9, "2": 1}),
        ({"v2": 0.01}, 10, {"1": 10, "2": 1}),
        ({"v2": 0.0}, 10, {"1": 10}),
        ({"v2": 1.0}, 10, {"2": 10}),
        ({"v2": 0.3}, 1, {"1": 1, "2": 1}),
        ({"v2": 0.7}, 10, {"1": 3, "2": 7}),
    ],
)
def test_an_alias_shares_out_what_is_requested_for_it_rounded_up(
    weights: dict[str, float], requested: int, expected: dict[str, int]
) -> None:
    assert shares(alias(**weights), requested) == expected


@pytest.mark.parametrize(
    ("standing", "status"),
    [
        (Standing(), Status.IN_PROGRESS),
        (Standing(allocated=3, available=2), Status.IN_PROGRESS),
        (Standing(allocated=3, available=2, failure="why"), Status.FAILED),
        (Standing(allocated=3, available=3), Status.READY),
        (Standing(allocated=4, available=4, failure="why"), Status.READY),
    ],
)
def test_a_status_says_whether_all_are_ready(standing: Standing, status: Status) -> None:
    assert standing.status(3) is status


def test_what_several_qualifiers_want_of_one_version_goes_to_the_first_by_name() -> None:
    wanted = {"a": {"1": 3}, "b": {"1": 2, "2": 1}}
    versions = {"1": Standing(allocated=5, available=4, failure="late"), "2": Standing()}
    assert standing_of("a", wanted, versions) == Standing(allocated=3, available=3)
    assert standing_of("b", wanted, versions) == Standing(allocated=2, available=1, failure="late")


def test_after_a_failure_one_is_tried_at_a_time_until_one_succeeds() -> None:
    reserve: Reserve[str] = Reserve()
    reserve.aim(5)
    for _ in range(5):
        reserve.start_begun()
    for _ in range(5):
        reserve.start_failed("no")
    assert reserve.starts_wanted() == 1
    reserve.start_begun()
    assert reserve.starts_wanted() == 0
    reserve.started("e")
    assert reserve.starts_wanted() == 4


def test_a_failure_that_says_nothing_of_the_function_holds_nothing_up() -> None:
    reserve: Reserve[str] = Reserve()
    reserve.aim(2)
    reserve.start_begun()
    reserve.start_failed(None)
    assert reserve.starts_wanted() == 2
    assert reserve.standing.failure is None


def test_a_new_target_begins_afresh_and_the_same_one_changes_nothing() -> None:
    reserve: Reserve[str] = Reserve()
    assert reserve.aim(2)
    reserve.start_begun()
    reserve.start_failed("no")
    assert not reserve.aim(2)
    assert reserve.standing.failure == "no"
    assert reserve.aim(3)
    assert reserve.standing.failure is None


class ReserveMachine(RuleBasedStateMachine):
    """Whatever fails and whatever is wanted, doing what it says leads to what is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.reserve: Reserve[int] = Reserve()
        self.there: set[int] = set()
        self.under_way = 0
        self.names = 0

    @rule(count=st.integers(0, 4))
    def aim(self, count: int) -> None:
        self.reserve.aim(count)

    @precondition(lambda self: self.reserve.starts_wanted())
    @rule()
    def begin(self) -> None:
        self.reserve.start_begun()
        self.under_way += 1

    @precondition(lambda self: self.under_way)
    @rule(how=st.sampled_from(["well", "badly", "not at all"]))
    def end(self, how: str) -> None:
        self.under_way -= 1
        if how == "well":
            self.names += 1
            self.there.add(self.names)
            self.reserve.started(self.names)
        else:
            self.reserve.start_failed("badly" if how == "badly" else None)

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        lost = data.draw(st.sampled_from(sorted(self.there)))
        self.there.remove(lost)
        self.reserve.lost(lost)

    @invariant()
    def agrees(self) -> None:
        missing = max(0, self.reserve.target - len(self.there) - self.under_way)
        wanted = self.reserve.starts_wanted()
        assert wanted == missing or (wanted <= 1 and self.reserve.standing.failure)
        assert wanted or self.under_way or not missing
        assert self.reserve.surplus() == max(0, len(self.there) - self.reserve.target)
        assert self.reserve.standing.available == len(self.there)
        assert self.reserve.standing.allocated == len(self.there) + self.under_way


TestReserve = ReserveMachine.TestCase
