"""The account's concurrency limit over several gateways, each of which owns some functions.

Whatever happens: never does more run at once than the limit, all of it can be used from whichever
gateway, and in the end nothing of it is lost.
"""

import asyncio
import random
from collections.abc import Mapping

import pytest
from support import gateway_group
from support.gateway_group import Group, Member, eventually, made
from support.gateway_storms import FEWEST, Call, Step, Storm, called

from inglenook import errors
from inglenook_cluster.peers import lending

LIMIT = 20
NAMES = ("one", "two", "three")
FUNCTIONS = [f"f{n}" for n in range(9)]


async def _gateways(group: Group, *names: str) -> list[Member]:
    found = [await group.gateway(name, account_concurrency=LIMIT) for name in names]
    group.see(*group.all)
    return found


def _functions(group: Group) -> None:
    for name in FUNCTIONS:
        group.put(made(name))


def _answer_all(group: Group) -> None:
    for run in list(group.pods.runs):
        run.answer()


def _reason(call: Call) -> str:
    error = call.exception()
    assert isinstance(error, errors.TooManyRequestsError)
    return error.reason


async def _fill(group: Group, callers: list[Member], names: list[str], wanted: int) -> list[Call]:
    """Call so many more than may run that some must be refused; return the calls that run."""
    calls = [called(callers[n % len(callers)], names[n % len(names)]) for n in range(2 * LIMIT)]
    await eventually(lambda: len(group.pods.runs) == wanted)
    await eventually(lambda: sum(each.done() for each in calls) == len(calls) - wanted)
    assert {_reason(each) for each in calls if each.done()} == {"ConcurrentInvocationLimitExceeded"}
    return [each for each in calls if not each.done()]


async def test_twenty_run_over_three_gateways_and_never_one_more() -> None:
    async with gateway_group.group() as group:
        _functions(group)
        members = await _gateways(group, *NAMES)
        assert len({group.owner(name).name for name in FUNCTIONS}) == len(NAMES)
        running = await _fill(group, members, FUNCTIONS, LIMIT)
        _answer_all(group)
        await asyncio.gather(*running)
        assert group.pods.most_of_all == LIMIT


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_one_function_can_use_all_whatever_others_had_before(name: str) -> None:
    async with gateway_group.group() as group:
        _functions(group)
        members = await _gateways(group, *NAMES)
        for each in ([name], FUNCTIONS, [name]):
            running = await _fill(group, members, each, LIMIT)
            _answer_all(group)
            await asyncio.gather(*running)
        assert group.pods.most_of_all == LIMIT


async def test_one_gateway_has_all_and_gives_what_another_needs() -> None:
    async with gateway_group.group() as group:
        _functions(group)
        (first,) = await _gateways(group, "one")
        running = await _fill(group, [first], FUNCTIONS, LIMIT)
        assert first.dispatcher is not None
        second = (await _gateways(group, "two"))[0]
        mine = [name for name in FUNCTIONS if group.owner(name) is second]
        _answer_all(group)
        await asyncio.gather(*running)
        running = await _fill(group, [first], mine, LIMIT)
        _answer_all(group)
        await asyncio.gather(*running)
        assert group.pods.most_of_all == LIMIT


@pytest.mark.parametrize("is_lender", [True, False])
async def test_the_share_of_a_killed_gateway_comes_back_when_what_it_ran_ends(
    *, is_lender: bool
) -> None:
    async with gateway_group.group() as group:
        _functions(group)
        members = await _gateways(group, *NAMES)
        killed = next(each for each in members if (group.owner(lending.KEY) is each) == is_lender)
        its = [name for name in FUNCTIONS if group.owner(name) is killed]
        left = [each for each in members if each is not killed]
        _ = await _fill(group, left, its, LIMIT)
        await killed.die()
        group.see(*(each.name for each in left))
        # All of it is still at work.
        refused = [called(left[0], name) for name in FUNCTIONS]
        await eventually(lambda: all(each.done() for each in refused), 15)
        assert {_reason(each) for each in refused} == {"ConcurrentInvocationLimitExceeded"}
        for n in range(5):
            group.pods.runs[0].answer()
            call = called(left[n % 2], FUNCTIONS[n])
            await eventually(lambda: len(group.pods.runs) == LIMIT)
            assert not call.done()
        _answer_all(group)
        await eventually(lambda: not group.pods.runs)
        running = await _fill(group, left, FUNCTIONS, LIMIT)
        _answer_all(group)
        await asyncio.gather(*running)
        assert group.pods.most_of_all == LIMIT


async def test_what_a_function_reserves_is_not_lent() -> None:
    async with gateway_group.group() as group:
        _functions(group)
        members = await _gateways(group, *NAMES)
        running = await _fill(group, members, FUNCTIONS[1:], LIMIT)
        group.put(made(FUNCTIONS[0], reserved=8))
        _answer_all(group)
        await asyncio.gather(*running)
        group.pods.most_of_all = 0
        running = await _fill(group, members, FUNCTIONS[1:], LIMIT - 8)
        running += [called(members[0], FUNCTIONS[0]) for _ in range(8)]
        await eventually(lambda: len(group.pods.runs) == LIMIT)
        _answer_all(group)
        await asyncio.gather(*running)
        group.put(made(FUNCTIONS[0]))
        await eventually(lambda: members[0].catalog.living(FUNCTIONS[0]) is not None)

        async def all_run() -> None:
            running = [called(members[0], FUNCTIONS[1]) for _ in range(LIMIT)]
            await asyncio.wait(running, timeout=0.5)
            _answer_all(group)
            outcomes = await asyncio.gather(*running, return_exceptions=True)
            assert not any(isinstance(each, errors.ApiError) for each in outcomes)

        async with asyncio.timeout(10):
            while True:
                try:
                    await all_run()
                    break
                except AssertionError:
                    continue
        assert group.pods.most_of_all == LIMIT


class Comings(Storm):
    """Calls of several functions, answers, deaths, births and leaves."""

    def __init__(self, group: Group, rng: random.Random) -> None:
        super().__init__(group, rng)
        self.leaving: list[Member] = []

    def chances(self) -> Mapping[Step, float]:
        return {
            self.call: 0.5,
            self.hang_up: 0.05,
            self.answer: 0.25,
            self.kill: 0.02,
            self.bear: 0.02,
            self.leave: 0.02,
            self.end_pod: 0.04,
            self.tell: 0.15,
        }

    @property
    def living(self) -> list[Member]:
        return [each for each in super().living if each not in self.leaving]

    def call(self) -> None:
        self.call_one(self.rng.choice(FUNCTIONS[:5]))

    async def bear(self) -> None:
        if len(self.living) < 4:
            await super().bear()

    def limits(self) -> Mapping[str, float]:
        return {"account_concurrency": LIMIT}

    def leave(self) -> None:
        if len(self.living) > FEWEST:
            self.leaving.append(self.rng.choice(self.living))
            self.change()

    def change(self) -> None:
        leaving = tuple(each.name for each in self.leaving if not each.is_dead)
        self.change_to([each.name for each in self.living], leaving)


@pytest.mark.parametrize("seed", range(20))
async def test_the_limit_is_exact_while_gateways_come_leave_and_are_killed(seed: int) -> None:
    async with gateway_group.group() as group:
        _functions(group)
        storm = Comings(group, random.Random(seed))
        for _ in range(3):
            await storm.bear()
        await storm.rage(600)
        await storm.end()
        assert group.pods.most_of_all <= LIMIT
        running = await _fill(group, storm.living, FUNCTIONS, LIMIT)
        _answer_all(group)
        await asyncio.gather(*running)
        assert group.pods.most_of_all == LIMIT
