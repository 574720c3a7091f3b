"""How much the pools are in demand: for the operator, which sizes them.

Each gateway writes into the status of a pool's Runtime how many leases wait for a pod, under its
own name: `status.demand.<gateway> = {"waiting": n, "leased": of the last minute, "at": epoch
seconds, "pool": name}`. Off the invoke path, when it changes, at most once a second, and soon when
somebody has begun to wait; a pool that has no demand any more is told so once.
"""

import asyncio
import collections
import contextlib
import logging
from collections.abc import Callable, Mapping

from inglenook.aio import clock
from inglenook_cluster.kube import requests

logger = logging.getLogger(__name__)

_WRITE_EVERY_S = 1.0
_SETTLE_S = 0.5
"""Who waits for no longer than that needs no pod made: an environment has become free."""
_LOOK_EVERY_S = 2.0
"""Demand falls without anybody's word."""
_REFRESH_S = 10.0
"""How often it is said again while there is demand: what is old counts for nothing."""
_LEASED_WITHIN_S = 60.0

Said = Mapping[str, object]


class Demand:
    """The demand for the pods of each pool, as this gateway sees it. Pure."""

    def __init__(self) -> None:
        self._leases: dict[str, collections.deque[float]] = {}
        self._said: dict[str, tuple[int, int, float]] = {}
        """By pool: what was said last, and when."""

    def leased(self, pool: str, now: float) -> None:
        """Count a lease."""
        self._leases.setdefault(pool, collections.deque(maxlen=10_000)).append(now)

    def news(self, waiting: Mapping[str, int], now: float) -> dict[str, tuple[int, int]]:
        """Return, by pool, how many wait and how many were leased, where that is to be said."""
        news = {}
        for pool in waiting.keys() | self._leases.keys() | self._said.keys():
            present = waiting.get(pool, 0), self._recent(pool, now)
            said = self._said.get(pool, (0, 0, 0.0))
            if present != said[:2] or (present[0] and said[2] <= now - _REFRESH_S):
                news[pool] = present
        return news

    def said(self, pool: str, present: tuple[int, int], now: float) -> None:
        """Learn that it was said."""
        if any(present):
            self._said[pool] = (*present, now)
        else:
            self._said.pop(pool, None)

    def _recent(self, pool: str, now: float) -> int:
        leases = self._leases.get(pool)
        if leases is None:
            return 0
        while leases and leases[0] <= now - _LEASED_WITHIN_S:
            leases.popleft()
        if not leases:
            del self._leases[pool]
        return len(leases)


class DemandSignal:
    """Writes the demand: `run`."""

    def __init__(
        self,
        api: requests.Requests,
        namespace: str,
        gateway: str,
        *,
        demand: Demand,
        waiting: Callable[[], Mapping[str, int]],
        time: clock.Clock,
    ) -> None:
        self._api = api
        self._path = f"/apis/inglenook.dev/v1/namespaces/{namespace}/runtimes"
        self._gateway = gateway
        self._demand = demand
        self._waiting = waiting
        self._clock = time
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """Learn that somebody waits."""
        self._stirred.set()

    async def run(self) -> None:
        """Write what is new, without end."""
        while True:
            self._stirred.clear()
            news = self._demand.news(self._waiting(), self._clock.monotonic())
            for pool, present in news.items():
                await self._say(pool, present)
            if news:
                await asyncio.sleep(_WRITE_EVERY_S)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    _ = await self._stirred.wait()
            if self._stirred.is_set():
                await asyncio.sleep(_SETTLE_S)

    async def _say(self, pool: str, present: tuple[int, int]) -> None:
        runtime, mark, runtime_class = pool.partition("--")
        key = f"{self._gateway}{mark}{runtime_class}"
        waiting, leased = present
        said: Said = {
            "waiting": waiting,
            "leased": leased,
            "at": int(self._clock.now()),
            "pool": pool,
        }
        try:
            await self._api.send(
                "PATCH",
                f"{self._path}/{runtime}/status",
                body={"status": {"demand": {key: said}}},
                content_type=requests.MERGE_PATCH,
            )
        except Exception as error:  # noqa: BLE001 - said again in a second, if it is still so
            logger.debug("the demand could not be written", extra={"why": repr(error)})
            return
        self._demand.said(pool, present, self._clock.monotonic())
