"""One process's control group: memory, CPU, processes.

Files of the kernel's, read and written in place: each call takes microseconds, but `Group.limit`
and `Group.remove` belong in a thread. Memory is a hard limit; CPU is a share in proportion to it,
as on Lambda, but what nobody else wants may be used.
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
_V1_SHARES_PER_VCPU = 1024
_V2_WEIGHT_PER_VCPU = 100
_CACHE = re.compile(rb"^(?:total_cache|file) (\d+)$", re.MULTILINE)
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


@dataclass(kw_only=True, slots=True)
class Group:
    """A group's folders, one for each controller (all the same folder in version 2)."""

    files: Files
    memory: Path
    cpu: Path | None
    pids: Path | None
    _peak_file: int = -1
    _seen_peak: int = 0
    _figure: int = 0

    def create(self, pid: int) -> None:
        """Make the folders and move a process in. Blocks, for some milliseconds."""
        for folder in self._folders():
            folder.mkdir()
            (folder / _PROCESSES).write_text(str(pid))

    def limit(self, memory_mb: int) -> None:
        """Set the limits for a function of this memory size. Blocks."""
        memory = str(memory_mb * limits.MIB)
        (self.memory / self.files.memory_max).write_text(memory)
        # No way around the limit by swapping. Kernels without swap accounting lack the file.
        swap = "memory.memsw.limit_in_bytes" if self.files is V1 else "memory.swap.max"
        with contextlib.suppress(OSError):
            (self.memory / swap).write_text(memory if self.files is V1 else "0")
        if self.cpu is not None:
            share = memory_mb / limits.MEMORY_MB_PER_VCPU
            unit = _V1_SHARES_PER_VCPU if self.files is V1 else _V2_WEIGHT_PER_VCPU
            (self.cpu / self.files.cpu).write_text(str(max(2, round(share * unit))))
        if self.pids is not None:
            (self.pids / "pids.max").write_text(str(limits.DESCRIPTORS_MAX))
        with contextlib.suppress(OSError):  # Linux before 6.8 has no memory.peak
            self._peak_file = os.open(self.memory / self.files.memory_peak, files.FLAGS)

    def peak_bytes(self, pid: int) -> int:
        """Return the most memory used so far; `pid` is the process that runs the function.

        The kernel's own peak counts cached files, which a function does not mean by its memory, and
        does not count pages shared with the spawner, which Lambda would. So the cache is taken off,
        and the process's own high-water mark counts where it is higher. When the kernel's peak has
        not moved, neither has this: one read.
        """
        seen = self._kernel_peak()
        if seen > self._seen_peak or self._figure == 0:
            self._seen_peak = seen
            used = seen - self._cached_bytes()
            self._figure = max(self._figure, used, files.high_water_bytes(pid))
        return self._figure

    def oom_kills(self) -> int:
        """Return how many processes the kernel has killed for want of memory."""
        with contextlib.suppress(OSError):
            for line in files.read(self.memory / self.files.oom).splitlines():
                if line.startswith(b"oom_kill "):
                    return int(line.split()[1])
        return 0

    def kill(self) -> bool:
        """Kill what is still inside; answer whether anything was."""
        try:
            members = files.read(self.memory / _PROCESSES).split()
        except OSError:
            return False
        for member in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(member), signal.SIGKILL)
        return bool(members)

    def remove(self) -> bool:
        """Remove the folders; answer whether they are gone. Blocks."""
        if self._peak_file >= 0:
            os.close(self._peak_file)
            self._peak_file = -1
        gone = True
        for folder in self._folders():
            gone = _removed(folder) and gone
        return gone

    def _folders(self) -> list[Path]:
        folders = dict.fromkeys((self.memory, self.cpu, self.pids))
        return [folder for folder in folders if folder is not None]

    def _kernel_peak(self) -> int:
        if self._peak_file < 0:
            return 0
        try:
            return int(os.pread(self._peak_file, 32, 0))
        except OSError:
            return 0

    def _cached_bytes(self) -> int:
        try:
            stat = files.read(self.memory / "memory.stat")
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
