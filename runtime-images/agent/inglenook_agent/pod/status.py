"""What the kubelet and Prometheus ask of an agent: `/live`, `/ready`, `/metrics`."""

import asyncio
from collections.abc import Callable, Mapping

import prometheus_client

from inglenook_agent.runtime_api import answers, protocol
from inglenook_agent.runtime_api.exchange import Exchange

_TEXT = "text/plain; charset=utf-8"
_OK = answers.Answer(body=b"ok\n", content_type=_TEXT)


class Status:
    """A small HTTP server. `not_ready` says why the pod is not to be used, or nothing."""

    def __init__(
        self, not_ready: Callable[[], str], registry: prometheus_client.CollectorRegistry
    ) -> None:
        self._not_ready = not_ready
        self._registry = registry
        self._connections = protocol.Connections()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Serve on an address; return the port (0 takes any free one). Raises OSError."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: protocol.HttpConnection(self._route, self._connections), host, port
        )
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Stop listening and cut what is connected."""
        if self._server is not None:
            self._server.close()
        await self._connections.close()

    def _route(self, exchange: Exchange) -> "_Nothing":
        if exchange.method not in ("GET", "HEAD"):
            raise answers.RefusedError(answers.wrong_method("GET"))
        exchange.answer(self._answer(exchange.path.partition("?")[0]))
        return _Nothing()

    def _answer(self, path: str) -> answers.Answer:
        match path:
            case "/live":
                return _OK
            case "/ready":
                if why := self._not_ready():
                    return answers.Answer(status=503, body=f"{why}\n".encode(), content_type=_TEXT)
                return _OK
            case "/metrics":
                return answers.Answer(
                    body=prometheus_client.generate_latest(self._registry),
                    content_type=prometheus_client.CONTENT_TYPE_LATEST,
                )
            case _:
                return answers.NOT_FOUND


class _Nothing:
    """Drops a body."""

    def piece(self, data: bytes) -> None:
        """Drop it."""

    def complete(self, trailers: Mapping[str, str]) -> None:
        """Nothing: it is answered."""

    def lost(self) -> None:
        """Nothing: it is answered."""
