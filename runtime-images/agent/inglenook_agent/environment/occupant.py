"""The one process of an environment with all that belongs to it: its runtime, output and limits."""

import math
from dataclasses import dataclass

from inglenook.model import limits
from inglenook.wire.messages import Specialise
from inglenook_agent.environment.output import Output
from inglenook_agent.environment.runtime import Runtime
from inglenook_agent.limits import files, sampling
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.processes import Processes
from inglenook_agent.supervisor.tmp import Tmp


def limit(process: Process, version: Specialise, tmp: Tmp) -> None:
    """Set the limits of a process that was taken, before it is told anything.

    In place: a thread would take many times as long as the few writes.
    """
    if process.group is not None:
        process.group.limit(version.memory_mb)
        if tmp.storage is not None and tmp.storage.is_used:
            process.group.widen(version.ephemeral_storage_mb)


@dataclass(kw_only=True, slots=True)
class Occupant:
    """A process from the moment it is told what to be."""

    process: Process
    runtime: Runtime
    output: Output
    memory_mb: int
    storage_mb: int
    supervisor: Processes
    _watch: sampling.Watch | None = None
    _is_watching: bool = False

    def allow_for(self, tmp: Tmp) -> None:
        """Let what it puts into its /tmp not count as its memory, from when it first does so."""
        if tmp.storage is not None:
            tmp.storage.on_used = self._widen

    def watch(self) -> None:
        """Look after memory while an invocation runs, where the kernel does not."""
        self._is_watching = True
        group = self.process.group
        if group is not None and not group.is_wide:
            return
        if self._watch is None:
            self._watch = sampling.Watch(
                self.process.pid,
                self.memory_mb * limits.MIB,
                self.process.kill,
                None if group is None else group.own_bytes,
            )
        self.supervisor.sampler.add(self._watch)

    def _widen(self) -> None:
        group = self.process.group
        if group is None or self.process.status is not None:
            return
        # In place, though it is a write to a file: its next megabytes must find room.
        group.widen(self.storage_mb)
        if self._is_watching:
            self.watch()

    def unwatch(self) -> None:
        """Look no longer. Safe to repeat."""
        self._is_watching = False
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
        if self._watch is not None and self._watch.is_exceeded:
            return True
        return self.process.group is not None and self.process.group.oom_kills() > 0

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
