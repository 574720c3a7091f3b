"""Storms over a group of gateways: random steps from one seed, of which each hears in its own time.

Whatever happens: a call is answered with nothing but the function's answer or a throttle, unless it
was under way when a gateway was killed.
"""

import asyncio
import collections
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from support.gateway_group import Group, Member, eventually

from inglenook import errors
from inglenook.routing import invocation

if TYPE_CHECKING:
    from inglenook_cluster.peers import views

Call = asyncio.Future[invocation.Outcome]
Step = Callable[[], Awaitable[None] | None]
FEWEST = 2
"""Of the gateways, so many are left alive."""
_YIELDS_MAX = 4


def called(member: Member, name: str = "f", payload: bytes = b"{}") -> Call:
    """Call a function; what is refused at once is told as what is refused later."""
    try:
        return member.invoke(name, payload)
    except errors.TooManyRequestsError as error:
        refused: Call = asyncio.get_running_loop().create_future()
        refused.set_exception(error)
        return refused


class Storm(ABC):
    """What may happen, one step after another."""

    def __init__(self, group: Group, rng: random.Random) -> None:
        self.group = group
        self.rng = rng
        self.calls: dict[bytes, Call] = {}
        """By payload; each has its own."""
        self.at_risk: set[bytes] = set()
        """What was under way when a gateway was killed."""
        self.ran: collections.Counter[bytes] = collections.Counter()
        self.answered = 0
        self._born = 0
        self._untold: list[tuple[Member, views.View]] = []

    @abstractmethod
    def chances(self) -> Mapping[Step, float]:
        """Return the steps that there are, and how likely each is."""

    @property
    def living(self) -> list[Member]:
        return [each for each in self.group.all.values() if not each.is_dead]

    async def rage(self, steps: int) -> None:
        chances = self.chances()
        for step in self.rng.choices([*chances], [*chances.values()], k=steps):
            if (done := step()) is not None:
                await done
            for _ in range(self.rng.randrange(_YIELDS_MAX)):
                await asyncio.sleep(0)

    async def end(self) -> None:
        """Tell all, let all be answered, and look at the answers."""
        while self._untold:
            self.tell()

        def all_are_done() -> bool:
            self.answer()
            return all(call.done() for call in self.calls.values()) and not self.group.pods.runs

        await eventually(all_are_done, 30)
        for payload, call in self.calls.items():
            error = None if call.cancelled() else call.exception()
            if isinstance(error, errors.ServiceError):
                assert payload in self.at_risk, (payload, error)
            elif error is not None:
                assert isinstance(error, errors.TooManyRequestsError), error
            elif not call.cancelled():
                assert bytes(call.result().payload) == payload
                self.answered += 1

    # Steps

    def call(self) -> None:
        self.call_one("f")

    def call_one(self, name: str) -> None:
        payload = str(len(self.calls)).encode()
        self.calls[payload] = called(self.rng.choice(self.living), name, payload)

    def hang_up(self) -> None:
        if under_way := [call for call in self.calls.values() if not call.done()]:
            self.rng.choice(under_way).cancel()

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

    async def kill(self) -> None:
        living = self.living
        if len(living) <= FEWEST:
            return
        self.at_risk |= {payload for payload, call in self.calls.items() if not call.done()}
        killed = self.rng.choice(living)
        await killed.die()
        # What is sent before that is noticed may have been received, for all that anybody knows.
        await eventually(lambda: all(not each.links.to(killed.name) for each in self.living))
        self.change()

    async def bear(self) -> None:
        self._born += 1
        _ = await self.group.gateway(f"gateway-{self._born}", **self.limits())
        self.change()

    def limits(self) -> Mapping[str, float]:
        """Return the settings of a gateway."""
        return {}

    def change(self) -> None:
        self.change_to([each.name for each in self.living])

    def change_to(self, there: list[str], leaving: tuple[str, ...] = ()) -> None:
        """Let other gateways take part, which nobody has been told yet."""
        view = self.group.view(*there, leaving=leaving)
        self._untold += [(each, view) for each in self.group.all.values() if not each.is_dead]

    def tell(self) -> None:
        """Tell one gateway of one change, whichever."""
        if self._untold:
            member, view = self._untold.pop(self.rng.randrange(len(self._untold)))
            if not member.is_dead:
                member.members.learn(view)


async def until_nothing_is_counted(members: list[Member], name: str = "f") -> None:
    """Wait until a function has nothing in use any more, anywhere."""
    await eventually(
        lambda: all(
            each.dispatcher is not None and each.dispatcher.in_use(name) == 0 for each in members
        )
    )
