"""As much of the Kubernetes API as the gateway's pod map needs, over HTTP: pods and Runtimes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from inglenook_cluster.kube import access, client, requests

PODS = "/api/v1/namespaces/functions/pods"
RUNTIMES = "/apis/inglenook.dev/v1/namespaces/functions/runtimes"
Object = dict[str, Any]
_EXPIRED = b'{"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}\n'


class KubeApi:
    """Holds objects, lists, watches and patches them."""

    def __init__(self) -> None:
        self.pods: dict[str, Object] = {}
        self.runtimes: dict[str, Object] = {}
        self.is_away = False
        self.version = 1
        self.gets = 0
        self.requests = 0
        """Lists and watches of pods."""
        self._expired_at = 0
        self._history: list[tuple[int, bytes]] = []
        self._watchers: set[asyncio.Queue[bytes]] = set()
        self.written = asyncio.Event()

    def put(self, pod: Object) -> None:
        self.version += 1
        name = pod["metadata"]["name"]
        kind = "MODIFIED" if name in self.pods else "ADDED"
        pod["metadata"]["resourceVersion"] = str(self.version)
        self.pods[name] = pod
        self._tell(kind, pod)

    def delete(self, name: str) -> None:
        self.version += 1
        pod = self.pods.pop(name)
        pod["metadata"]["resourceVersion"] = str(self.version)
        self._tell("DELETED", pod)

    def _tell(self, kind: str, pod: Object) -> None:
        line = json.dumps({"type": kind, "object": pod}).encode() + b"\n"
        self._history.append((self.version, line))
        for watcher in self._watchers:
            watcher.put_nowait(line)

    def expire(self) -> None:
        """Forget what was before: who watches, or watches from there, has to list anew."""
        self.version += 1
        self._expired_at = self.version
        self._history.clear()
        watchers, self._watchers = self._watchers, set()
        for watcher in watchers:
            watcher.put_nowait(_EXPIRED)

    async def _pods(self, request: web.Request) -> web.StreamResponse:
        if self.is_away:
            raise web.HTTPServiceUnavailable
        self.requests += 1
        if "watch" not in request.query:
            return web.json_response(
                {
                    "metadata": {"resourceVersion": str(self.version)},
                    "items": list(self.pods.values()),
                }
            )
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._watchers.add(queue)
        if int(request.query["resourceVersion"]) < self._expired_at:
            queue.put_nowait(_EXPIRED)
        for version, line in self._history:
            if version > int(request.query["resourceVersion"]):
                queue.put_nowait(line)
        try:
            while True:
                await response.write(await queue.get())
        finally:
            self._watchers.discard(queue)

    async def _patch_pod(self, request: web.Request) -> web.Response:
        if self.is_away:
            raise web.HTTPServiceUnavailable
        pod = self.pods.get(request.match_info["name"])
        if pod is None:
            return _not_found()
        patched = msgspec.json.decode(msgspec.json.encode(pod))
        _merge(patched, await request.json())
        self.put(patched)
        self.written.set()
        return web.json_response(patched)

    async def _runtime(self, request: web.Request) -> web.Response:
        self.gets += 1
        found = self.runtimes.get(request.match_info["name"])
        return _not_found() if found is None else web.json_response(found)

    async def _patch_runtime(self, request: web.Request) -> web.Response:
        found = self.runtimes.get(request.match_info["name"])
        if found is None:
            return _not_found()
        _merge(found, await request.json())
        self.written.set()
        return web.json_response(found)

    def application(self) -> web.Application:
        made = web.Application()
        made.router.add_get(PODS, self._pods)
        made.router.add_patch(PODS + "/{name}", self._patch_pod)
        made.router.add_get(RUNTIMES + "/{name}", self._runtime)
        made.router.add_patch(RUNTIMES + "/{name}/status", self._patch_runtime)
        return made


def _merge(into: Object, patch: Object) -> None:
    for key, value in patch.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def _not_found() -> web.Response:
    return web.json_response({"reason": "NotFound", "message": "not found"}, status=404)


@asynccontextmanager
async def serving(api: KubeApi) -> AsyncIterator[requests.Requests]:
    """Serve it, and give a client of it."""
    runner = web.AppRunner(api.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    opened = client.Client(access.Access(server=f"http://127.0.0.1:{port}"))
    try:
        yield requests.Requests(opened)
    finally:
        await opened.close()
        await runner.cleanup()
