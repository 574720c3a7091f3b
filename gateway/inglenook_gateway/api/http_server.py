"""aiohttp's low-level server, set up for an API that anybody may send anything to.

What is not HTTP is answered in the API's own form instead of aiohttp's text. A connection whose
next request is not there in time, be it idle or sending its head byte by byte, is closed: aiohttp's
keep-alive timer does that, which is why it is short.

An Invoke that arrives whole never becomes a request of aiohttp's (see `whole`): it is answered on
the connection itself, between two requests of aiohttp's, by a callback. So is one whose large body
follows without delay. Everything else goes to aiohttp as it came, also what there is of a large
body that takes its time: slow ones are for its handlers to refuse. For that a connection keeps
count of where aiohttp's present request ends; as soon as it cannot be sure, the connection is
aiohttp's for the rest of its life.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from inglenook import errors
from inglenook_gateway.api import failures, whole

# aiohttp reports every request that it cannot parse as an error, which it is for the client only.
_logger = logging.getLogger(__name__)
_logger.setLevel(logging.CRITICAL)

# A client context alone may have 3,583 bytes, and a full ARN stands in the request line.
HEADER_BYTES_MAX = 16 * 1024
_LINGER_S = 3.0
_GATHERING_S = 2.0
"""How long a large body may take to be no request of aiohttp's."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Invoke = Callable[[whole.Invoke, Callable[[whole.Answer], None]], None]
"""Answers a whole Invoke by calling what it is given once, then or later. Never raises."""


class _Connection(web.RequestHandler):
    """One connection. Its errors are those of requests that no operation ever sees."""

    __slots__ = ("_answered", "_begun", "_held", "_is_invoking", "_server", "_to_come")

    def __init__(self, server: "HttpServer", **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._to_come: int | None = 0
        """How many bytes of aiohttp's present request are still to come, if that is known."""
        self._is_invoking = False
        """Whether an Invoke is under way of which aiohttp knows nothing, or on its way here."""
        self._begun: tuple[whole.Begun, Invoke, asyncio.TimerHandle] | None = None
        """One whose body is on its way, who is to answer it, and what ends the gathering."""
        self._held = b""
        """What came behind it, or a moment too early."""
        self._answered: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        if not data:
            super().data_received(data)  # aiohttp's own: parse on
        elif self._begun is not None:
            self._gather(*self._begun, data)
        elif self._is_invoking:
            # A client that does not wait for answers: it is read again after this one.
            self._held += data
            self._pause_transport_reading()
        elif self._held:
            self._held += data
        elif self._to_come == 0 and self._waiter is None and not self._request_in_progress:
            # aiohttp has answered but not yet turned to what comes next, as it soon will.
            self._held = data
            self._loop.call_soon(self._take_held)
        else:
            self._take(data)

    def _take_held(self) -> None:
        held, self._held = self._held, b""
        if held:
            self._take(held)

    def _take(self, data: bytes) -> None:
        if self._to_come == 0:
            if self._is_idle and (invoke := self._server.invoke) is not None:
                request = whole.read(data)
                if request is not None:
                    self._is_invoking = True
                    invoke(request, self._respond)
                    return
                begun = whole.begun(data)
                if begun is not None:
                    self._is_invoking = True
                    timer = self._loop.call_later(_GATHERING_S, self._leave, begun)
                    self._begun = begun, invoke, timer
                    return
            self._to_come = whole.rest(data)
        elif self._to_come is not None:
            self._to_come = self._to_come - len(data) if len(data) <= self._to_come else None
        super().data_received(data)

    def _gather(
        self, begun: whole.Begun, invoke: Invoke, timer: asyncio.TimerHandle, data: bytes
    ) -> None:
        if len(data) > begun.to_come:
            timer.cancel()
            self._leave(begun)
            self._take(data)
            return
        begun.add(data)
        if not begun.to_come:
            timer.cancel()
            self._begun = None
            invoke(begun.whole(), self._respond)

    def _leave(self, begun: whole.Begun) -> None:
        """Leave a request whose body is on its way to aiohttp."""
        self._begun = None
        self._is_invoking = False
        self._to_come = begun.to_come
        for piece in begun.pieces():
            if piece:
                super().data_received(piece)
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)  # aiohttp waits for it

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._begun is not None:
            self._begun[2].cancel()
            self._begun = None
        super().connection_lost(exc)

    @property
    def _is_idle(self) -> bool:
        """Whether aiohttp waits for a request, and all that was answered can be written."""
        waiter = self._waiter
        return waiter is not None and not waiter.done() and not self._paused

    def _respond(self, answer: whole.Answer) -> None:
        self._is_invoking = False
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)
        transport = self.transport
        if transport is None:
            return  # the caller has hung up
        head, body = whole.written(answer)
        transport.write(head)
        if body:
            transport.write(body)
        if self._close:
            transport.close()
            return
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(
                self._next_keepalive_close_time, self._process_keepalive
            )
        if self._held:
            self._resume_transport_reading()
            self._take_held()

    def _process_keepalive(self) -> None:
        if self._is_invoking:
            self._keepalive_handle = None  # begun anew with the answer
        else:
            super()._process_keepalive()

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 - aiohttp's
        if self._is_invoking:
            self._answered = self._loop.create_future()
            await asyncio.wait([self._answered], timeout=timeout)
        await super().shutdown(timeout)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status < 500:
            self.keep_alive(False)
            refused = errors.SerializationError(f"The request is not valid HTTP: {message}")
            response = failures.response(refused, str(uuid.uuid4()))
            response.force_close()
            return response
        return super().handle_error(request, status, exc, message)


class HttpServer(web.Server):
    """A factory of connections, for `loop.create_server`."""

    def __init__(
        self, handler: Handler, *, idle_timeout_s: float, invoke: Invoke | None = None
    ) -> None:
        """Give whole Invokes to `invoke`, or like all others to `handler` if there is none."""
        super().__init__(handler)
        self.invoke = invoke
        self._options: dict[str, Any] = {
            "access_log": None,
            "logger": _logger,
            # The API has no compressed bodies, and a small one could become a large one here.
            "auto_decompress": False,
            "max_line_size": HEADER_BYTES_MAX,
            "max_field_size": HEADER_BYTES_MAX,
            "keepalive_timeout": idle_timeout_s,
            # How long a client that was refused early is read from, so that it sees the answer.
            "lingering_time": _LINGER_S,
        }

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), **self._options)
