"""What every part of the platform in a pod tells those that look after it, on a port of its own.

`/live` answers as long as the event loop turns and no part of the process has died; `/ready` once
everything that this process needs is there, and no more once it is leaving, with all conditions in
its body; `/metrics` is for Prometheus. Nothing else is served, and nobody is asked who they are:
the port is for the cluster alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import web

Check = Callable[[], bool]

_BACKLOG = 64
_CLOSE_TIMEOUT_S = 1.0


class Status:
    """The status of one process: `listen`, `close`."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        metrics: Callable[[], Awaitable[bytes]],
        content_type: str,
    ) -> None:
        """Be ready while all `checks` are true; `metrics` returns a page of `content_type`."""
        self._checks = dict(checks)
        self._metrics = metrics
        self._content_type = content_type
        self._died: list[str] = []
        self._is_leaving = False
        self._server: asyncio.Server | None = None
        self._http: web.Server | None = None

    def died(self, name: str) -> None:
        """Learn that a part of the process has died: it is to be started anew."""
        self._died.append(name)

    def leave(self) -> None:
        """Be ready no more."""
        self._is_leaving = True

    async def listen(self, host: str, port: int) -> int:
        """Serve on an address; return the port (0 takes any free one)."""
        self._http = web.Server(self._handle, access_log=None)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._http, host, port, backlog=_BACKLOG)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Serve no more."""
        if self._server is not None and self._http is not None:
            self._server.close()
            self._http.pre_shutdown()
            await self._http.shutdown(_CLOSE_TIMEOUT_S)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405)
        match request.path:
            case "/live":
                return _answer(dict.fromkeys(self._died, False))
            case "/ready":
                conditions = {name: check() for name, check in self._checks.items()}
                return _answer(conditions | {"staying": not self._is_leaving})
            case "/metrics":
                page = await self._metrics()
                return web.Response(body=page, headers={"Content-Type": self._content_type})
            case _:
                return web.Response(status=404)


def _answer(conditions: Mapping[str, bool]) -> web.Response:
    return web.Response(
        status=200 if all(conditions.values()) else 503,
        body=msgspec.json.encode(conditions),
        content_type="application/json",
    )
