"""Who has how much of the account's concurrency, with gateways that die and messages that are lost.

The network of this model loses answers only with the connection, as TCP does: whoever asked learns
of it. Each gateway hears of the others at its own time.
"""

import dataclasses
import random
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from inglenook.capacity import lender, shares
from inglenook.wire import gateways

TOTAL = 20
MOST = 4
_RANDOM = st.randoms(use_true_random=False)


def _usage(**values: int) -> shares.Usage:
    return shares.Usage(**({"total": 100, "used": 0} | values))


_STANDING = shares.Standing(version=1, is_settled=True)


def test_more_is_asked_for_before_all_is_used_and_idle_concurrency_is_given_back() -> None:
    borrower = shares.Borrower(1)
    said = borrower.ask(_usage(), _STANDING, 0.0)
    assert said is not None
    assert (said.wants, said.ahead) == (0, 8)
    assert borrower.lent(said.number, gateways.Lent(units=50), 0.0)
    assert borrower.ask(_usage(used=30), _STANDING, 1.0) is None
    low = borrower.low(_usage(used=30), 1.0)
    assert low == 46
    said = borrower.ask(_usage(used=47), _STANDING, 1.0)
    assert said is not None
    assert said.ahead == 5
    assert borrower.lent(said.number, gateways.Lent(units=0, is_all=True), 1.0)
    for now in (6.0, 12.0):
        said = borrower.ask(_usage(used=2), _STANDING, now) or said
        _ = borrower.lent(said.number, gateways.Lent(units=0, is_all=True), now)
    assert borrower.has == 2 + 16


def test_what_is_set_aside_is_wanted_and_not_given_back() -> None:
    borrower = shares.Borrower(1)
    usage = _usage(used=1, aside=30, aside_idle=30)
    said = borrower.ask(usage, _STANDING, 0.0)
    assert said is not None
    assert said.wants == 31
    assert borrower.lent(said.number, gateways.Lent(units=33), 0.0)
    given = borrower.recalled(gateways.Recall(units=20), usage, _STANDING)
    assert given.has == borrower.has == 31


def test_an_answer_after_the_gateways_have_changed_lends_nothing() -> None:
    borrower = shares.Borrower(1)
    said = borrower.ask(_usage(waiting=3), _STANDING, 0.0)
    assert said is not None
    borrower.forget()
    assert not borrower.lent(said.number, gateways.Lent(units=3), 0.0)
    assert borrower.has == 0
    again = borrower.ask(_usage(waiting=3), _STANDING, 0.0)
    assert again is not None
    assert (again.heard, again.has) == (said.number, 0)


def test_nothing_is_granted_for_what_was_asked_with_another_view() -> None:
    book = lender.Lender(20)
    _ = book.see(1, ["a", "b"])
    borrowers = {name: shares.Borrower(1) for name in ("a", "b")}
    for name, borrower in borrowers.items():
        said = borrower.ask(shares.Usage(total=20, used=0), _STANDING, 0.0)
        assert said is not None
        book.borrow(name, said)
        for each in book.decide(0.0):
            _ = borrowers[each.to].lent(1, each.what, 0.0)  # type: ignore[arg-type]
    newer = shares.Standing(version=2, is_settled=False)
    borrowers["b"].forget()
    said = borrowers["b"].ask(shares.Usage(total=20, used=0, waiting=15), newer, 1.0)
    assert said is not None
    book.borrow("b", said)
    assert book.decide(1.0) == [lender.Say("b", gateways.Lent(units=0))]


@dataclasses.dataclass(eq=False)
class Gateway:
    name: str
    life: int
    version: int = 0
    born: int = 0
    names: frozenset[str] = frozenset()
    own: int = 0
    """Invocations that it has admitted."""
    adopted: int = 0
    """Those that dead gateways have admitted, and it has taken over."""
    waiting: int = 0
    is_settled: bool = False
    lends: lender.Lender | None = None
    borrower: shares.Borrower = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.borrower = shares.Borrower(self.life)

    @property
    def lender_name(self) -> str:
        return min(self.names)

    @property
    def used(self) -> int:
        return self.own + self.adopted

    @property
    def standing(self) -> shares.Standing:
        return shares.Standing(
            version=self.version, is_settled=self.is_settled, is_alone=len(self.names) == 1
        )

    def usage(self, total: int) -> shares.Usage:
        return shares.Usage(total=total, used=self.used, waiting=self.waiting)


@dataclasses.dataclass(eq=False)
class Message:
    """On its way; to a gateway that dies it is lost, and its sender learns of that."""

    sender: Gateway
    to: Gateway
    what: gateways.Borrow | gateways.Recall
    answer: gateways.Lent | gateways.Borrow | None = None
    is_delivered: bool = False
    is_answered: bool = False


class Gateways(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.total = TOTAL
        self.now = 0.0
        self.version = 0
        self.lives = 0
        self.living: dict[str, Gateway] = {}
        self.orphans: dict[int, int] = {}
        """What the dead have left and nobody counts, by the version in which they were gone."""
        self.left: dict[Gateway, int] = {}
        """The same, of those that have begun anew under their names."""
        self.messages: list[Message] = []
        self.views: dict[int, frozenset[str]] = {}

    # The world

    @initialize(n=st.integers(1, 3))
    def begin(self, n: int) -> None:
        for _ in range(n):
            self.bear()
        for each in self._all:
            self._hear(each, self.version)
        for each in self._all:
            self._settle(each)

    def _changed(self) -> None:
        self.version += 1
        self.views[self.version] = frozenset(self.living)

    @rule()
    @precondition(lambda self: len(self.living) < MOST)
    def bear(self) -> None:
        self.lives += 1
        # A name may be had again: a container starts anew in its pod.
        name = next(each for each in "abcdefgh" if each not in self.living)
        self.living[name] = Gateway(name, self.lives)
        self._changed()
        self.living[name].born = self.version

    @rule(rng=_RANDOM)
    @precondition(lambda self: len(self.living) > 1)
    def kill(self, rng: random.Random) -> None:
        dead = self.living.pop(rng.choice(sorted(self.living)))
        self._lose(dead)
        self._changed()
        left = dead.used + self.left.pop(dead, 0)
        self.orphans[self.version] = self.orphans.get(self.version, 0) + left

    @rule(rng=_RANDOM)
    def restart(self, rng: random.Random) -> None:
        """Another process under the same name, before anybody takes it for gone."""
        name = rng.choice(sorted(self.living))
        dead = self.living[name]
        self._lose(dead)
        self.lives += 1
        anew = self.living[name] = Gateway(name, self.lives)
        anew.adopted = 0
        # It asks for the present view; none of before means anything to it.
        self._hear(anew, self.version)
        # Whoever has its name owns its functions, and finds what they run.
        self.left[anew] = dead.used + self.left.pop(dead, 0)

    def _lose(self, dead: Gateway) -> None:
        for other in self._all:
            if other.version and other.lender_name == dead.name:
                other.borrower.remind()
        for each in [one for one in self.messages if dead in (one.sender, one.to)]:
            self.messages.remove(each)
            each.answer, each.is_delivered, each.is_answered = None, True, True
            if each.sender is not dead:
                self._answered(each)

    @rule(rng=_RANDOM)
    @precondition(lambda self: any(g.version < self.version for g in self.living.values()))
    def hear(self, rng: random.Random) -> None:
        """Let one gateway know of the next view."""
        behind = [each for each in self._all if each.version < self.version]
        gateway = rng.choice(behind)
        found = [
            v
            for v, names in self.views.items()
            if v > gateway.version and v >= gateway.born and gateway.name in names
        ]
        self._hear(gateway, rng.choice(found))

    def _hear(self, gateway: Gateway, version: int) -> None:
        if not version:
            return
        # Its functions go elsewhere, some of them, and with them what dead gateways had run.
        if gateway.version and gateway.adopted:
            self.orphans[version] = self.orphans.get(version, 0) + gateway.adopted
            gateway.borrower.gave(gateway.adopted)
            gateway.adopted = 0
        gateway.version, gateway.names = version, self.views[version]
        gateway.is_settled = False
        gateway.borrower.forget()
        if gateway.lender_name != gateway.name:
            gateway.lends = None
            for one in [each for each in self.messages if each.to is gateway]:
                if one.is_delivered and not one.is_answered:
                    one.answer, one.is_answered = gateways.Lent(units=0), True
            return
        gateway.lends = gateway.lends or lender.Lender(self.total)
        self._tell(gateway, gateway.lends.see(version, gateway.names))

    @rule(rng=_RANDOM)
    @precondition(lambda self: any(not g.is_settled and g.version for g in self.living.values()))
    def settle(self, rng: random.Random) -> None:
        """Let a gateway take over what is its own, once all keep to a view as new as its own."""
        gateway = rng.choice([g for g in self._all if not g.is_settled and g.version])
        if any(each.version < gateway.version for each in self._all):
            return
        self._settle(gateway)

    @rule()
    def agree(self) -> None:
        """Let all hear of the others, and take over what is their own."""
        for each in self._all:
            if each.version < self.version:
                self._hear(each, self.version)
        for each in self._all:
            self._settle(each)
            _ = self._ask(each)

    def _settle(self, gateway: Gateway) -> None:
        mine = [v for v in self.orphans if v <= gateway.version]
        gateway.adopted += sum(self.orphans.pop(v) for v in mine)
        gateway.adopted += self.left.pop(gateway, 0)
        gateway.is_settled = True

    @rule(total=st.integers(0, TOTAL))
    def lower(self, total: int) -> None:
        self.total = total
        for each in self._all:
            if each.lends is not None:
                each.lends.limit(total)

    @property
    def _all(self) -> list[Gateway]:
        return [self.living[name] for name in sorted(self.living)]

    # Invocations

    @rule(rng=_RANDOM, n=st.integers(1, TOTAL))
    def invoke(self, rng: random.Random, n: int) -> None:
        gateway = rng.choice(self._all)
        gateway.waiting = min(TOTAL, gateway.waiting + n)
        self._admit(gateway)
        _ = self._ask(gateway)

    def _admit(self, gateway: Gateway) -> None:
        room = min(gateway.borrower.has, self.total) - gateway.used
        admitted = max(0, min(gateway.waiting, room))
        gateway.own += admitted
        gateway.waiting -= admitted
        if admitted:
            assert self.running <= TOTAL, "one more was admitted"

    @rule(rng=_RANDOM, n=st.integers(1, TOTAL))
    def end(self, rng: random.Random, n: int) -> None:
        gateway = rng.choice(self._all)
        gateway.own = max(0, gateway.own - n)
        gateway.adopted = max(0, gateway.adopted - n)

    @property
    def running(self) -> int:
        lost = sum(self.orphans.values()) + sum(self.left.values())
        return lost + sum(each.used for each in self._all)

    # Messages

    @rule(rng=_RANDOM)
    def ask(self, rng: random.Random) -> None:
        self._ask(rng.choice(self._all))

    def _ask(self, gateway: Gateway) -> bool:
        if not gateway.version:
            return False
        said = gateway.borrower.ask(gateway.usage(self.total), gateway.standing, self.now)
        to = self.living.get(gateway.lender_name)
        if said is None:
            return False
        if to is None:
            _ = gateway.borrower.lent(said.number, None, self.now)
            return False
        self.messages.append(Message(gateway, to, said))
        return True

    @rule(rng=_RANDOM, n=st.integers(1, 12))
    def deliver(self, rng: random.Random, n: int) -> None:
        """Some messages and answers; in order between the same two."""
        for _ in range(n):
            found = self._deliverable()
            if not found:
                return
            self._deliver(rng.choice(found))

    def _deliverable(self) -> list[Message]:
        return [
            each
            for n, each in enumerate(self.messages)
            if each.is_delivered == each.is_answered
            and not any(
                (one.sender, one.to) == (each.sender, each.to)
                and one.is_answered == each.is_answered
                and one.is_delivered == each.is_delivered
                for one in self.messages[:n]
            )
        ]

    def _deliver(self, message: Message) -> None:
        if message.is_answered:
            self.messages.remove(message)
            self._answered(message)
            return
        to = message.to
        if isinstance(message.what, gateways.Recall):
            message.answer = to.borrower.recalled(message.what, to.usage(self.total), to.standing)
            message.is_delivered = message.is_answered = True
        elif to.lends is None:
            message.answer = gateways.Lent(units=0)
            message.is_delivered = message.is_answered = True
        else:
            for one in self._unanswered(to, message.sender):
                one.answer, one.is_answered = gateways.Lent(units=0), True
            message.is_delivered = True
            to.lends.borrow(message.sender.name, message.what)
            self._decide(to)

    def _unanswered(self, to: Gateway, sender: Gateway | None) -> list[Message]:
        return [
            each
            for each in self.messages
            if (each.to, each.sender) == (to, sender) and each.is_delivered and not each.is_answered
        ]

    def _answered(self, message: Message) -> None:
        sender = message.sender
        if isinstance(message.what, gateways.Recall):
            answer = message.answer
            assert not isinstance(answer, gateways.Lent)
            if sender.lends is not None:
                sender.lends.recalled(message.to.name, answer)
                self._decide(sender)
            return
        assert not isinstance(message.answer, gateways.Borrow)
        if sender.borrower.lent(message.what.number, message.answer, self.now):
            self._admit(sender)
            if message.answer is not None and message.answer.is_all:
                sender.waiting = 0

    def _decide(self, gateway: Gateway) -> None:
        if gateway.lends is not None:
            self._tell(gateway, gateway.lends.decide(self.now))

    def _tell(self, gateway: Gateway, said: list[lender.Say]) -> None:
        for each in said:
            to = self.living.get(each.to)
            if isinstance(each.what, gateways.Lent):
                for one in self._unanswered(gateway, to):
                    one.answer, one.is_answered = each.what, True
            elif to is None:
                assert gateway.lends is not None
                gateway.lends.recalled(each.to, None)
            else:
                self.messages.append(Message(gateway, to, each.what))

    @rule(s=st.sampled_from([0.001, 0.1, 6.0]))
    def wait(self, s: float) -> None:
        self.now += s
        for each in self._all:
            self._decide(each)

    # What is promised

    def teardown(self) -> None:
        """Nothing is lost for ever: one that is called often enough can have all."""
        if not self.living:
            return
        self.total = TOTAL
        self.orphans.clear()
        self.left.clear()
        for each in self._all:
            each.own = each.adopted = each.waiting = 0
            if each.lends is not None:
                each.lends.limit(TOTAL)
        self.agree()
        last = self._all[-1]
        for _ in range(200):
            last.waiting = TOTAL - last.own
            self._admit(last)
            self._all_speak()
            if last.own == TOTAL:
                return
        raise AssertionError(f"{last.own} of {TOTAL} can be used")

    def _all_speak(self) -> None:
        self.now += 0.02
        for each in self._all:
            _ = self._ask(each)
            self._decide(each)
        for message in list(self.messages):
            if message in self.messages:
                self._deliver(message)


TestGateways: Any = Gateways.TestCase
TestGateways.settings = hypothesis.settings(max_examples=100, stateful_step_count=50, deadline=None)


@pytest.mark.parametrize("seed", range(100))
def test_the_limit_is_exact_and_all_of_it_can_be_used_after_much_has_happened(seed: int) -> None:
    rng, all_of_them = random.Random(seed), Gateways()
    all_of_them.begin(3)
    for _ in range(600):
        _step(all_of_them, rng)
    all_of_them.teardown()


def _step(of: Gateways, rng: random.Random) -> None:  # noqa: C901 - a choice
    match rng.random():
        case chance if chance < 0.3:
            of.invoke(rng, rng.randint(1, TOTAL // 2))
        case chance if chance < 0.45:
            of.end(rng, rng.randint(1, TOTAL))
        case chance if chance < 0.75:
            of.deliver(rng, rng.randint(1, 4))
        case chance if chance < 0.78:
            of.wait(rng.choice([0.001, 0.1, 6.0]))
        case chance if chance < 0.84:
            of.ask(rng)
        case chance if chance < 0.86 and len(of.living) > 1:
            of.kill(rng)
        case chance if chance < 0.88 and len(of.living) < MOST:
            of.bear()
        case chance if chance < 0.89:
            of.restart(rng)
        case chance if chance < 0.95 and any(g.version < of.version for g in of.living.values()):
            of.hear(rng)
        case _ if any(not g.is_settled and g.version for g in of.living.values()):
            of.settle(rng)
        case _:
            of.ask(rng)
