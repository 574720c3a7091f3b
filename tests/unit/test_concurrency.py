from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from inglenook.capacity.concurrency import Ledger, Throttle


def test_a_reserved_function_has_exactly_its_limit() -> None:
    ledger = Ledger(1000)
    ledger.reserve("f", 2)
    assert [ledger.acquire("f", n) for n in range(3)] == [None, None, Throttle.RESERVED]
    ledger.release("f", 0)
    assert ledger.acquire("f", 3) is None


def test_a_limit_of_zero_throttles_every_call() -> None:
    ledger = Ledger(1000)
    ledger.reserve("f", 0)
    assert ledger.acquire("f", 1) is Throttle.RESERVED


def test_functions_without_a_reservation_share_what_the_account_leaves() -> None:
    ledger = Ledger(5)
    ledger.reserve("reserved", 3)
    assert ledger.acquire("a", 1) is None
    assert ledger.acquire("b", 2) is None
    assert ledger.acquire("c", 3) is Throttle.ACCOUNT
    assert ledger.acquire("reserved", 4) is None


def test_releasing_twice_frees_one_place() -> None:
    ledger = Ledger(1)
    assert ledger.acquire("a", 1) is None
    ledger.release("a", 1)
    ledger.release("a", 1)
    assert ledger.acquire("a", 2) is None
    assert ledger.acquire("a", 3) is Throttle.ACCOUNT


def test_leases_count_for_the_reservation_that_is_made_while_they_live() -> None:
    ledger = Ledger(4)
    assert ledger.acquire("a", 1) is None
    ledger.reserve("a", 1)
    assert ledger.acquire("a", 2) is Throttle.RESERVED
    assert [ledger.acquire("b", n) for n in range(3)] == [None, None, None]
    assert ledger.acquire("b", 9) is Throttle.ACCOUNT


class LedgerMachine(RuleBasedStateMachine):
    """The ledger against a plain list of who holds what."""

    FUNCTIONS = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(10)
        self.held: list[tuple[str, int]] = []
        self.reserved: dict[str, int] = {}
        self.next = 0

    @rule(function=FUNCTIONS)
    def acquire(self, function: str) -> None:
        self.next += 1
        mine = sum(1 for name, _ in self.held if name == function)
        shared = sum(1 for name, _ in self.held if name not in self.reserved)
        if function in self.reserved:
            allowed = mine < self.reserved[function]
        else:
            allowed = shared < 10 - sum(self.reserved.values())
        assert (self.ledger.acquire(function, self.next) is None) == allowed
        if allowed:
            self.held.append((function, self.next))

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        if self.held:
            lease = data.draw(st.sampled_from(self.held))
            self.held.remove(lease)
            self.ledger.release(*lease)

    @rule(function=FUNCTIONS, limit=st.none() | st.integers(0, 3))
    def reserve(self, function: str, limit: int | None) -> None:
        self.ledger.reserve(function, limit)
        if limit is None:
            self.reserved.pop(function, None)
        else:
            self.reserved[function] = limit

    @invariant()
    def counts_what_is_held(self) -> None:
        for function in ("a", "b", "c"):
            held = sum(1 for name, _ in self.held if name == function)
            assert self.ledger.in_use(function) == held


TestLedger = LedgerMachine.TestCase
