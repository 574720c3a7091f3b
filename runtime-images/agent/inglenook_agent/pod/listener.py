"""Where gateways connect: a TCP port, and a proof that they have the platform's secret."""

import asyncio
import contextlib
from collections.abc import Callable

from inglenook.wire import frames, proof, silence
from inglenook.wire.connection import Connection, Receiver

_BACKLOG = 64
_FLUSH_TIMEOUT_S = 1.0
_SILENCE_S = 20.0
"""Longer than a gateway waits for a pod: what runs here is lost with its gateway's connection."""


class Listener:
    """Listen for gateways. `admitted` is given each that has proved itself, and its name."""

    def __init__(self, secret: bytes, admitted: Callable[[Connection, str], Receiver]) -> None:
        self._secret = secret
        self._admitted = admitted
        self._server: asyncio.Server | None = None
        self._open: set[_Accepted] = set()

    async def listen(self, host: str, port: int) -> int:
        """Serve on an address; return the port (0 takes any free one). Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Accepted(self), host, port, backlog=_BACKLOG
        )
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Close all connections, after what has been said on them."""
        if self._server is not None:
            self._server.close()
        present = list(self._open)
        for each in present:
            each.close("the pod ends")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_TIMEOUT_S):
                for each in present:
                    await each.is_gone.wait()

    def begun(self, connection: "_Accepted") -> None:
        self._open.add(connection)

        def admitted(name: str) -> Receiver:
            return self._admitted(connection, name)

        connection.open(proof.Gate(connection, self._secret, admitted))

    def ended(self, connection: "_Accepted") -> None:
        self._open.discard(connection)


class _Accepted(frames.StreamConnection):
    """A connection that a gateway has made."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener
        self.is_gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        silence.notice(transport, _SILENCE_S)
        self._listener.begun(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.is_gone.set()
        self._listener.ended(self)
