"""What an environment owns beside its process: a folder for /tmp, and limits."""

import asyncio
import math
from collections.abc import Callable
from pathlib import Path

from inglenook.model import limits
from inglenook_agent import scratch
from inglenook_agent.limits import cgroups, groups, sampling
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.supervisor import Supervisor


class Sandbox:
    """The limits of one environment, whichever way this machine can enforce them."""

    def __init__(self, tmp_dir: Path, memory_mb: int, supervisor: Supervisor) -> None:
        self.tmp_dir = tmp_dir
        self._memory_mb = memory_mb
        self._supervisor = supervisor
        self._group: groups.Group | None = None
        self._watch: sampling.Watch | None = None
        self._oom_kills = 0

    async def create(self) -> None:
        """Make the folder and the group, and set the limits. Raises OSError."""
        self._group = await self._supervisor.take_group()
        await asyncio.to_thread(self._create)

    def _create(self) -> None:
        self.tmp_dir.mkdir(parents=True)
        self.tmp_dir.chmod(0o1777)
        if self._group is not None:
            self._group.limit(self._memory_mb)

    @property
    def join(self) -> list[str]:
        """The files to which a process writes its pid to be limited."""
        return [] if self._group is None else self._group.join

    def watch(self, process: Process, kill: Callable[[], None]) -> None:
        """Look after memory while an invocation runs, where the kernel does not."""
        if self._group is None:
            limit = self._memory_mb * limits.MIB
            self._watch = sampling.Watch(process.pid, limit, kill)
            self._supervisor.sampler.add(self._watch)

    def unwatch(self) -> None:
        """Look no longer. Safe to repeat."""
        if self._watch is not None:
            self._supervisor.sampler.remove(self._watch)

    def max_memory_mb(self, process: Process | None) -> int:
        """Return the most memory used so far, in MB, at most the limit."""
        if self._group is not None:
            used = self._group.peak_bytes(process.pid if process is not None else 0)
        elif self._watch is not None and self._watch.peak_bytes:
            used = self._watch.peak_bytes
        elif process is not None:
            used = next(iter(sampling.resident_bytes([process.pid]).values()))
        else:
            used = 0
        return min(self._memory_mb, max(1, math.ceil(used / limits.MIB)))

    def ran_out_of_memory(self) -> bool:
        """Answer whether memory ran out since this was last asked."""
        if self._group is None:
            return self._watch is not None and self._watch.is_exceeded
        kills, before = self._group.oom_kills(), self._oom_kills
        self._oom_kills = kills
        return kills > before

    def kill_strays(self) -> None:
        """Kill what has left the process's group but not its control group."""
        if self._group is not None:
            self._group.kill()

    async def remove(self) -> None:
        """Remove all of it."""
        self.unwatch()
        await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        if self._group is not None:
            cgroups.remove(self._group)
        scratch.remove(self.tmp_dir)
