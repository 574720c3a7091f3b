"""Memory of processes in another container, read through descriptors that its spawner has opened.

/proc of that container, as its own processes see it, and the count of its memory events: process
numbers there mean nothing here. Nothing that is read is trusted to be more than a number. What
cannot be read counts as nothing: then the container's own limit is all that there is.
"""

import contextlib
import os
import time
from collections import defaultdict

from inglenook_agent.limits import files
from inglenook_agent.limits.limited import Limited

_PGRP, _RSS = 2, 21
"""Fields of /proc/PID/stat, counted after the name."""
_LOOK_S = 0.01
"""How long one look at all processes does for all who ask about theirs."""
_STATUS_BYTES = 4096


class Accounts:
    """The container's; empty until there are descriptors."""

    def __init__(self) -> None:
        self._processes = -1
        self._memory_events = -1
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._looked = float("-inf")
        self._resident: dict[int, int] = {}

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
        now = time.monotonic()
        if now >= self._looked + _LOOK_S:
            self._looked, self._resident = now, self._look()
        return self._resident.get(pgid, 0)

    def _look(self) -> dict[int, int]:
        resident: dict[int, int] = defaultdict(int)
        if self._processes < 0:
            return resident
        with contextlib.suppress(OSError):
            for name in os.listdir(self._processes):  # noqa: PTH208 - a descriptor
                if name.isdigit():
                    with contextlib.suppress(OSError, ValueError, IndexError):
                        text = files.read(f"{name}/stat", self._processes)
                        fields = text[text.rindex(b")") + 2 :].split()
                        resident[int(fields[_PGRP])] += int(fields[_RSS]) * self._page_bytes
        return resident

    def status(self, pid: int) -> int:
        """Return a descriptor of what the kernel tells of a process. Raises OSError."""
        if self._processes < 0:
            raise FileNotFoundError(pid)
        return os.open(f"{pid}/status", files.FLAGS, dir_fd=self._processes)

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
        self._status = -1
        """Of its leader, kept open: it is read at the end of each invocation."""

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
        with contextlib.suppress(OSError, ValueError):
            if self._status < 0:
                self._status = self._accounts.status(pid)
            text = os.pread(self._status, _STATUS_BYTES, 0)
            self._peak_bytes = max(self._peak_bytes, files.high_water(text))
        return self._peak_bytes

    def oom_kills(self) -> int:
        return self._accounts.oom_kills() - self._oom_kills_before

    def kill(self) -> bool:
        return False

    def remove(self) -> bool:
        if self._status >= 0:
            os.close(self._status)
            self._status = -1
        return True


class Shares:
    """Shares for the processes of a container."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def furnish(self, pid: int) -> Share:
        return Share(self._accounts, pid)

    def discard(self, group: Limited) -> None:
        _ = group.remove()
