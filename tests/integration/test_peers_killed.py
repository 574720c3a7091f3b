"""Gateways are killed at random moments, and others come; each hears of it at its own time.

Whatever happens: of a function with reserved concurrency never more runs at once than it has, no
event runs twice, nobody waits for ever, and who was not under way with a gateway that was killed is
answered with nothing but the function's answer or a throttle.
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
STEPS = 500
FEWEST = 2
MOST = 4
Call = asyncio.Future[invocation.Outcome]


class Traffic:
    """Random calls, answers, deaths and births, from one seed."""

    def __init__(self, group: Group, rng: random.Random) -> None:
        self.group = group
        self.rng = rng
        self.calls: dict[bytes, Call] = {}
        self.at_risk: set[bytes] = set()
        """What was under way when a gateway was killed."""
        self.answered = 0
        self.lost = 0
        self.ran: collections.Counter[bytes] = collections.Counter()
        self.born = 0
        self._untold: list[tuple[Member, object]] = []

    @property
    def living(self) -> list[Member]:
        return [each for each in self.group.all.values() if not each.is_dead]

    async def step(self) -> None:
        match self.rng.random():
            case chance if chance < 0.4:
                self.call()
            case chance if chance < 0.7:
                self.answer()
            case chance if chance < 0.73:
                await self.kill()
            case chance if chance < 0.76:
                await self.bear()
            case chance if chance < 0.8:
                self.end_pod()
            case _:
                self.tell()
        for _ in range(self.rng.randrange(4)):
            await asyncio.sleep(0)

    def call(self) -> None:
        payload = str(len(self.calls)).encode()
        try:
            call = self.rng.choice(self.living).invoke(payload=payload)
        except errors.TooManyRequestsError:
            call = asyncio.get_running_loop().create_future()
            call.set_exception(errors.TooManyRequestsError("at once"))
        self.calls[payload] = call

    def answer(self) -> None:
        if self.group.pods.runs:
            run = self.rng.choice(self.group.pods.runs)
            self.ran[bytes(run.body)] += 1
            run.answer()

    def end_pod(self) -> None:
        idle = [each for each in self.group.pods.agents if each.run is None and not each.has_ended]
        if idle:
            self.rng.choice(idle).die()

    async def kill(self) -> None:
        if len(self.living) <= FEWEST:
            return
        self.at_risk |= {payload for payload, call in self.calls.items() if not call.done()}
        killed = self.rng.choice(self.living)
        await killed.die()
        # What is sent before that is noticed may have been received, for all that anybody knows.
        await eventually(lambda: all(not each.links.to(killed.name) for each in self.living))
        self.change()

    async def bear(self) -> None:
        if len(self.living) < MOST:
            self.born += 1
            _ = await self.group.gateway(f"gateway-{self.born}")
            self.change()

    def change(self) -> None:
        view = self.group.view(*(each.name for each in self.living))
        self._untold += [(member, view) for member in self.living]

    def tell(self) -> None:
        if self._untold:
            member, view = self._untold.pop(self.rng.randrange(len(self._untold)))
            if not member.is_dead:
                member.members.learn(view)  # type: ignore[arg-type]

    async def end(self) -> None:
        while self._untold:
            self.tell()

        def all_are_done() -> bool:
            self.answer()
            return all(call.done() for call in self.calls.values()) and not self.group.pods.runs

        await eventually(all_are_done, 30)
        for payload, call in self.calls.items():
            error = call.exception()
            if error is None:
                assert bytes(call.result().payload) == payload
                self.answered += 1
            elif isinstance(error, errors.ServiceError):
                assert payload in self.at_risk, (payload, error)
                self.lost += 1
            else:
                assert isinstance(error, errors.TooManyRequestsError), error


@pytest.mark.parametrize("seed", range(30))
async def test_a_reserved_limit_is_exact_while_gateways_are_killed(seed: int) -> None:
    async with gateway_group.group() as group:
        group.put(made("f", reserved=LIMIT))
        traffic = Traffic(group, random.Random(seed))
        for _ in range(MOST - 1):
            await traffic.bear()
        for _ in range(STEPS):
            await traffic.step()
        await traffic.end()
        assert group.pods.most["f"] <= LIMIT
        assert set(traffic.ran.values()) <= {1}
        assert traffic.answered > STEPS // 20
        await eventually(
            lambda: all(
                each.dispatcher is not None and each.dispatcher.in_use("f") == 0
                for each in traffic.living
            )
        )
