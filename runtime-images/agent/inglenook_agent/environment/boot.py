"""One try to have a process whose init ends well."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from inglenook.aio.clock import Clock
from inglenook.aio.tasks import Tasks
from inglenook_agent.environment import init, launch, occupant, outcome
from inglenook_agent.environment.occupant import Occupant
from inglenook_agent.environment.output import Output
from inglenook_agent.environment.runtime import Runtime, RuntimeListener
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.processes import Processes
from inglenook_agent.supervisor.setup import Setup

Connect = Callable[[Process, RuntimeListener], Runtime]
"""Make the `Runtime` that speaks as the version's process does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What environments work with."""

    supervisor: Processes
    clock: Clock
    settings: AgentSettings
    tasks: Tasks


class Boot:
    """A process from when it is asked for to the end of its init.

    `over` ends it from outside, whatever it is at: by what the process says, or because its time is
    up or it is not wanted any more. Then whoever ran it takes the occupant away.
    """

    def __init__(self, plan: launch.Plan, place: launch.Place, means: Means) -> None:
        self._plan = plan
        self._place = place
        self._means = means
        self._over: asyncio.Future[init.Outcome] = asyncio.get_running_loop().create_future()
        self._occupant: Occupant | None = None

    def is_of(self, runtime: Runtime) -> bool:
        """Answer whether this is about that process."""
        return self._occupant is not None and self._occupant.runtime is runtime

    def over(self, ended: init.Outcome) -> None:
        """End it. Only the first call counts."""
        if not self._over.done():
            self._over.set_result(ended)

    def exited(self, status: int) -> None:
        """End it because the process has ended."""
        self.over(init.exited(status, self._occupant))

    def take_occupant(self) -> Occupant | None:
        """Return the process, once."""
        taken, self._occupant = self._occupant, None
        return taken

    async def run(
        self,
        connect: Connect,
        listener: RuntimeListener,
        on_output: Callable[[list[str]], None],
        timeout_s: float | None,
    ) -> init.Outcome:
        """Start a process and wait for the end of its init, however it comes.

        The time counts from when there is a process: a start that waits for one in a burst of
        starts has not begun. None leaves the timeout to the caller. Raises `SpawnError` or OSError.
        """
        entrypoint = self._plan.entrypoint
        if entrypoint is not None and entrypoint.fault is not None:
            return init.lost(outcome.INVALID_ENTRYPOINT, entrypoint.fault)
        supervisor, version, tmp = self._means.supervisor, self._plan.version, self._place.tmp
        process = await supervisor.take(self._plan.runtime, tmp.storage)
        began = self._means.clock.monotonic()
        if not self._over.done():
            tmp.move_in(process)
            if not tmp.is_made:
                await asyncio.to_thread(tmp.make)
        if self._over.done():
            supervisor.give_back(self._plan.runtime, process)
            return await self._over
        occupant.limit(process, version, tmp)
        mark = launch.new_mark()
        runtime = connect(process, listener)
        self._occupant = Occupant(
            process=process,
            runtime=runtime,
            output=Output(process.output, mark, on_output),
            memory_mb=version.memory_mb,
            storage_mb=version.ephemeral_storage_mb,
            supervisor=supervisor,
        )
        self._occupant.allow_for(tmp)
        timer = None
        if timeout_s is not None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(timeout_s, self.over, init.TIMED_OUT)
        self._occupant.watch()
        runtime.begin(self._setup(process, mark))
        ended = await self._over
        if timer is not None:
            timer.cancel()
        return replace(ended, duration_ms=(self._means.clock.monotonic() - began) * 1000)

    def _setup(self, process: Process, mark: bytes) -> Setup:
        return launch.setup(
            self._plan,
            self._place,
            self._means.settings,
            has_sandbox=process.has_sandbox,
            mark=mark,
        )
