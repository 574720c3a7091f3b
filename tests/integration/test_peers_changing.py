"""The gateways change at random moments, and each hears of it at its own time.

Whatever happens: of a function with reserved concurrency never more runs at once than it has,
nobody is answered with anything but the function's answer or a throttle, each event runs once, and
nothing is counted in the end.
"""

import asyncio
import collections
import random

import pytest
from support import gateway_group
from support.gateway_group import Group, Member, eventually, made

from inglenook import errors
from inglenook.routing import invocation

LIMIT = 3
STEPS = 600
NAMES = ("one", "two", "three", "four")
Call = asyncio.Future[invocation.Outcome]


class Traffic:
    """Random calls, answers and changes, from one seed."""

    def __init__(self, group: Group, rng: random.Random) -> None:
        self.group = group
        self.rng = rng
        self.calls: dict[bytes, Call] = {}
        self.hung_up = 0
        self.throttled = 0
        self.ran: collections.Counter[bytes] = collections.Counter()
        self._untold: list[tuple[Member, object]] = []

    async def step(self) -> None:
        match self.rng.random():
            case chance if chance < 0.45:
                self.call()
            case chance if chance < 0.7:
                self.answer()
            case chance if chance < 0.75:
                self.change()
            case chance if chance < 0.85:
                self.end_pod()
            case _:
                self.tell()
        for _ in range(self.rng.randrange(4)):
            await asyncio.sleep(0)

    def call(self) -> None:
        member = self.rng.choice([*self.group.all.values()])
        payload = str(len(self.calls)).encode()
        try:
            call = member.invoke(payload=payload)
        except errors.TooManyRequestsError:
            call = asyncio.get_running_loop().create_future()
            call.set_exception(errors.TooManyRequestsError("at once"))
        self.calls[payload] = call
        if self.rng.random() < 0.1:
            self.hung_up += call.cancel()

    def answer(self) -> None:
        if self.group.pods.runs:
            run = self.rng.choice(self.group.pods.runs)
            self.ran[bytes(run.body)] += 1
            run.answer()

    def end_pod(self) -> None:
        """End one that is idle, so that new ones are needed all the time."""
        idle = [each for each in self.group.pods.agents if each.run is None and not each.has_ended]
        if idle:
            self.rng.choice(idle).die()

    def change(self) -> None:
        there = self.rng.sample(NAMES, self.rng.randint(1, len(NAMES)))
        leaving = tuple(name for name in NAMES if name not in there)
        view = self.group.view(*there, leaving=leaving)
        self._untold += [(member, view) for member in self.group.all.values()]

    def tell(self) -> None:
        if self._untold:
            member, view = self._untold.pop(self.rng.randrange(len(self._untold)))
            member.members.learn(view)  # type: ignore[arg-type]

    async def end(self) -> None:
        while self._untold:
            self.tell()

        def all_are_done() -> bool:
            self.answer()
            return all(call.done() for call in self.calls.values()) and not self.group.pods.runs

        await eventually(all_are_done, 30)
        for payload, call in self.calls.items():
            if call.cancelled():
                continue
            error = call.exception()
            if error is None:
                assert bytes(call.result().payload) == payload
            else:
                assert isinstance(error, errors.TooManyRequestsError), error
                self.throttled += 1


@pytest.mark.parametrize("seed", range(6))
async def test_a_reserved_limit_is_exact_while_the_gateways_change(seed: int) -> None:
    async with gateway_group.group() as group:
        group.put(made("f", reserved=LIMIT))
        for name in NAMES:
            await group.gateway(name)
        group.see(*NAMES)
        traffic = Traffic(group, random.Random(seed))
        for _ in range(STEPS):
            await traffic.step()
        await traffic.end()
        assert group.pods.most["f"] <= LIMIT
        assert set(traffic.ran.values()) <= {1}
        assert len(traffic.calls) - traffic.hung_up - traffic.throttled > STEPS // 20
        await eventually(
            lambda: all(
                each.dispatcher is not None and each.dispatcher.in_use("f") == 0
                for each in group.all.values()
            )
        )
