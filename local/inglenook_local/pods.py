"""Pods of one machine: each is an agent in this very process.

A lease makes an agent and hands the connection to it over. Environments are real processes, but no
pod has to be made for them, so the supply never runs out. The agents share one supervisor, and with
it the zygotes and their spare processes.
"""

import itertools
import weakref

from inglenook.aio import clock, tasks
from inglenook.telemetry import logs
from inglenook.wire import connection
from inglenook_agent import agent, maker
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor import interpreters, supervisor
from inglenook_gateway.dispatch import pods


class LocalPods:
    """Make agents for the gateway of this process, and say which runtimes they can run."""

    def __init__(
        self,
        *,
        shared: supervisor.Supervisor,
        code: maker.CodeSource,
        sink: logs.LogSink,
        time: clock.Clock,
        settings: AgentSettings,
    ) -> None:
        self._shared = shared
        self._code = code
        self._sink = sink
        self._clock = time
        self._settings = settings
        self._tasks = tasks.Tasks()
        self._numbers = itertools.count(1)
        # An agent whose connection has closed and whose environments have ended is nobody's.
        self._agents: weakref.WeakSet[agent.Agent] = weakref.WeakSet()

    async def lease(self, wanted: pods.Wanted, *, is_ahead: bool) -> pods.Pod:
        """Return a new agent; it says itself what it cannot run."""
        del wanted, is_ahead
        ours, theirs = connection.memory_pair()
        name = f"local-{next(self._numbers)}"
        made = agent.Agent(
            name=name,
            connection=theirs,
            supervisor=self._shared,
            code=self._code,
            logs=self._sink,
            clock=self._clock,
            settings=self._settings,
            tasks=self._tasks,
        )
        self._agents.add(made)
        made.start()
        return pods.Pod(name=name, connection=ours)

    def has_free(self, wanted: pods.Wanted) -> bool:
        """Whether there is one: one is made at once."""
        del wanted
        return True

    async def available(self, runtime: str) -> str | None:
        """Return why a runtime cannot be had here, or None; if it can, get processes ready."""
        found = await self._shared.available(runtime)
        if isinstance(found, interpreters.Unavailable):
            return found.reason
        self._shared.warm(found)
        return None

    async def close(self) -> None:
        """End all agents and their environments."""
        for each in list(self._agents):
            await each.close()
        await self._tasks.close()
