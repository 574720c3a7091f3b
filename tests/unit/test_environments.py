from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from inglenook.capacity.environments import Environments


def started(count: int) -> Environments[str, int]:
    pool: Environments[str, int] = Environments()
    for n in range(count):
        pool.start_begun()
        assert pool.started(n, now=float(n)) is None
    return pool


def test_the_most_recently_used_environment_is_taken_first() -> None:
    pool = started(3)
    assert pool.arrive("a") == 2
    assert pool.arrive("b") == 1
    assert pool.freed(2, now=10.0) is None
    assert pool.arrive("c") == 2


def test_whichever_environment_is_free_first_takes_who_waited_longest() -> None:
    pool = started(1)
    assert pool.arrive("a") == 0
    assert pool.arrive("b") is None
    assert pool.arrive("c") is None
    assert pool.starts_wanted() == 2
    pool.start_begun()
    assert pool.freed(0, now=1.0) == "b"
    assert pool.started(1, now=2.0) == "c"
    assert pool.starts_wanted() == 0


def test_no_more_starts_are_wanted_than_invocations_wait() -> None:
    pool: Environments[str, int] = Environments()
    pool.arrive("a")
    pool.start_begun()
    assert pool.starts_wanted() == 0
    pool.start_failed()
    assert pool.starts_wanted() == 1
    assert pool.abandon("a")
    assert pool.starts_wanted() == 0
    assert not pool.abandon("a")


def test_only_environments_idle_for_long_are_given_up() -> None:
    pool = started(3)
    assert pool.idle_since_before(1.5) == [0, 1]
    assert pool.arrive("a") == 2
    assert pool.idle_since_before(99.0) == []


def test_environments_are_taken_over_idle_or_once_they_are_free() -> None:
    pool: Environments[str, int] = Environments()
    assert pool.adopt(1, now=0.0) is None
    pool.adopt_busy(2)
    assert pool.size == 2
    assert pool.arrive("a") == 1
    assert pool.arrive("b") is None
    assert pool.rested(2, now=1.0) == "b"
    assert pool.adopt(3, now=2.0) is None


def test_what_is_taken_over_is_provisioned_as_far_as_that_is_wanted() -> None:
    pool: Environments[str, int] = Environments()
    for environment in (1, 2, 3):
        pool.adopt(environment, now=0.0)
    pool.promote(2)
    pool.provisioned.aim(2)
    assert pool.provisioned.starts_wanted() == 0
    assert len(pool.provisioned) == 2
    assert len(pool.idle_since_before(99.0)) == 1
    pool.provisioned.aim(3)
    pool.adopt_busy(4)
    assert 4 in pool.provisioned


def test_letting_go_forgets_all_that_is_not_busy() -> None:
    pool = started(3)
    pool.arrive("a")
    pool.adopt_busy(7)
    pool.let_go()
    assert pool.size == 1
    assert pool.busy == {2: "a"}


def test_a_lost_environment_gives_back_what_was_in_it() -> None:
    pool = started(2)
    pool.arrive("a")
    assert pool.lost(1) == "a"
    assert pool.lost(1) is None
    assert pool.lost(0) is None
    assert pool.is_unused


def test_a_requeued_invocation_goes_ahead_of_those_that_wait() -> None:
    pool: Environments[str, int] = Environments()
    pool.arrive("b")
    pool.requeue("a")
    assert pool.waiting == ["a", "b"]


def warmed(count: int) -> Environments[str, str]:
    """Return a pool with on-demand environment `d` and `count` provisioned ones, all idle."""
    pool: Environments[str, str] = Environments()
    pool.start_begun()
    pool.started("d", now=0.0)
    pool.provisioned.aim(count)
    for n in range(count):
        pool.provisioned.start_begun()
        assert pool.started_ahead(f"p{n}", now=0.0) is None
    return pool


def test_a_provisioned_environment_is_taken_before_any_other() -> None:
    pool = warmed(2)
    assert [pool.arrive(name) for name in ("a", "b", "c")] == ["p1", "p0", "d"]
    assert pool.arrive("x") is None
    assert pool.freed("p0", now=1.0) == "x"
    assert pool.freed("p0", now=2.0) is None
    assert pool.freed("d", now=3.0) is None
    assert pool.arrive("y") == "p0"


def test_provisioned_environments_are_not_given_up_for_being_idle() -> None:
    pool = warmed(2)
    assert pool.idle_since_before(1e9) == ["d"]
    assert pool.size == 2
    assert not pool.is_unused


def test_provisioned_environments_that_are_not_wanted_go_when_they_are_idle() -> None:
    pool = warmed(3)
    assert pool.arrive("a") == "p2"
    pool.provisioned.aim(0)
    assert pool.idle_beyond_target() == ["p0", "p1"]
    assert pool.freed("p2", now=1.0) is None
    assert pool.idle_beyond_target() == ["p2"]
    assert pool.of(lambda _: True) == ["d"]


def test_who_waits_takes_an_environment_that_was_started_ahead() -> None:
    pool: Environments[str, str] = Environments()
    pool.provisioned.aim(1)
    pool.provisioned.start_begun()
    assert pool.arrive("a") is None
    assert pool.starts_wanted() == 1
    assert pool.started_ahead("p", now=0.0) == "a"
    assert pool.starts_wanted() == 0


def test_a_lost_provisioned_environment_is_missed() -> None:
    pool = warmed(1)
    assert pool.arrive("a") == "p0"
    assert pool.lost("p0") == "a"
    assert pool.provisioned.starts_wanted() == 1


def test_a_resting_environment_takes_nothing_until_it_has_rested() -> None:
    pool = started(1)
    assert pool.arrive("a") == 0
    pool.rest(0)
    assert pool.size == 1
    assert pool.arrive("b") is None
    assert pool.rested(0, now=1.0) == "b"
    pool.rest(0)
    assert pool.rested(0, now=2.0) is None
    assert pool.rested(0, now=2.0) is None
    assert pool.arrive("c") == 0


def test_a_resting_environment_may_be_lost() -> None:
    pool = started(1)
    pool.arrive("a")
    pool.rest(0)
    assert pool.lost(0) is None
    assert pool.arrive("b") is None
    assert pool.rested(0, now=1.0) is None
    assert pool.waiting == ["b"]


def test_the_next_arrival_wants_a_start_only_where_none_is_idle_or_under_way() -> None:
    pool = started(1)
    assert pool.starts_wanted_by_next() == 0
    pool.arrive("a")
    assert pool.starts_wanted_by_next() == 1
    pool.start_begun()
    assert pool.starts_wanted_by_next() == 0
    pool.arrive("b")
    assert pool.starts_wanted_by_next() == 1


class EnvironmentsMachine(RuleBasedStateMachine):
    """Whatever happens, every invocation is in exactly one place, and none waits beside an idle
    environment."""

    def __init__(self) -> None:
        super().__init__()
        self.pool: Environments[int, str] = Environments()
        self.placed: dict[int, str | None] = {}
        self.begun = 0
        self.names = 0

    def place(self, invocation: int | None, environment: str) -> None:
        if invocation is not None:
            assert self.placed[invocation] is None
            self.placed[invocation] = environment

    @rule()
    def arrive(self) -> None:
        invocation = max(self.placed, default=0) + 1
        self.placed[invocation] = self.pool.arrive(invocation)

    @precondition(lambda self: self.pool.starts_wanted() > 0)
    @rule()
    def begin(self) -> None:
        self.pool.start_begun()
        self.begun += 1

    @precondition(lambda self: self.begun > 0)
    @rule(succeeds=st.booleans())
    def end_start(self, *, succeeds: bool) -> None:
        self.begun -= 1
        if succeeds:
            self.names += 1
            name = f"e{self.names}"
            self.place(self.pool.started(name, now=float(self.names)), name)
        else:
            self.pool.start_failed()

    @precondition(lambda self: any(self.placed.values()))
    @rule(data=st.data(), lost=st.booleans())
    def end_invocation(self, data: st.DataObject, *, lost: bool) -> None:
        running = sorted(n for n, environment in self.placed.items() if environment)
        invocation = data.draw(st.sampled_from(running))
        environment = self.placed.pop(invocation)
        assert environment is not None
        if lost:
            assert self.pool.lost(environment) == invocation
        else:
            self.place(self.pool.freed(environment, now=1e6), environment)

    @precondition(lambda self: None in self.placed.values())
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        waiting = sorted(n for n, environment in self.placed.items() if environment is None)
        invocation = data.draw(st.sampled_from(waiting))
        del self.placed[invocation]
        assert self.pool.abandon(invocation)

    @invariant()
    def agrees(self) -> None:
        waiting = [n for n, environment in self.placed.items() if environment is None]
        assert self.pool.waiting == sorted(waiting)
        assert {i: e for e, i in self.pool.busy.items()} == {
            n: environment for n, environment in self.placed.items() if environment
        }
        if waiting:
            assert self.pool.size == len(self.pool.busy)
        assert self.pool.starts_wanted() == max(0, len(waiting) - self.begun)


TestEnvironments = EnvironmentsMachine.TestCase
