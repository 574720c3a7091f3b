"""Connections to free pods, opened before anybody needs them, so that a lease takes no time.

A few for each pool, to the pods that this gateway prefers. One is given up when its pod is not free
any more. That may be learnt too late: then the agent refuses. A pod that cannot be reached, or
whose connection is lost, is left alone for a while, and longer each time: nobody who needs a pod is
to try one after the other of a node that has lost power.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from inglenook.aio import backoff, tasks
from inglenook_gateway.cluster import dialling, podmap

logger = logging.getLogger(__name__)

_REFILL_AFTER_S = 0.05
_RETRY_S = (1.0, 30.0)
"""When a pod that could not be reached is tried again: the first time, and at most."""


class Spares:
    """Open connections to free pods. To be closed."""

    def __init__(
        self,
        pods: podmap.PodMap,
        dialler: dialling.Dialler,
        *,
        each: int,
        owned: tasks.Tasks,
        changed: Callable[[], None],
    ) -> None:
        """Keep so many for `each` pool; call `changed` when there may be more for who waits."""
        self._pods = pods
        self._dialler = dialler
        self._each = each
        self._tasks = owned
        self._changed = changed
        self._open: dict[str, dict[str, dialling.Greeted]] = {}
        """By pool and name of the pod."""
        self._dialling: dict[str, str] = {}
        """The pools of the pods that are being connected to."""
        self._pauses: dict[str, backoff.Backoff] = {}
        """Of the pods that could not be reached last."""
        self._is_refilling = False
        self._is_closed = False

    def take(self, pool: str) -> tuple[str, dialling.Greeted] | None:
        """Return a pod and the connection to it, if there is one; the pod is taken then."""
        ready = self._open.get(pool, {})
        while ready:
            name, greeted = ready.popitem()
            if self._pods.is_free(name) and not greeted.is_closed:
                self._pods.take(name)
                return name, greeted
            greeted.connection.close("not free any more")
        return None

    def put(self, pool: str, name: str, greeted: dialling.Greeted) -> None:
        """Keep a connection to a free pod, on which nothing was asked."""
        if self._is_closed or greeted.is_closed:
            greeted.connection.close("not needed")
        else:
            greeted.lost = partial(self._lost, pool, name, greeted)
            self._open.setdefault(pool, {})[name] = greeted

    def has(self, name: str) -> bool:
        """Whether a pod's connection is open, or is being opened."""
        return name in self._dialling or any(name in ready for ready in self._open.values())

    @property
    def count(self) -> dict[str, int]:
        """How many connections are open, by pool."""
        return {pool: len(ready) for pool, ready in self._open.items()}

    def refill_soon(self) -> None:
        """Open what is missing and close what is not free, once who has just taken one is served.

        Whoever finds none open meanwhile connects to a pod of its own.
        """
        if not self._is_refilling and not self._is_closed:
            self._is_refilling = True
            asyncio.get_running_loop().call_later(_REFILL_AFTER_S, self._refill)

    def _refill(self) -> None:
        self._is_refilling = False
        if self._is_closed:
            return
        for pool in self._pods.pools:
            ready = self._open.setdefault(pool, {})
            for name in [n for n, e in ready.items() if e.is_closed or not self._pods.is_free(n)]:
                ready.pop(name).connection.close("not free any more")
            missing = self._each - len(ready) - list(self._dialling.values()).count(pool)
            candidates = (e for e in self._pods.free(pool) if not self.has(e.name))
            for seen, _ in zip(candidates, range(missing), strict=False):
                self._dialling[seen.name] = pool
                _ = self._tasks.start(self._dial(seen), name=f"open a spare for {pool}")

    async def _dial(self, seen: podmap.Seen) -> None:
        try:
            greeted = await self.greet(seen)
        finally:
            del self._dialling[seen.name]
        if greeted is not None:
            self.put(seen.pool, seen.name, greeted)
        self._changed()

    async def greet(self, seen: podmap.Seen) -> dialling.Greeted | None:
        """Connect to a pod that should be free; tell the map, and return None, if it is not."""
        try:
            greeted, welcome = await self._dialler.greet(seen.address or "")
        except dialling.UnreachableError as error:
            logger.info("a pod is not reached", extra={"pod": seen.name, "why": str(error)})
            self._pods.give_back(seen.name)
            self._miss(seen.name)
            return None
        self._pauses.pop(seen.name, None)
        if welcome.version is not None:
            self._pods.runs(seen.name, welcome.version.function_name)
        elif welcome.is_draining:
            self._pods.take(seen.name)
        else:
            return greeted
        greeted.connection.close("another has it, or nobody any more")
        return None

    def _lost(self, pool: str, name: str, greeted: dialling.Greeted) -> None:
        if self._open.get(pool, {}).get(name) is greeted:
            del self._open[pool][name]
            self._miss(name)
            self._changed()

    def _miss(self, name: str) -> None:
        self._pods.miss(name)
        pause_s = self._pauses.setdefault(name, backoff.Backoff(*_RETRY_S)).next()
        asyncio.get_running_loop().call_later(pause_s, self._retry, name)

    def _retry(self, name: str) -> None:
        if not self._pods.retry(name):
            self._pauses.pop(name, None)
        self._changed()

    def close(self) -> None:
        """Close all, and open no more."""
        self._is_closed = True
        for ready in self._open.values():
            for each in ready.values():
                each.connection.close("the gateway goes")
        self._open.clear()
