"""Watch memory where the kernel does not: look at it every so often, only while needed.

Without control groups the resident memory of a process group counts, the sum of its members'.
Shared pages count more than once, which errs on the side of the limit. With a control group, and a
/tmp in memory that is in use, what that says that the processes have besides.
"""

import asyncio
import os
from collections.abc import Callable, Iterable

import psutil

from inglenook.aio.tasks import Tasks


class Watch:
    """One process group under watch."""

    def __init__(
        self,
        pgid: int,
        limit_bytes: int,
        on_exceeded: Callable[[], None],
        read: Callable[[int], int] | None = None,
    ) -> None:
        """`read` says what is used, if not the processes themselves; it is given the limit."""
        self.pgid = pgid
        self.read = read
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
    """Look at all groups under watch in one go, every so often; rest when there are none.

    The first look is one interval after there was nobody to look at: most invocations are over by
    then, and cost nothing here.
    """

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
            while True:
                await asyncio.sleep(self._interval_s)
                if not self._watches:
                    return
                watched = list(self._watches)
                pgids = {watch.pgid for watch in watched if watch.read is None}
                used = await asyncio.to_thread(resident_bytes, pgids) if pgids else {}
                for watch in watched:
                    if watch not in self._watches:
                        continue
                    if watch.read is None:
                        watch.seen(used.get(watch.pgid, 0))
                    else:
                        watch.seen(watch.read(watch.limit_bytes))
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
