"""A queue of names of things to look at: level-triggered, one at a time for each name.

What is added is *that* something is to be looked at, not what has happened: added ten times before
its turn, a name has one turn; added while it has its turn, it has another one after it. A turn that
fails comes again after a pause that grows; one that asks to come again later does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from inglenook.aio import backoff, tasks

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

_RETRY_S = 0.5
_RETRY_S_MAX = 60.0


class WorkQueue(Generic[K]):
    """Names with work to do, and what does it."""

    def __init__(
        self,
        work: Callable[[K], Awaitable[float | None]],
        *,
        at_once: int = 8,
        retry_s: float = _RETRY_S,
        retry_s_max: float = _RETRY_S_MAX,
    ) -> None:
        """`work(name)` returns after how many seconds to look again; None: when it is added."""
        self._work = work
        self._retry_s = retry_s
        self._retry_s_max = retry_s_max
        self._room = asyncio.Semaphore(at_once)
        self._background = tasks.Tasks()
        self._waiting: set[K] = set()
        """Added, and not begun."""
        self._running: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._backoffs: dict[K, backoff.Backoff] = {}
        self._is_open = True

    def add(self, name: K, *, after_s: float = 0.0) -> None:
        """Have a look at `name` soon, or after a while at the latest."""
        if not self._is_open or name in self._waiting:
            return
        loop = asyncio.get_running_loop()
        if after_s > 0:
            timer = self._timers.get(name)
            when = loop.time() + after_s
            if timer is not None and timer.when() <= when:
                return
            self._cancel_timer(name)
            self._timers[name] = loop.call_later(after_s, self._due, name)
            return
        self._waiting.add(name)
        if name not in self._running:
            self._begin(name)

    async def close(self) -> None:
        """Stop: what has its turn is cancelled."""
        self._is_open = False
        for name in list(self._timers):
            self._cancel_timer(name)
        self._waiting.clear()
        await self._background.close()

    def _due(self, name: K) -> None:
        self._timers.pop(name, None)
        self.add(name)

    def _cancel_timer(self, name: K) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _begin(self, name: K) -> None:
        self._running.add(name)
        _ = self._background.start(self._turns(name), name=f"reconcile {name}")

    async def _turns(self, name: K) -> None:
        try:
            while name in self._waiting and self._is_open:
                async with self._room:
                    self._waiting.discard(name)
                    self._cancel_timer(name)
                    again_s = await self._turn(name)
                if again_s is not None:
                    self.add(name, after_s=max(again_s, 0.001))
        finally:
            self._running.discard(name)

    async def _turn(self, name: K) -> float | None:
        try:
            again_s = await self._work(name)
        except Exception:
            # The one place where the errors of all reconciliation end.
            pauses = self._backoffs.setdefault(
                name, backoff.Backoff(self._retry_s, self._retry_s_max)
            )
            pause = pauses.next()
            logger.exception(
                "reconciliation failed and is tried again",
                extra={"object": str(name), "retry_s": pause},
            )
            return pause
        self._backoffs.pop(name, None)
        return again_s
