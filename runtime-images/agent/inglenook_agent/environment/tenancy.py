"""The one process that an environment has, or is getting: moved in by an init, moved out for good.

It keeps what outlives processes, too: the most memory that any of them used. Who speaks to the
environment is told apart here, so that a process it has given up is not heard any more.
"""

from inglenook_agent.environment import init, launch
from inglenook_agent.environment.boot import Boot, Connect, Means
from inglenook_agent.environment.journal import Journal
from inglenook_agent.environment.occupant import Occupant
from inglenook_agent.environment.runtime import Runtime, RuntimeListener


class Tenancy:
    """An environment's process, one at a time."""

    def __init__(
        self,
        plan: launch.Plan,
        place: launch.Place,
        means: Means,
        journal: Journal,
        connect: Connect,
    ) -> None:
        self._plan = plan
        self._place = place
        self._means = means
        self._journal = journal
        self._connect = connect
        self._boot: Boot | None = None
        """While init runs."""
        self.occupant: Occupant | None = None
        """After it ended well."""
        self.max_memory_mb = 1
        """The most that any process had used when it was last looked at: at the end of each
        invocation, and of each process."""

    def boot_of(self, runtime: Runtime) -> Boot | None:
        """Return the init that this process is at, if it is."""
        return self._boot if self._boot is not None and self._boot.is_of(runtime) else None

    @property
    def is_moving_in(self) -> bool:
        """Whether a process is at its init."""
        return self._boot is not None

    def is_present(self, runtime: Runtime) -> bool:
        """Answer whether this is the process, past its init."""
        return self.occupant is not None and self.occupant.runtime is runtime

    @property
    def is_deserted(self) -> bool:
        """Whether the process, past its init, has ended, as its runtime may yet have to tell."""
        return self.occupant is not None and self.occupant.process.status is not None

    async def move_in(self, listener: RuntimeListener, timeout_s: float | None) -> init.Outcome:
        """Have a process that has run init; none if that did not end well."""
        boot = self._boot = Boot(self._plan, self._place, self._means)
        try:
            ended = await boot.run(self._connect, listener, self._journal.add_now, timeout_s)
        finally:
            if self._boot is boot:
                self._boot = None
        occupant = boot.take_occupant()
        if occupant is not None:
            if ended.is_ok:
                self.occupant = occupant
                occupant.unwatch()
                self._journal.add(*occupant.output.drain())
            else:
                self._dismiss(occupant)
        return ended

    def settle(self) -> None:
        """At the end of an invocation: log what the process has written, and look no longer."""
        occupant = self.occupant
        if occupant is not None:
            if events := occupant.output.drain():
                self._journal.add(*events)
            self.max_memory_mb = max(self.max_memory_mb, occupant.max_memory_mb())
            occupant.unwatch()

    def move_out(self, ended: init.Outcome) -> None:
        """Do without a process from now on; `ended` is for an init that it is still at."""
        occupant, self.occupant = self.occupant, None
        if self._boot is not None:
            self._boot.over(ended)
            occupant = self._boot.take_occupant()
        if occupant is not None:
            self._dismiss(occupant)

    def _dismiss(self, occupant: Occupant) -> None:
        """Kill a process, and keep what it wrote and the memory that it used."""
        self.max_memory_mb = max(self.max_memory_mb, occupant.max_memory_mb())
        occupant.kill()
        self._journal.add(*occupant.output.drain())
        occupant.close()
