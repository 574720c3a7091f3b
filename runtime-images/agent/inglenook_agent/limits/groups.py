"""One process's control group: memory, CPU, processes.

Files of the kernel's, read and written in place: each call takes microseconds, but `Group.create`
and `Group.remove` belong in a thread. What can be done before a function is known is: then its
limits are a write each. Memory is a hard limit; CPU is a share in proportion to it, as on Lambda,
but what nobody else wants may be used.

The kernel counts files in a /tmp in memory as memory of who wrote them; Lambda does not. So once a
/tmp is used the group is widened by its size, and the processes' own memory must be watched
(`sampling`). Functions that leave their /tmp alone have the kernel's exact limit. A function within
it may write faster than we widen: so it has to wait before its first file, where it can be made to
(`openings`). To be paused at the limit instead (version 1's `memory.oom_control`) would not do: the
kernel pauses who touches memory, but whose write to a file finds no room gets ENOMEM.
"""

import contextlib
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from inglenook.model import limits
from inglenook_agent.limits import files

_PROCESSES = "cgroup.procs"
_V1_WITH_SWAP = "memory.memsw.limit_in_bytes"
_V1_SHARES_PER_VCPU = 1024
_V2_WEIGHT_PER_VCPU = 100
_GROWTH_BYTES = 64 * 1024
"""By how much the kernel's peak must have grown for a closer look: it creeps up by single pages,
and a figure in MB does not."""
_CACHE = re.compile(rb"^(?:total_cache|file) (\d+)$", re.MULTILINE)
_OWN = re.compile(rb"^(?:total_rss|anon) (\d+)$", re.MULTILINE)
_SHARED = re.compile(rb"^(?:total_shmem|shmem) (\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """What the kernel's files are called in one version of control groups."""

    memory_max: str
    memory_peak: str
    memory_usage: str
    oom: str
    cpu: str


V1 = Files(
    memory_max="memory.limit_in_bytes",
    memory_peak="memory.max_usage_in_bytes",
    memory_usage="memory.usage_in_bytes",
    oom="memory.oom_control",
    cpu="cpu.shares",
)
V2 = Files(
    memory_max="memory.max",
    memory_peak="memory.peak",
    memory_usage="memory.current",
    oom="memory.events",
    cpu="cpu.weight",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parents:
    """The folders in which groups are made, one for each controller (the same in version 2)."""

    files: Files
    memory: Path
    cpu: Path | None
    pids: Path | None

    def folders(self) -> list[Path]:
        return list(dict.fromkeys(p for p in (self.memory, self.cpu, self.pids) if p is not None))

    def group(self, name: str) -> "Group":
        return Group(parents=self, name=name)


@dataclass(kw_only=True, slots=True)
class Group:
    """A group: a folder of this name for each controller."""

    # Its paths are made when they are asked for: each is half a kilobyte, for each environment.
    parents: Parents
    name: str
    is_wide: bool = False
    """Whether its limit has room for a /tmp: then the kernel alone does not keep it."""
    _memory_mb: int = 0
    _memory_file: int = -1
    _with_swap_file: int = -1
    _cpu_file: int = -1
    _peak_file: int = -1
    _usage_file: int = -1
    _seen_peak: int = 0
    _figure: int = 0

    def create(self, pid: int) -> None:
        """Make the folders and move a process in. Blocks, for some milliseconds."""
        for folder in self._folders():
            folder.mkdir()
            files.write(folder / _PROCESSES, str(pid))
        if (pids := self.parents.pids) is not None:
            files.write(pids / self.name / "pids.max", str(limits.PROCESSES_MAX))
        folder = self._memory
        self._memory_file = os.open(folder / self._files.memory_max, files.TO_WRITE)
        if (cpu := self.parents.cpu) is not None:
            self._cpu_file = os.open(cpu / self.name / self._files.cpu, files.TO_WRITE)
        # No way around the limit by swapping. Kernels without swap accounting lack the file.
        with contextlib.suppress(OSError):
            if self._files is V1:
                self._with_swap_file = os.open(folder / _V1_WITH_SWAP, files.TO_WRITE)
            else:
                files.write(folder / "memory.swap.max", "0")
        with contextlib.suppress(OSError):  # Linux before 6.8 has no memory.peak
            self._peak_file = os.open(folder / self._files.memory_peak, files.FLAGS)

    def limit(self, memory_mb: int) -> None:
        """Set the limits for a function of this memory size, once. After `create`."""
        self._memory_mb = memory_mb
        memory = str(memory_mb * limits.MIB).encode()
        os.write(self._memory_file, memory)
        if self._with_swap_file >= 0:
            with contextlib.suppress(OSError):
                os.write(self._with_swap_file, memory)
        if self._cpu_file >= 0:
            share = memory_mb / limits.MEMORY_MB_PER_VCPU
            unit = _V1_SHARES_PER_VCPU if self._files is V1 else _V2_WEIGHT_PER_VCPU
            os.write(self._cpu_file, str(max(2, round(share * unit))).encode())
        self._close_limits()

    def widen(self, storage_mb: int) -> None:
        """Make room for a /tmp of this size, from now on."""
        if self.is_wide:
            return
        self.is_wide = True
        memory, folder = str((self._memory_mb + storage_mb) * limits.MIB), self._memory
        with contextlib.suppress(OSError):
            self._usage_file = os.open(folder / self._files.memory_usage, files.FLAGS)
        if self._files is V1:  # which must be no less than the other
            with contextlib.suppress(OSError):
                (folder / _V1_WITH_SWAP).write_text(memory)
        with contextlib.suppress(OSError):  # it has ended meanwhile
            (folder / self._files.memory_max).write_text(memory)

    def own_bytes(self, limit_bytes: int) -> int:
        """Return the memory that processes have, without files; 0 while it must be less."""
        try:
            if self._usage_file >= 0 and int(os.pread(self._usage_file, 32, 0)) <= limit_bytes:
                return 0
            own = _OWN.search(files.read(self._memory / "memory.stat"))
        except OSError:
            return 0
        return int(own[1]) if own else 0

    def peak_bytes(self, pid: int) -> int:
        """Return the most memory used so far; `pid` is the process that runs the function.

        The kernel's own peak counts cached files, which a function does not mean by its memory, and
        does not count pages shared with the spawner, which Lambda would. So the cache is taken off,
        and the process's own high-water mark counts where it is higher. While the kernel's peak
        hardly moves, this does not either: one read. With a /tmp in use it is what the processes
        have now.
        """
        if self.is_wide:
            used = max(self.own_bytes(0), files.high_water_bytes(pid))
            self._figure = max(self._figure, used)
            return self._figure
        seen = self._kernel_peak()
        if seen >= self._seen_peak + _GROWTH_BYTES or self._figure == 0:
            self._seen_peak = seen
            used = files.high_water_bytes(pid)
            if seen > used:  # else what is cached makes no difference, and is dear to ask for
                used = max(used, seen - self._cached_bytes())
            self._figure = max(self._figure, used)
        return self._figure

    def oom_kills(self) -> int:
        """Return how many processes the kernel has killed for want of memory."""
        with contextlib.suppress(OSError):
            return files.oom_kills(files.read(self._memory / self._files.oom))
        return 0

    def kill(self) -> bool:
        """Kill what is still inside; answer whether anything was."""
        try:
            members = files.read(self._memory / _PROCESSES).split()
        except OSError:
            return False
        for member in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(member), signal.SIGKILL)
        return bool(members)

    def remove(self) -> bool:
        """Remove the folders; answer whether they are gone. Blocks."""
        self._close_limits()
        for descriptor in (self._peak_file, self._usage_file):
            if descriptor >= 0:
                os.close(descriptor)
        self._peak_file = self._usage_file = -1
        gone = True
        for folder in self._folders():
            gone = _removed(folder) and gone
        return gone

    def _close_limits(self) -> None:
        for descriptor in (self._memory_file, self._with_swap_file, self._cpu_file):
            if descriptor >= 0:
                os.close(descriptor)
        self._memory_file = self._with_swap_file = self._cpu_file = -1

    def _folders(self) -> list[Path]:
        return [folder / self.name for folder in self.parents.folders()]

    @property
    def _files(self) -> Files:
        return self.parents.files

    @property
    def _memory(self) -> Path:
        return self.parents.memory / self.name

    def _kernel_peak(self) -> int:
        if self._peak_file < 0:
            return 0
        try:
            return int(os.pread(self._peak_file, 32, 0))
        except OSError:
            return 0

    def _cached_bytes(self) -> int:
        try:
            stat = files.read(self._memory / "memory.stat")
        except OSError:
            return 0
        cache, shared = _CACHE.search(stat), _SHARED.search(stat)
        return (int(cache[1]) if cache else 0) - (int(shared[1]) if shared else 0)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
