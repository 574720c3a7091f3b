"""The durable queue, whatever is done to it, against a plain model of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.event_queues import MakeSite, Site

from inglenook.events import queue
from inglenook.events.queue import Claim, Item

GROUPS = st.sampled_from(["f", "g"])
DELAYS = st.integers(0, 30)


@dataclass
class Known:
    """An item as the model has it."""

    group: str
    due: float
    order: int
    state: bytes
    payload: bytes
    claim: Claim | None = None
    until: float = 0.0


class QueueAgainstModel(RuleBasedStateMachine):
    """The queue does what a list of items with leases does."""

    make_site: Callable[[], Site]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.site = self.make_site()
        self.events = self.runner.run(self.site.open())
        self.heads: dict[str, float | None] = {}
        self.events.watch(self.heads.update)
        self.now = 1000.0
        self.count = 0
        self.items: list[Known] = []
        self.stale: list[Claim] = []
        self.epoch = 0

    def teardown(self) -> None:
        self.runner.run(self.events.close())
        self.runner.close()

    def new(self, group: str, delay: int) -> tuple[Item, Known]:
        self.count += 1
        payload = str(self.count).encode()
        due = self.now + delay
        made = Known(group, due, self.count, b"0", payload)
        return Item(group=group, due=due, state=b"0", payload=payload), made

    def held(self, data: st.DataObject) -> Known:
        return data.draw(st.sampled_from([one for one in self.items if one.claim is not None]))

    @rule(group=GROUPS, delay=DELAYS)
    def put(self, group: str, delay: int) -> None:
        made, known = self.new(group, delay)
        self.runner.run(self.events.put(made))
        self.items.append(known)

    @rule(seconds=st.integers(1, 40))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(wanted=st.dictionaries(GROUPS, st.integers(1, 3), min_size=1), lease=st.integers(1, 40))
    def claim(self, wanted: dict[str, int], lease: int) -> None:
        until = self.now + lease
        claimed = self.runner.run(self.events.claim(wanted, now=self.now, until=until))
        expected = []
        for group, limit in wanted.items():
            free = [
                one
                for one in self.items
                if one.group == group
                and one.due <= self.now
                and (one.claim is None or one.until <= self.now)
            ]
            expected += sorted(free, key=lambda one: (one.due, one.order))[:limit]
        assert [(one.payload, one.state) for one in claimed] == [
            (one.payload, one.state) for one in expected
        ]
        for known, got in zip(expected, claimed, strict=True):
            assert got.epoch > self.epoch
            self.epoch = got.epoch
            if known.claim is not None:
                self.stale.append(known.claim)
            known.claim, known.until = got, until

    @precondition(lambda self: any(one.claim for one in self.items))
    @rule(data=st.data(), follows=st.lists(st.tuples(GROUPS, DELAYS), max_size=2))
    def settle(self, data: st.DataObject, follows: list[tuple[str, int]]) -> None:
        known = self.held(data)
        assert known.claim is not None
        made = [self.new(*one) for one in follows]
        self.runner.run(self.events.settle(known.claim, [one for one, _ in made]))
        self.items.remove(known)
        self.items += [one for _, one in made]
        self.stale.append(known.claim)

    @precondition(lambda self: any(one.claim for one in self.items))
    @rule(data=st.data(), delay=DELAYS, state=st.binary(min_size=1, max_size=3))
    def reschedule(self, data: st.DataObject, delay: int, state: bytes) -> None:
        known = self.held(data)
        assert known.claim is not None
        due = self.now + delay
        self.runner.run(self.events.reschedule(known.claim, due=due, state=state))
        self.stale.append(known.claim)
        known.due, known.state, known.claim = due, state, None

    @precondition(lambda self: any(one.claim for one in self.items))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        known = self.held(data)
        assert known.claim is not None
        self.runner.run(self.events.release(known.claim))
        self.stale.append(known.claim)
        known.claim = None

    @precondition(lambda self: any(one.claim for one in self.items))
    @rule(data=st.data(), seconds=st.integers(1, 40))
    def extend(self, data: st.DataObject, seconds: int) -> None:
        known = self.held(data)
        assert known.claim is not None
        until = self.now + seconds
        self.runner.run(self.events.extend([known.claim, *self.stale], until=until))
        known.until = max(known.until, until)

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def stale_holders_are_refused(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.stale))
        for ending in (
            self.events.settle(claim, [Item(group="f", due=0, state=b"", payload=b"never")]),
            self.events.reschedule(claim, due=0, state=b"never"),
            self.events.release(claim),
        ):
            with pytest.raises(queue.StaleClaimError):
                self.runner.run(ending)

    @rule(is_crash=st.booleans())
    def reopen(self, *, is_crash: bool) -> None:
        if is_crash:
            self.events = self.runner.run(self.site.crash(self.events))
        else:
            self.runner.run(self.events.close())
            self.events = self.runner.run(self.site.open())
        self.heads = {}
        self.events.watch(self.heads.update)
        for known in () if self.site.keeps_leases else self.items:
            if known.claim is not None:
                self.stale.append(known.claim)
                known.claim = None

    @invariant()
    def nothing_that_can_be_claimed_is_hidden_from_watchers(self) -> None:
        for group in ("f", "g"):
            times = [
                one.due if one.claim is None else max(one.due, one.until)
                for one in self.items
                if one.group == group
            ]
            if times:
                head = self.heads.get(group)
                assert head is not None
                assert head <= min(times)


@pytest.mark.timeout(300)
def test_any_sequence_of_operations_agrees_with_a_model(
    make_site: MakeSite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    class Machine(QueueAgainstModel):
        make_site = staticmethod(lambda: make_site(tmp_path_factory.mktemp("site")))

    Machine.TestCase.settings = settings(
        max_examples=25,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    case = Machine.TestCase()
    case.runTest()
