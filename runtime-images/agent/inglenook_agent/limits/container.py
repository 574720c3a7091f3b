"""Memory of processes in another container, read through descriptors that its spawner has opened.

/proc of that container, as its own processes see it, and the count of its memory events: process
numbers there mean nothing here. Nothing that is read is trusted to be more than a number. What
cannot be read counts as nothing: then the container's own limit is all that there is.
"""

import contextlib
import os

from inglenook_agent.limits import files

_PGRP, _RSS = 2, 21
"""Fields of /proc/PID/stat, counted after the name."""


class Accounts:
    """The container's; empty until there are descriptors."""

    def __init__(self) -> None:
        self._processes = -1
        self._memory_events = -1
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")

    def take(self, opened: dict[str, int]) -> None:
        """Use descriptors, by the names that the spawner gives them; close those not known."""
        self.close()
        opened = dict(opened)
        self._processes = opened.pop("processes", -1)
        self._memory_events = opened.pop("memory_events", -1)
        for descriptor in opened.values():
            os.close(descriptor)

    def close(self) -> None:
        """Let go of the descriptors. Safe to repeat."""
        for descriptor in (self._processes, self._memory_events):
            if descriptor >= 0:
                os.close(descriptor)
        self._processes = self._memory_events = -1

    def resident_bytes(self, pgid: int) -> int:
        """Return the resident memory of a process group, the sum of its members'."""
        if self._processes < 0:
            return 0
        try:
            names = os.listdir(self._processes)  # noqa: PTH208 - a descriptor
        except OSError:
            return 0
        pages = 0
        for name in names:
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    text = files.read(f"{name}/stat", self._processes)
                    fields = text[text.rindex(b")") + 2 :].split()
                    if int(fields[_PGRP]) == pgid:
                        pages += int(fields[_RSS])
        return pages * self._page_bytes

    def high_water_bytes(self, pid: int) -> int:
        """Return a living process's own peak of resident memory."""
        if self._processes >= 0:
            with contextlib.suppress(OSError, ValueError):
                return files.high_water(files.read(f"{pid}/status", self._processes))
        return 0

    def oom_kills(self) -> int:
        """Return how many processes of the container were killed for want of memory."""
        if self._memory_events >= 0:
            with contextlib.suppress(OSError, ValueError, IndexError):
                return files.oom_kills(os.pread(self._memory_events, 4096, 0))
        return 0


class Share:
    """What one environment's processes use of the container (`limits.limited.Limited`).

    Its limit is kept by watching; the kernel keeps that of the container.
    """

    is_wide = True

    def __init__(self, accounts: Accounts, pgid: int) -> None:
        self._accounts = accounts
        self._pgid = pgid
        self._peak_bytes = 0
        self._oom_kills_before = 0

    def limit(self, memory_mb: int) -> None:
        del memory_mb
        self._oom_kills_before = self._accounts.oom_kills()

    def widen(self, storage_mb: int) -> None:
        """Nothing: files are no memory of the container's processes."""

    def own_bytes(self, limit_bytes: int) -> int:
        del limit_bytes
        used = self._accounts.resident_bytes(self._pgid)
        self._peak_bytes = max(self._peak_bytes, used)
        return used

    def peak_bytes(self, pid: int) -> int:
        # A short invocation ends before the first look.
        return max(self._peak_bytes, self._accounts.high_water_bytes(pid))

    def oom_kills(self) -> int:
        return self._accounts.oom_kills() - self._oom_kills_before

    def kill(self) -> bool:
        return False

    def remove(self) -> bool:
        return True


class Shares:
    """Shares for the processes of a container."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def furnish(self, pid: int) -> Share:
        return Share(self._accounts, pid)

    def discard(self, group: object) -> None:
        """Nothing: it goes with its processes."""
