"""Spares of one spawner, which is kept alive.

`take` hands out a process: a spare at once, or the next that is forked. A replacement is forked
when the start that has taken a spare has had a moment, as making one costs as much as the start
itself; who waits because there is no spare goes first, and at once. A burst of starts is forked
side by side, up to a bound. A spawner that dies is started again, with growing pauses while it
keeps dying.
"""

import asyncio
import collections
import logging
from collections.abc import Callable
from typing import Protocol

from inglenook.aio.backoff import Backoff
from inglenook.aio.tasks import Tasks
from inglenook_agent.limits.limited import Limited
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.spawner import CannotForkError, Spawner, SpawnError
from inglenook_agent.supervisor.storage import Storage

logger = logging.getLogger(__name__)

_REFILL_AFTER_S = 0.02
"""After a spare was taken: by then its environment has run its first event, most often."""
_PAUSE_S_FIRST = 0.1
_PAUSE_S_MAX = 5.0
_FAILURES_MAX = 3
"""After so many in a row the starts that wait are told; they may try again."""


MakeSpawner = Callable[[Callable[[], None]], Spawner]
"""Return a spawner that has yet to be started, given whom to call when it has ended."""


class Groups(Protocol):
    """What puts limits around processes."""

    async def furnish(self, pid: int) -> Limited | None:
        """Return what holds this process from now on; None if that cannot be had."""

    def discard(self, group: Limited) -> None:
        """Kill what is inside and let go of it, in the background."""


class Pool:
    """The processes of one interpreter."""

    def __init__(
        self,
        name: str,
        *,
        make: MakeSpawner,
        groups: Groups | None,
        settings: AgentSettings,
        tasks: Tasks,
    ) -> None:
        self._name = name
        self._groups = groups
        self._make = make
        self._settings = settings
        self._tasks = tasks
        self._spares: collections.deque[Process] = collections.deque()
        self._waiting: collections.deque[asyncio.Future[Process]] = collections.deque()
        self._forking = 0
        self._forks: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._backoff = Backoff(_PAUSE_S_FIRST, _PAUSE_S_MAX)
        self._later: asyncio.TimerHandle | None = None
        self._refill: asyncio.TimerHandle | None = None
        self._spawner: Spawner | None = None
        self._has_come: asyncio.Event = asyncio.Event()
        """Whether there has been a process, or a reason why there is none."""
        self._is_starting = False
        self._is_closed = False

    @property
    def spares(self) -> int:
        """How many processes wait to be taken."""
        return len(self._spares)

    def warm(self) -> None:
        """See to it that the spawner runs and spares wait; returns at once."""
        self._balance()

    async def come(self) -> None:
        """Wait until the first process is there, or could not be had. `warm` before.

        Where none is to wait, until there is what forks them.
        """
        await self._has_come.wait()

    async def take(self, storage: Storage | None = None) -> Process:
        """Return a living process, or raise `SpawnError`.

        For a storage that was kept from an earlier process one is forked, if it still exists.
        """
        spawner = self._spawner
        if storage is not None and spawner is not None and spawner.keeps(storage):
            process = await spawner.fork(storage)
            if self._groups is not None:
                process.group = await self._groups.furnish(process.pid)
            return process
        while self._spares:
            process = self._spares.popleft()
            process.on_exit = None
            if process.status is None and not process.channel.is_lost:
                self._refill_later()
                return process
            self.discard(process)
        waiting: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._balance()
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                self._give(waiting.result())
            raise

    def discard(self, process: Process) -> None:
        """End a process that was taken and never told anything, or never taken."""
        process.discard()
        if self._groups is not None and process.group is not None:
            self._groups.discard(process.group)

    async def close(self) -> None:
        """Kill the spawner and everything that it forked."""
        self._is_closed = True
        self._has_come.set()
        for timer in (self._later, self._refill):
            if timer is not None:
                timer.cancel()
        self._fail_waiting(SpawnError("the supervisor has closed"))
        self._drop_spares()
        if self._spawner is not None:
            await self._spawner.close()
        if self._forks:
            # Each ends at once, and discards what it has: nothing may follow our end.
            await asyncio.wait(self._forks)

    def _balance(self) -> None:
        """Ask for as many forks as are missing, within bounds."""
        if self._is_closed:
            return
        if self._spawner is None:
            if not self._is_starting:
                self._is_starting = True
                _ = self._tasks.start(self._start_spawner(), name=f"spawner {self._name}")
            return
        while self._waiting and self._waiting[0].done():
            _ = self._waiting.popleft()
        spares = 0 if self._waiting else self._settings.spares - len(self._spares)
        missing = min(len(self._waiting) + spares, self._settings.forks_max) - self._forking
        for _ in range(missing):
            self._forking += 1
            fork = self._tasks.start(self._fork(self._spawner), name="fork")
            self._forks.add(fork)
            fork.add_done_callback(self._forks.discard)

    async def _fork(self, spawner: Spawner) -> None:
        process: Process | None = None
        is_at_limit = False
        try:
            process = await spawner.fork()
            self._failures = 0
            self._backoff.reset()
            if self._groups is not None:
                process.group = await self._groups.furnish(process.pid)
        except CannotForkError as exc:
            # What runs goes on; whoever waits may try again when something of it has ended.
            is_at_limit = True
            self._fail_waiting(exc)
            self._balance_later(exc)
        except SpawnError as exc:
            if not spawner.is_lost:
                # A spawner that lives but does not fork is of no use: its end is handled below.
                logger.warning("a spawner cannot fork", extra={"reason": str(exc)})
                spawner.kill()
        finally:
            self._forking -= 1
            if process is not None:
                self._give(process)
            if not is_at_limit:
                self._balance()

    def _refill_later(self) -> None:
        if self._refill is None:
            loop = asyncio.get_running_loop()
            self._refill = loop.call_later(_REFILL_AFTER_S, self._refill_now)

    def _refill_now(self) -> None:
        self._refill = None
        self._balance()

    def _balance_later(self, reason: SpawnError) -> None:
        """Try again after a pause that grows while nothing can be forked."""
        self._has_come.set()
        if self._later is None and not self._is_closed:
            pause_s = self._backoff.next()
            self._later = asyncio.get_running_loop().call_later(pause_s, self._balance_now)
            logger.warning(
                "a process cannot be forked now",
                extra={"reason": str(reason), "pause_s": pause_s},
            )

    def _balance_now(self) -> None:
        self._later = None
        self._balance()

    def _give(self, process: Process) -> None:
        self._has_come.set()
        if self._is_closed:
            self.discard(process)
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(process)
                return
        process.on_exit = lambda _status: self._spare_ended(process)
        self._spares.append(process)

    def _spare_ended(self, process: Process) -> None:
        if process in self._spares:
            self._spares.remove(process)
            self.discard(process)
            asyncio.get_running_loop().call_later(_PAUSE_S_FIRST, self._balance)

    async def _start_spawner(self) -> None:
        """Start the spawner, as often as it takes, with pauses that grow."""
        try:
            while not self._is_closed:
                if self._failures:
                    pause = _PAUSE_S_FIRST * 2 ** (self._failures - 1)
                    await asyncio.sleep(min(pause, _PAUSE_S_MAX))
                spawner = self._make(self._lost)
                self._spawner = spawner
                try:
                    await spawner.start()
                except SpawnError as exc:
                    await spawner.close()
                    self._spawner = None
                    self._failed(exc)
                    if self._waiting:
                        continue
                    return
                if not spawner.is_lost:
                    if not self._settings.spares:
                        self._has_come.set()
                    return
        finally:
            self._is_starting = False
            self._balance_if_wanted()

    def _balance_if_wanted(self) -> None:
        if self._spawner is not None or self._waiting:
            self._balance()

    def _failed(self, reason: SpawnError) -> None:
        self._has_come.set()
        self._failures += 1
        logger.warning(
            "a spawner did not come up",
            extra={"interpreter": self._name, "reason": str(reason)},
        )
        if self._failures % _FAILURES_MAX == 0:
            self._fail_waiting(reason)

    def _lost(self) -> None:
        """Take note that the spawner has ended, and start another unless that is our wish."""
        self._drop_spares()
        self._spawner = None
        if self._is_closed or self._is_starting:
            return
        self._has_come.set()
        self._failures += 1
        logger.warning("a spawner has ended", extra={"interpreter": self._name})
        if self._failures % _FAILURES_MAX == 0:
            self._fail_waiting(SpawnError("the spawner keeps ending"))
        self._balance()

    def _drop_spares(self) -> None:
        spares, self._spares = self._spares, collections.deque()
        for process in spares:
            self.discard(process)

    def _fail_waiting(self, reason: SpawnError) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(reason)
