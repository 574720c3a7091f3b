"""Watch memory where there are no control groups: look at it every so often, only while needed.

The resident memory of a process group is the sum of its members'. Shared pages count more than
once, which errs on the side of the limit.
"""

import asyncio
import os
from collections.abc import Callable, Iterable

import psutil

from inglenook.aio.tasks import Tasks


class Watch:
    """One process group under watch."""

    def __init__(self, pgid: int, limit_bytes: int, on_exceeded: Callable[[], None]) -> None:
        self.pgid = pgid
        self.limit_bytes = limit_bytes
        self.on_exceeded = on_exceeded
        self.peak_bytes = 0
        self.is_exceeded = False

    def seen(self, used_bytes: int) -> None:
        """Take note of a sample."""
        self.peak_bytes = max(self.peak_bytes, used_bytes)
        if used_bytes > self.limit_bytes and not self.is_exceeded:
            self.is_exceeded = True
            self.on_exceeded()


class Sampler:
    """Look at all groups under watch in one go; rest when there are none."""

    def __init__(self, interval_s: float, tasks: Tasks) -> None:
        self._interval_s = interval_s
        self._tasks = tasks
        self._watches: set[Watch] = set()
        self._is_running = False

    def add(self, watch: Watch) -> None:
        """Begin to watch."""
        self._watches.add(watch)
        if not self._is_running:
            self._is_running = True
            _ = self._tasks.start(self._run(), name="memory sampling")

    def remove(self, watch: Watch) -> None:
        """Watch no longer. Safe to repeat."""
        self._watches.discard(watch)

    async def _run(self) -> None:
        try:
            while self._watches:
                watched = list(self._watches)
                used = await asyncio.to_thread(resident_bytes, {watch.pgid for watch in watched})
                for watch in watched:
                    if watch in self._watches:
                        watch.seen(used.get(watch.pgid, 0))
                await asyncio.sleep(self._interval_s)
        finally:
            self._is_running = False


def resident_bytes(pgids: Iterable[int]) -> dict[int, int]:
    """Return the resident memory of each process group, in bytes; 0 if it cannot be had. Blocks."""
    wanted = set(pgids)
    used = dict.fromkeys(wanted, 0)
    try:
        pids = psutil.pids()
    except OSError:
        return used  # no descriptor is free just now
    for pid in pids:
        try:
            pgid = os.getpgid(pid)
            if pgid in wanted:
                used[pgid] += psutil.Process(pid).memory_info().rss
        except (OSError, psutil.Error):
            continue  # it has ended in between
    return used
