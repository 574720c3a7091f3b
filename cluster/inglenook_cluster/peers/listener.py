"""Serving other gateways and workers: what they forward is run here if it is this gateway's.

Each connection proves itself first. A forwarded event is refused, with nothing begun, if another
gateway owns the function (`MOVED`), or if this one does not know the version yet
(`WRONG_VERSION`: the watch of one of the two is behind). A version that has been replaced here
already is run as what it is now, as a later caller's would be.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from inglenook import errors
from inglenook.catalog.catalog import Catalog
from inglenook.catalog.target import Target
from inglenook.model import function
from inglenook.routing import invocation
from inglenook.wire import frames, gateways, messages, proof, silence
from inglenook.wire.connection import Body, Connection
from inglenook_cluster.peers import agreement, lending, ownership, router, words

logger = logging.getLogger(__name__)

_BACKLOG = 256


class Listener:
    """A gateway's ear for the others: `listen`, `close`."""

    def __init__(
        self,
        *,
        secret: bytes,
        known: Catalog,
        routes: router.Router,
        agreed: agreement.Agreement,
        shares: lending.Lending,
    ) -> None:
        self._secret = secret
        self._known = known
        self._routes = routes
        self._agreed = agreed
        self._shares = shares
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._is_closed = False

    async def listen(self, host: str, port: int) -> int:
        """Serve on an address; return the port (0 takes any free one)."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port, backlog=_BACKLOG)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Take no connection and no event any more, and close those that are open."""
        self._is_closed = True
        if self._server is not None:
            self._server.close()
        for each in list(self._connections):
            each.close("this gateway goes away")

    def _accept(self) -> frames.StreamConnection:
        return _Accepted(self._challenge, self._connections.discard)

    def _challenge(self, connection: Connection) -> None:
        if self._is_closed:  # it had been accepted, and was not ready yet
            connection.close("this gateway goes away")
            return

        def admitted(name: str) -> _Caller:
            return _Caller(
                name, connection, run=self._run, agreed=self._agreed, shares=self._shares
            )

        # One that has not proved itself yet is closed with the others.
        self._connections.add(connection)
        connection.open(proof.Gate(connection, self._secret, admitted))

    def _run(
        self, forwarded: messages.Forward, event: invocation.Event
    ) -> "asyncio.Future[invocation.Outcome]":
        """Run an event. Raises _NotYetError, and what the router's `run` raises."""
        target = self._known.target(forwarded.id.function_name, forwarded.id.version)
        if target is None or not _serves(target, forwarded.id):
            raise _NotYetError
        return self._routes.run(target.id, target.spec, event)


class _Accepted(frames.StreamConnection):
    """A connection that somebody else has made."""

    def __init__(
        self, made: Callable[[Connection], None], lost: Callable[[Connection], None]
    ) -> None:
        super().__init__()
        self._made = made
        self._lost = lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # Else a caller whose node is gone would be answered for a quarter of an hour.
        silence.notice(transport, silence.NODE_S)
        self._made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lost(self)


class _NotYetError(Exception):
    """The version is not known here, or not as it was asked for."""


def _serves(target: Target, asked: messages.VersionId) -> bool:
    return (
        target.id.function_uid == asked.function_uid
        and target.id.generation >= asked.generation
        and target.status.state is function.State.ACTIVE
    )


class _Caller:
    """One gateway or worker that forwards events here."""

    def __init__(
        self,
        name: str,
        connection: Connection,
        *,
        run: Callable[[messages.Forward, invocation.Event], "asyncio.Future[invocation.Outcome]"],
        agreed: agreement.Agreement,
        shares: lending.Lending,
    ) -> None:
        self._name = name
        self._connection = connection
        self._run = run
        self._agreed = agreed
        self._shares = shares
        self._streams: dict[int, _Stream] = {}

    def received(self, stream: int, header: messages.Header, body: Body) -> None:
        match header:
            case messages.Forward():
                self._forward(stream, header, body)
            case messages.Taken(size=size):
                if (streaming := self._streams.get(stream)) is not None:
                    streaming.taken(size)
            case gateways.Ping():
                self._connection.send(stream, gateways.Pong())
            case gateways.Roster():
                self._agreed.asked(header, partial(self._connection.send, stream))
            case gateways.Borrow():
                self._shares.asked(self._name, header, partial(self._connection.send, stream))
            case gateways.Recall():
                self._connection.send(stream, self._shares.recalled(header))
            case _:
                self._connection.close("not what is said to a gateway")

    def closed(self, reason: str) -> None:
        """Let what runs here run on; nobody holds it up by not reading."""
        logger.debug("a caller is gone", extra={"caller": self._name, "why": reason})
        for streaming in self._streams.values():
            streaming.abandon()

    def _forward(self, stream: int, header: messages.Forward, body: Body) -> None:
        streaming = _Stream(self._connection, stream) if header.wants_stream else None
        on_chunk = None if streaming is None else streaming.chunk
        try:
            outcome = self._run(header, words.event(header, body, on_chunk))
        except _NotYetError:
            self._refuse(stream, messages.Refusal.WRONG_VERSION)
        except ownership.NotOwnerError:
            self._refuse(stream, messages.Refusal.MOVED)
        except errors.ApiError as error:
            self._connection.send(stream, words.failed(error))
        else:
            if streaming is not None:
                self._streams[stream] = streaming
            outcome.add_done_callback(partial(self._ended, stream))

    def _ended(self, stream: int, future: "asyncio.Future[invocation.Outcome]") -> None:
        self._streams.pop(stream, None)
        error = errors.ServiceError() if future.cancelled() else future.exception()
        if error is None:
            outcome = future.result()
            self._connection.send(stream, outcome.result, outcome.payload)
        elif isinstance(error, ownership.NotOwnerError):
            self._refuse(stream, messages.Refusal.MOVED)
        else:
            told = error if isinstance(error, errors.ApiError) else errors.ServiceError()
            self._connection.send(stream, words.failed(told))

    def _refuse(self, stream: int, reason: messages.Refusal) -> None:
        self._connection.send(stream, messages.Refused(reason=reason))


class _Stream:
    """A streamed answer on its way to a caller, who gives room as it passes it on."""

    def __init__(self, connection: Connection, stream: int) -> None:
        self._connection = connection
        self._stream = stream
        self._take: Callable[[int], None] | None = None
        self._sent = 0
        self._is_abandoned = False

    def chunk(self, header: messages.Chunk, body: Body, take: Callable[[int], None]) -> None:
        self._take = take
        if self._is_abandoned:
            take(len(body))
            return
        self._sent += len(body)
        self._connection.send(self._stream, header, body)

    def taken(self, size: int) -> None:
        # Never more than was sent: it would let the function run ahead of its reader.
        size = min(size, self._sent)
        self._sent -= size
        if self._take is not None and size:
            self._take(size)

    def abandon(self) -> None:
        """Drop what comes from now on, as nobody reads it."""
        self._is_abandoned = True
        self.taken(self._sent)
