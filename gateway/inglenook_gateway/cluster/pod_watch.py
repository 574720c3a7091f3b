"""The watch that keeps the map of pods up to date.

Whatever happens to it, the map stays as it was: with the Kubernetes API away, pods that are known
are leased and invoked all the same.
"""

import asyncio
import logging
from collections.abc import Callable

from inglenook.aio import backoff
from inglenook_cluster import labels
from inglenook_cluster.kube import requests
from inglenook_gateway.cluster import pod_objects, podmap

logger = logging.getLogger(__name__)

_TROUBLE_S = (0.1, 5.0)
"""The first and the longest pause after a failure."""
_WATCH_S = 60
"""How long one watch lasts: a connection that has died without a word is noticed by then."""
_SILENCE_S = _WATCH_S + 10.0


class PodWatch:
    """Keeps a map up to date: `run`."""

    def __init__(
        self,
        api: requests.Requests,
        namespace: str,
        into: podmap.PodMap,
        changed: Callable[[], None],
    ) -> None:
        """Call `changed` after each change of the map."""
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self._reader = pod_objects.Reader(into)
        self._changed = changed
        self._is_listed = False
        self._is_silent = True
        self._pauses = backoff.Backoff(*_TROUBLE_S)
        self.listed = asyncio.Event()
        """Set once the map holds all pods there were."""

    async def run(self) -> None:
        """Follow the pods, without end."""
        while True:
            self._is_silent = True
            try:
                if not self._is_listed:
                    await self._list()
                await self._watch()
            except pod_objects.GoneError as error:
                self._is_listed = False
                logger.info("the pods are listed anew", extra={"why": str(error)})
            except Exception as error:  # noqa: BLE001 - the one place where this loop's errors end
                self._is_listed = False
                logger.warning("the pods cannot be watched now", extra={"why": repr(error)})
            if self._is_silent:
                # Whatever it was, nothing has come: a server in trouble is not asked at once again.
                await asyncio.sleep(self._pauses.next())

    async def _list(self) -> None:
        # From the server's memory: as new as a watch would begin with, and cheap for etcd.
        query = {"labelSelector": labels.SELECTOR, "resourceVersion": "0"}
        self._reader.replace(await self._api.send("GET", self._path, query=query))
        self._is_listed = True
        self.listed.set()
        self._changed()

    async def _watch(self) -> None:
        query = {
            "labelSelector": labels.SELECTOR,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._reader.resume_from,
            "timeoutSeconds": str(_WATCH_S),
        }
        async with self._api.stream(self._path, query=query, silence_s=_SILENCE_S) as lines:
            async for line in lines:
                self._reader.apply(line)
                self._is_silent = False
                self._pauses.reset()
                self._changed()
