"""Lists everything now and then, so that what a watch has missed is done all the same.

What a listing finds and the watch does not tell within a while shows a watch that has stalled:
after several such listings in a row the process is to be started anew (`stalled`).
"""

import asyncio
import logging
from collections.abc import Callable

from inglenook_cluster import labels
from inglenook_operator.cluster import api, index
from inglenook_operator.reconcile import names

logger = logging.getLogger(__name__)

_PATIENCE_S = 5.0
"""How long a watch may take to tell what a listing has found."""
_MISSES_MAX = 2
"""So many resyncs in a row may find what the watches have not told."""


class Resync:
    """List everything that is watched."""

    def __init__(
        self,
        *,
        api: api.Api,
        index: index.Index,
        namespace: str,
        interval_s: float,
        missed: Callable[[int], None],
        stalled: Callable[[], None],
        done: Callable[[], None],
    ) -> None:
        """Call `missed` with how much the watches had missed, and `done` after each resync."""
        self._api = api
        self._index = index
        self._namespace = namespace
        self._interval_s = interval_s
        self._missed = missed
        self._stalled = stalled
        self._done = done
        self._misses = 0

    async def run(self) -> None:
        """Resync every now and then, without end."""
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                missed = await self.once(_PATIENCE_S)
            except api.AWAY as error:
                logger.warning("a resync failed", extra={"error": str(error)})
                continue
            self._misses = self._misses + 1 if missed else 0
            if missed:
                self._missed(missed)
            if self._misses > _MISSES_MAX:
                self._stalled()
            self._done()

    async def once(self, patience_s: float = 0.0) -> int:
        """List everything once; return how much of it nobody had told, given that much time."""
        missed = 0
        for plural in (*names.WATCHED, names.PODS):
            known = self._index.all(plural)
            found = await self._list(plural)
            if patience_s and self._index.lags(plural, found, known):
                await asyncio.sleep(patience_s)
            missed += (news := self._index.listed(plural, found, known))
            if patience_s and news:
                logger.warning(
                    "the watch of a kind had missed changes",
                    extra={"kind": plural, "changes": news},
                )
        return missed

    async def _list(self, plural: str) -> list[api.Body]:
        if plural == names.PODS:
            return await self._api.list(api.pods(self._namespace), label_selector=labels.SELECTOR)
        return await self._api.list(api.custom(plural, self._namespace))
