"""The custom resources of one namespace: read, made, changed and deleted one request at a time.

What Kubernetes refuses comes as `RefusedError`; what is not there is None. A namespace as seen from
here has only the platform's own kinds.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from inglenook_cluster.kube import requests
from inglenook_cluster.kube.requests import RefusedError, Requests
from inglenook_cluster.resources.definitions import GROUP, VERSION, Definition
from inglenook_cluster.resources.manifest import Listing, Resource

_RESOURCE = msgspec.json.Decoder(Resource)
_LISTING = msgspec.json.Decoder(Listing)


class _Deleted(msgspec.Struct, frozen=True):
    kind: str = ""


class Api:
    """Requests for custom resources."""

    def __init__(self, sender: Requests, namespace: str) -> None:
        self._sender = sender
        self._namespace = namespace

    async def get(self, definition: Definition, name: str) -> Resource | None:
        try:
            answer = await self._sender.send("GET", self._path(definition, name))
        except RefusedError as refusal:
            if refusal.status == 404:
                return None
            raise
        return _RESOURCE.decode(answer)

    async def list(self, definition: Definition, *, limit: int | None = None) -> Listing:
        """Return all resources of a kind, or `limit` of them, as they are now."""
        query = {} if limit is None else {"limit": str(limit)}
        answer = await self._sender.send("GET", self._path(definition), query=query)
        return _LISTING.decode(answer)

    async def create(
        self, definition: Definition, metadata: Mapping[str, Any], spec: Mapping[str, Any]
    ) -> Resource | None:
        """Return the new resource; None if one of that name exists."""
        manifest = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": definition.resource_kind,
            "metadata": dict(metadata),
            "spec": dict(spec),
        }
        try:
            answer = await self._sender.send("POST", self._path(definition), body=manifest)
        except RefusedError as refusal:
            if refusal.status == 409:
                return None
            raise
        return _RESOURCE.decode(answer)

    async def merge_status(
        self, definition: Definition, name: str, status: Mapping[str, Any], *, over: int
    ) -> Resource:
        """Merge fields into exactly the version `over` of a resource; those that are None go."""
        patch = {"metadata": {"resourceVersion": str(over)}, "status": dict(status)}
        return await self._patch(f"{self._path(definition, name)}/status", patch)

    async def set_finalizers(
        self, definition: Definition, resource: Resource, finalizers: tuple[str, ...]
    ) -> None:
        """Set the finalizers of exactly this version of a resource."""
        metadata = resource.metadata
        patch = {
            "metadata": {
                "resourceVersion": metadata.resource_version,
                "finalizers": list(finalizers),
            }
        }
        await self._patch(self._path(definition, metadata.name), patch)

    async def delete(self, definition: Definition, name: str, *, over: int) -> Resource | None:
        """Delete exactly the version `over`; return what finalizers still hold of it."""
        options = {
            "preconditions": {"resourceVersion": str(over)},
            "propagationPolicy": "Background",
        }
        answer = await self._sender.send("DELETE", self._path(definition, name), body=options)
        if msgspec.json.decode(answer, type=_Deleted).kind != definition.resource_kind:
            return None
        left = _RESOURCE.decode(answer)
        # Without finalizers the answer is the resource as it was deleted.
        return left if left.metadata.finalizers else None

    @asynccontextmanager
    async def watch(
        self, definition: Definition, since: int, *, lasting_s: int, silence_s: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield the events after a version, as lines; the server ends them after `lasting_s`."""
        query = {
            "watch": "1",
            "resourceVersion": str(since),
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(lasting_s),
        }
        path = self._path(definition)
        async with self._sender.stream(path, query=query, silence_s=silence_s) as lines:
            yield lines

    async def _patch(self, path: str, patch: Mapping[str, Any]) -> Resource:
        answer = await self._sender.send(
            "PATCH", path, body=patch, content_type=requests.MERGE_PATCH
        )
        return _RESOURCE.decode(answer)

    def _path(self, definition: Definition, name: str | None = None) -> str:
        folder = f"/apis/{GROUP}/{VERSION}/namespaces/{self._namespace}/{definition.plural}"
        return folder if name is None else f"{folder}/{name}"
