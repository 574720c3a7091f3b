"""Connections to free pods, opened before anybody needs them, so that a lease takes no time.

A few for each pool, to the pods that this gateway prefers. One is given up when its pod is not free
any more. That may be learnt too late: then the agent refuses. A pod that cannot be reached, or
whose connection is lost, is left alone for a while, and longer each time: nobody who needs a pod is
to try one after the other of a node that has lost power.

Pods that are starting are connected to as well: their agents say when they have started, a second
or two before the kubelet has asked them and the API server has told it.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from functools import partial

from inglenook.aio import tasks
from inglenook_gateway.cluster import dialling, pauses, podmap

logger = logging.getLogger(__name__)

_REFILL_AFTER_S = 0.05
_RETRY_S = (1.0, 30.0)
"""When a pod that could not be reached is tried again: the first time, and at most."""
_KNOCK_S = (0.1, 5.0)
"""The same of one that is starting: its address is known before its agent listens."""


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
        self._coming: dict[str, tuple[str, dialling.Greeted]] = {}
        """Those to pods that are starting, by name, each with its pool."""
        self._knocks = pauses.Pauses(*_KNOCK_S, self._rested)
        """Of pods that are starting and do not listen yet."""
        self._dialling: dict[str, str] = {}
        """The pools of the pods that are being connected to."""
        self._misses = pauses.Pauses(*_RETRY_S, self._retry)
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
        return (
            name in self._dialling
            or name in self._coming
            or any(name in ready for ready in self._open.values())
        )

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
        for name in [each for each in self._coming if not self._pods.is_coming(each)]:
            pool, greeted = self._coming.pop(name)
            if self._pods.is_free(name):
                self.put(pool, name, greeted)
            else:
                greeted.connection.close("it is not to be had any more")
        for pool in self._pods.pools:
            ready = self._open.setdefault(pool, {})
            for name in [n for n, e in ready.items() if e.is_closed or not self._pods.is_free(n)]:
                ready.pop(name).connection.close("not free any more")
            under_way = [*self._dialling.values(), *(of for of, _ in self._coming.values())]
            missing = self._each - len(ready) - under_way.count(pool)
            candidates = (
                each
                for each in itertools.chain(self._pods.free(pool), self._pods.coming(pool))
                if each.name not in self._knocks and not self.has(each.name)
            )
            for seen, _ in zip(candidates, range(missing), strict=False):
                self._dialling[seen.name] = pool
                _ = self._tasks.start(self._dial(seen), name=f"open a spare for {pool}")

    async def _dial(self, seen: podmap.Seen) -> None:
        try:
            greeted = await self.greet(seen)
        finally:
            del self._dialling[seen.name]
        if greeted is None:
            self._changed()
        elif greeted.is_starting and not self._pods.is_free(seen.name):
            self._expect(seen, greeted)
        else:
            self._pods.start(seen.name)
            self.put(seen.pool, seen.name, greeted)
            self._changed()

    def _expect(self, seen: podmap.Seen, greeted: dialling.Greeted) -> None:
        """Keep a connection to a pod that is starting."""
        if self._is_closed:
            greeted.connection.close("not needed")
        elif greeted.is_closed:
            self._knocks.begin(seen.name)
        else:
            self._coming[seen.name] = seen.pool, greeted
            greeted.came = partial(self._came, seen.name)
            greeted.lost = partial(self._lost_coming, seen.name, greeted)

    def _came(self, name: str) -> None:
        if name in self._coming:
            pool, greeted = self._coming.pop(name)
            self._pods.start(name)
            self.put(pool, name, greeted)
            self._changed()

    def _lost_coming(self, name: str, greeted: dialling.Greeted) -> None:
        if name in self._coming and self._coming[name][1] is greeted:
            del self._coming[name]
            self._knocks.begin(name)

    async def greet(self, seen: podmap.Seen) -> dialling.Greeted | None:
        """Connect to a pod that should be free; tell the map, and return None, if it is not."""
        try:
            greeted, welcome = await self._dialler.greet(seen.address or "")
        except dialling.UnreachableError as error:
            if self._pods.is_coming(seen.name):
                self._knocks.begin(seen.name)
                return None
            logger.info("a pod is not reached", extra={"pod": seen.name, "why": str(error)})
            self._pods.give_back(seen.name)
            self._miss(seen.name)
            return None
        self._misses.forget(seen.name)
        self._knocks.forget(seen.name)
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
        self._misses.begin(name)

    def _retry(self, name: str) -> bool:
        is_there = self._pods.retry(name)
        self._changed()
        return is_there

    def _rested(self, name: str) -> bool:
        self.refill_soon()
        return self._pods.is_coming(name)

    def close(self) -> None:
        """Close all, and open no more."""
        self._is_closed = True
        kept = [each for ready in self._open.values() for each in ready.values()]
        kept += [greeted for _, greeted in self._coming.values()]
        self._open.clear()
        self._coming.clear()
        for each in kept:
            each.connection.close("the gateway goes")
