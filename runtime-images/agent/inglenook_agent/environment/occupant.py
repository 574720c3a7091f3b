"""The one process of an environment with all that belongs to it: its runtime, output and limits."""

import math
from dataclasses import dataclass

from inglenook.model import limits
from inglenook_agent.environment.output import Output
from inglenook_agent.environment.runtime import Runtime
from inglenook_agent.limits import files, sampling
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.supervisor import Supervisor


def limit(process: Process, memory_mb: int) -> None:
    """Set the limits of a process that was taken, before it is told anything. Blocks."""
    if process.group is not None:
        process.group.limit(memory_mb)


@dataclass(kw_only=True, slots=True)
class Occupant:
    """A process from the moment it is told what to be."""

    process: Process
    runtime: Runtime
    output: Output
    memory_mb: int
    supervisor: Supervisor
    _watch: sampling.Watch | None = None

    def watch(self) -> None:
        """Look after memory while an invocation runs, where the kernel does not."""
        if self.process.group is None:
            if self._watch is None:
                limit_bytes = self.memory_mb * limits.MIB
                self._watch = sampling.Watch(self.process.pid, limit_bytes, self.process.kill)
            self.supervisor.sampler.add(self._watch)

    def unwatch(self) -> None:
        """Look no longer. Safe to repeat."""
        if self._watch is not None:
            self.supervisor.sampler.remove(self._watch)

    def max_memory_mb(self) -> int:
        """Return the most memory used so far, in MB, at most the limit."""
        used = self.process.max_rss_kb * 1024  # known once it has ended
        if self.process.group is not None:
            used = max(used, self.process.group.peak_bytes(self.process.pid))
        elif self._watch is not None:
            # A short invocation ends before the first look.
            used = max(used, self._watch.peak_bytes, files.high_water_bytes(self.process.pid))
        return min(self.memory_mb, math.ceil(used / limits.MIB))

    def ran_out_of_memory(self) -> bool:
        """Answer whether something of it was killed for want of memory."""
        if self.process.group is not None:
            return self.process.group.oom_kills() > 0
        return self._watch is not None and self._watch.is_exceeded

    def kill(self) -> None:
        """Kill it and all that it started. What it has written can still be read."""
        self.unwatch()
        self.runtime.end()
        if self.process.group is not None:
            self.process.group.kill()

    def close(self) -> None:
        """Let go of what is left of it."""
        self.output.close()
        self.supervisor.bury(self.process)
