from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from inglenook.capacity.concurrency import Ledger, Throttle


def test_a_reserved_function_has_exactly_its_limit() -> None:
    ledger = Ledger(1000)
    ledger.reserve("f", 2)
    assert [ledger.acquire("f", "1", n) for n in range(3)] == [None, None, Throttle.RESERVED]
    ledger.release("f", 0)
    assert ledger.acquire("f", "1", 3) is None


def test_what_was_admitted_elsewhere_counts_even_beyond_the_limit() -> None:
    ledger = Ledger(3)
    ledger.reserve("f", 1)
    for lease in ("x", "y"):
        ledger.hold("f", "1", lease)
    assert ledger.in_use("f") == 2
    ledger.release("f", "x")
    assert ledger.acquire("f", "1", 1) is Throttle.RESERVED
    ledger.release("f", "y")
    assert ledger.acquire("f", "1", 1) is None
    for n in range(2):
        ledger.hold("g", "1", n)
    assert ledger.acquire("h", "1", 2) is Throttle.ACCOUNT


def test_a_limit_of_zero_throttles_every_call() -> None:
    ledger = Ledger(1000)
    ledger.reserve("f", 0)
    assert ledger.acquire("f", "1", 1) is Throttle.RESERVED


def test_functions_without_a_reservation_share_what_the_account_leaves() -> None:
    ledger = Ledger(5)
    ledger.reserve("reserved", 3)
    assert ledger.acquire("a", "1", 1) is None
    assert ledger.acquire("b", "1", 2) is None
    assert ledger.acquire("c", "1", 3) is Throttle.ACCOUNT
    assert ledger.acquire("reserved", "1", 4) is None


def test_releasing_twice_frees_one_place() -> None:
    ledger = Ledger(1)
    assert ledger.acquire("a", "1", 1) is None
    ledger.release("a", 1)
    ledger.release("a", 1)
    assert ledger.acquire("a", "1", 2) is None
    assert ledger.acquire("a", "1", 3) is Throttle.ACCOUNT


def test_leases_count_for_the_reservation_that_is_made_while_they_live() -> None:
    ledger = Ledger(4)
    assert ledger.acquire("a", "1", 1) is None
    ledger.reserve("a", 1)
    assert ledger.acquire("a", "1", 2) is Throttle.RESERVED
    assert [ledger.acquire("b", "1", n) for n in range(3)] == [None, None, None]
    assert ledger.acquire("b", "1", 9) is Throttle.ACCOUNT


def test_what_is_provisioned_is_set_aside_used_or_not() -> None:
    ledger = Ledger(10)
    ledger.provide("a", "1", 4)
    assert [ledger.acquire("b", "1", n) for n in range(6)] == [None] * 6
    assert ledger.acquire("b", "1", 6) is Throttle.ACCOUNT
    assert [ledger.acquire("a", "1", ("a", n)) for n in range(4)] == [None] * 4
    assert ledger.acquire("a", "1", 9) is Throttle.ACCOUNT


def test_beyond_what_is_provisioned_a_version_takes_of_the_shared_pool() -> None:
    ledger = Ledger(10)
    ledger.provide("a", "1", 4)
    assert [ledger.acquire("a", "1", n) for n in range(10)] == [None] * 10
    assert ledger.acquire("b", "1", 99) is Throttle.ACCOUNT
    ledger.release("a", 3)
    assert ledger.acquire("b", "1", 99) is None


def test_other_versions_of_the_function_do_not_use_what_is_provisioned_for_one() -> None:
    ledger = Ledger(10)
    ledger.provide("a", "1", 10)
    assert ledger.acquire("a", "$LATEST", 0) is Throttle.ACCOUNT
    assert ledger.acquire("a", "1", 0) is None


def test_a_reservation_provisioned_in_full_throttles_the_unpublished_version() -> None:
    ledger = Ledger(1000)
    ledger.reserve("a", 5)
    ledger.provide("a", "1", 3)
    ledger.provide("a", "2", 2)
    assert ledger.acquire("a", "$LATEST", 0) is Throttle.RESERVED
    assert [ledger.acquire("a", "1", n) for n in range(3)] == [None] * 3
    assert ledger.acquire("a", "1", 3) is Throttle.RESERVED
    assert ledger.acquire("a", "2", 4) is None


def test_a_reservation_caps_what_is_provisioned_while_others_run() -> None:
    ledger = Ledger(1000)
    ledger.reserve("a", 3)
    assert [ledger.acquire("a", "$LATEST", n) for n in range(3)] == [None] * 3
    ledger.provide("a", "1", 3)
    assert ledger.acquire("a", "1", 3) is Throttle.RESERVED
    ledger.release("a", 0)
    assert ledger.acquire("a", "1", 3) is None
    assert ledger.in_use("a") == 3


def test_leases_count_for_what_is_provisioned_while_they_live() -> None:
    ledger = Ledger(4)
    assert [ledger.acquire("a", "1", n) for n in range(2)] == [None] * 2
    ledger.provide("a", "1", 2)
    assert [ledger.acquire("b", "1", n) for n in (7, 8)] == [None] * 2
    assert ledger.acquire("b", "1", 9) is Throttle.ACCOUNT
    ledger.release("a", 0)
    assert ledger.acquire("b", "1", 9) is Throttle.ACCOUNT
    ledger.provide("a", "1", 0)
    assert ledger.acquire("b", "1", 9) is None


def test_what_a_reserved_function_has_provisioned_takes_nothing_of_the_others() -> None:
    ledger = Ledger(10)
    ledger.reserve("a", 4)
    ledger.provide("a", "1", 4)
    assert [ledger.acquire("b", "1", n) for n in range(7)] == [None] * 6 + [Throttle.ACCOUNT]
    ledger.reserve("a", None)
    ledger.release("b", 0)
    assert ledger.acquire("b", "1", 7) is None
    assert ledger.acquire("b", "1", 8) is Throttle.ACCOUNT


def test_a_share_is_all_that_functions_without_a_reservation_have_here() -> None:
    ledger = Ledger(100)
    ledger.lend(2)
    assert [ledger.acquire("a", "1", n) for n in range(3)] == [None, None, Throttle.ACCOUNT]
    ledger.reserve("b", 5)
    assert [ledger.acquire("b", "1", ("b", n)) for n in range(5)] == [None] * 5
    ledger.lend(95)
    assert not ledger.is_part
    assert ledger.acquire("a", "1", 2) is None


def test_what_is_set_aside_is_kept_free_within_the_share() -> None:
    ledger = Ledger(100)
    ledger.lend(5)
    ledger.provide("a", "1", 4)
    assert [ledger.acquire("b", "1", n) for n in range(2)] == [None, Throttle.ACCOUNT]
    assert ledger.shared_aside_idle == 4
    assert [ledger.acquire("a", "1", ("a", n)) for n in range(4)] == [None] * 4
    assert ledger.shared_aside_idle == 0


def test_it_is_said_when_little_of_a_share_is_left() -> None:
    said: list[None] = []
    ledger = Ledger(100)
    ledger.lend(5)
    ledger.warn(3, lambda: said.append(None))
    assert [ledger.acquire("a", "1", n) for n in range(3)] == [None] * 3
    assert not said
    assert ledger.acquire("a", "1", 3) is None
    assert len(said) == 1


class LedgerMachine(RuleBasedStateMachine):
    """The ledger against a plain list of who holds what."""

    FUNCTIONS = st.sampled_from(["a", "b", "c"])
    VERSIONS = st.sampled_from(["1", "2"])

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(10)
        self.held: list[tuple[str, str, int]] = []
        self.reserved: dict[str, int] = {}
        self.provided: dict[tuple[str, str], int] = {}
        self.next = 0

    def count(self, function: str, version: str) -> int:
        return sum(1 for name, of, _ in self.held if (name, of) == (function, version))

    def idle(self, function: str, version: str) -> int:
        """How much of what is provisioned for a version is not in use."""
        provided = self.provided.get((function, version), 0)
        return max(0, provided - self.count(function, version))

    @rule(function=FUNCTIONS, version=VERSIONS)
    def acquire(self, function: str, version: str) -> None:
        self.next += 1
        if function in self.reserved:
            pool, limit = {function}, self.reserved[function]
        else:
            pool = {"a", "b", "c"} - set(self.reserved)
            limit = 10 - sum(self.reserved.values())
        in_use = sum(1 for name, _, _ in self.held if name in pool)
        idle = sum(self.idle(name, of) for name in pool for of in ("1", "2"))
        allowed = in_use < limit and (self.idle(function, version) > 0 or in_use + idle < limit)
        assert (self.ledger.acquire(function, version, self.next) is None) == allowed
        if allowed:
            self.held.append((function, version, self.next))

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        if self.held:
            lease = data.draw(st.sampled_from(self.held))
            self.held.remove(lease)
            self.ledger.release(lease[0], lease[2])

    @rule(function=FUNCTIONS, limit=st.none() | st.integers(0, 3))
    def reserve(self, function: str, limit: int | None) -> None:
        self.ledger.reserve(function, limit)
        if limit is None:
            self.reserved.pop(function, None)
        else:
            self.reserved[function] = limit

    @rule(function=FUNCTIONS, version=VERSIONS, limit=st.integers(0, 4))
    def provide(self, function: str, version: str, limit: int) -> None:
        self.ledger.provide(function, version, limit)
        self.provided[function, version] = limit

    @invariant()
    def counts_what_is_held(self) -> None:
        for function in ("a", "b", "c"):
            held = sum(1 for name, _, _ in self.held if name == function)
            assert self.ledger.in_use(function) == held
        assert self.ledger.total == len(self.held)


TestLedger = LedgerMachine.TestCase
