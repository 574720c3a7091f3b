"""Dispatchers over scripted agents, with a clock that a test may set ahead."""

import asyncio
from collections.abc import Callable

from support.scripted_agents import SPEC, ScriptedAgent, Supply, event

from inglenook import settings
from inglenook.aio.clock import SystemClock
from inglenook.routing import invocation
from inglenook.wire import messages
from inglenook_gateway.dispatch import dispatcher

ONE = messages.VersionId(function_name="f", function_uid="u", version="1", generation=1)
TWO = messages.VersionId(function_name="f", function_uid="u", version="2", generation=2)
Make = Callable[..., dispatcher.Dispatcher]


class Time(SystemClock):
    """The system's clock, a little ahead of it, or stopped."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._stopped_s: float | None = None

    def stop(self) -> None:
        """Stand still but for `ahead_s`."""
        self._stopped_s = SystemClock.monotonic()

    def monotonic(self) -> float:  # type: ignore[override]
        now = SystemClock.monotonic() if self._stopped_s is None else self._stopped_s
        return now + self.ahead_s


class Dispatchers:
    """Dispatchers of one test, over one supply of agents."""

    def __init__(self, supply: Supply, time: Time) -> None:
        self._supply = supply
        self._time = time
        self._made: list[dispatcher.Dispatcher] = []

    def make(self, **limits: float) -> dispatcher.Dispatcher:
        values = {"drain_timeout_s": 0.05} | limits
        runner = dispatcher.Dispatcher(
            supply=self._supply,
            time=self._time,
            limits=settings.Gateway(**values),  # type: ignore[arg-type]
            region="us-east-1",
            account="000000000000",
        )
        self._made.append(runner)
        return runner

    async def close(self) -> None:
        for runner in self._made:
            await runner.close()


def provision(runner: dispatcher.Dispatcher, count: int, version: messages.VersionId = ONE) -> None:
    runner.provision(version, SPEC, environments=count, aside=count)


def invoke(
    runner: dispatcher.Dispatcher, version: messages.VersionId = ONE
) -> asyncio.Future[invocation.Outcome]:
    return runner.invoke(version, SPEC, event())


def starts(agent: ScriptedAgent) -> list[str]:
    """Return how each start that the agent was asked for is to be initialised."""
    return [each.initialization_type for each in agent.seen if isinstance(each, messages.Start)]
