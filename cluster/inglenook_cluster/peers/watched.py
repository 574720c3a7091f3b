"""The gateways' EndpointSlices, read from the Kubernetes API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from inglenook_cluster.kube import requests
from inglenook_cluster.peers import endpoints

_WATCH_S = 60
"""How long one watch lasts: a connection that has died without a word is noticed by then."""
_SILENCE_S = _WATCH_S + 10.0
_GONE = 410


class Watched:
    """A `membership.Source`."""

    def __init__(self, api: requests.Requests, namespace: str, service: str) -> None:
        """Read the slices of a service."""
        self._api = api
        self._path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        self._selector = f"kubernetes.io/service-name={service}"

    async def list(self) -> bytes:
        return await self._api.send("GET", self._path, query={"labelSelector": self._selector})

    @asynccontextmanager
    async def watch(self, since: str) -> AsyncIterator[AsyncIterator[bytes]]:
        query = {
            "labelSelector": self._selector,
            "watch": "true",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH_S),
        }
        try:
            async with self._api.stream(self._path, query=query, silence_s=_SILENCE_S) as lines:
                yield lines
        except requests.RefusedError as error:
            if error.status == _GONE:
                raise endpoints.GoneError(str(error)) from error
            raise
