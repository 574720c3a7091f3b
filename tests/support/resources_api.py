"""As much of the Kubernetes API as a store that only reads needs, over HTTP: list and watch."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from inglenook.store import documents
from inglenook_cluster.kube import access, client
from inglenook_cluster.resources import codec, definitions, names
from inglenook_cluster.resources.store import KubernetesStore

_EXPIRED = {"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}


class ResourcesApi:
    """Holds custom resources; goes away and forgets on demand."""

    def __init__(self) -> None:
        self.is_away = False
        self.version = 1
        self.refused = asyncio.Event()
        """Set when somebody was turned away."""
        self.watches = 0
        self._objects: dict[str, dict[str, dict[str, Any]]] = {}
        self._watchers: dict[asyncio.Queue[dict[str, Any] | None], str] = {}
        self._expired_at = 0

    def put(self, kind: documents.Kind[Any], name: str, value: object, **status: object) -> None:
        """Write a document; `status` is what stands in its resource otherwise."""
        plural, resource = definitions.of(kind).plural, names.resource_name(kind.name, name)
        of_kind = self._objects.setdefault(plural, {})
        self.version += 1
        body = {
            "metadata": {"name": resource, "uid": resource, "resourceVersion": str(self.version)},
            "spec": {},
            "status": {**codec.status(name, value, replaced=self.version - 1), **status},
        }
        event = "MODIFIED" if resource in of_kind else "ADDED"
        of_kind[resource] = body
        self._tell(plural, {"type": event, "object": body})

    def delete(self, kind: documents.Kind[Any], name: str) -> None:
        plural, resource = definitions.of(kind).plural, names.resource_name(kind.name, name)
        self.version += 1
        body = self._objects[plural].pop(resource)
        body["metadata"]["resourceVersion"] = str(self.version)
        self._tell(plural, {"type": "DELETED", "object": body})

    def _tell(self, plural: str, event: dict[str, Any]) -> None:
        for watcher, of in self._watchers.items():
            if of == plural and not self.is_away:
                watcher.put_nowait(event)

    def go_away(self) -> None:
        """Cut all watches, answer nobody, and forget what has happened before."""
        self.is_away = True
        self._expired_at = self.version + 1
        for watcher in self._watchers:
            watcher.put_nowait(None)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self.is_away:
            self.refused.set()
            raise web.HTTPServiceUnavailable
        plural = request.match_info["plural"]
        if "watch" in request.query:
            return await self._watch(request, plural)
        return web.json_response(
            {
                "metadata": {"resourceVersion": str(self.version)},
                "items": list(self._objects.get(plural, {}).values()),
            }
        )

    async def _watch(self, request: web.Request, plural: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        since = int(request.query["resourceVersion"])
        if since < self._expired_at:
            queue.put_nowait(_EXPIRED)
        for body in self._objects.get(plural, {}).values():
            if int(body["metadata"]["resourceVersion"]) > since:
                queue.put_nowait({"type": "MODIFIED", "object": body})
        self._watchers[queue] = plural
        self.watches += 1
        try:
            while (event := await queue.get()) is not None:
                await response.write(json.dumps(event).encode() + b"\n")
        finally:
            del self._watchers[queue]
        return response


@asynccontextmanager
async def serving(api: ResourcesApi) -> AsyncIterator[KubernetesStore]:
    """Serve it, and give a store that reads it."""
    application = web.Application()
    application.router.add_get("/apis/inglenook.dev/v1/namespaces/functions/{plural}", api._serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    to = access.Access(server=f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        async with client.Client(to) as opened:
            store = KubernetesStore(opened, namespace="functions")
            yield store
            await store.close()
    finally:
        await runner.cleanup()
