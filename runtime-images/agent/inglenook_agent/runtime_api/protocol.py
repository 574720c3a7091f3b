"""HTTP/1.1 as the Runtime API needs it: bodies as they come, trailers, and hang-ups heard.

A connection carries one exchange at a time, and tells its handler of it (`exchange`).
Parsing is llhttp's (httptools). Clients that send their next request before they have the answer to
the last (pipelining) are disconnected: a runtime has no reason to.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import cast

import httptools

from inglenook.model import limits
from inglenook_agent.runtime_api import answers
from inglenook_agent.runtime_api.exchange import Exchange, Handler, Receiver

logger = logging.getLogger(__name__)

# AWS's Python client sends up to 1 MB of X-Ray cause in a header.
_HEADER_BYTES_MAX = 2 * limits.MIB
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NO_TRAILERS: Mapping[str, str] = {}


class _PipeliningError(Exception):
    """A request has come before the last one's answer."""


class Connections:
    """The connections of one server, until it closes."""

    def __init__(self, on_none: Callable[[], None] | None = None) -> None:
        """Call `on_none` whenever the last one has ended."""
        self._on_none = on_none
        self._present: dict[HttpConnection, asyncio.Event] = {}
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._present)

    def begun(self, connection: "HttpConnection") -> None:
        """Take one in; or cut it, if it was accepted in the moment of closing."""
        self._present[connection] = asyncio.Event()
        if self._is_closed:
            connection.cut()

    def ended(self, connection: "HttpConnection") -> None:
        """Forget one, after all that it had to say."""
        self._present.pop(connection).set()
        if not self._present and self._on_none is not None:
            self._on_none()

    async def close(self) -> None:
        """Cut all, and wait until they are gone."""
        self._is_closed = True
        present = dict(self._present)
        for connection in present:
            connection.cut()
        for gone in present.values():
            await gone.wait()


class HttpConnection(asyncio.Protocol):
    """The server's end of one connection."""

    def __init__(self, handler: Handler, connections: Connections) -> None:
        self._handler = handler
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._exchange: Exchange | None = None
        self._receiver: Receiver | None = None
        """Until the body has ended."""
        self._url = b""
        self._headers: dict[str, str] = {}
        self._trailers: dict[str, str] = {}
        self._is_in_head = True
        self._keeps_alive = True
        self._is_paused = False
        self._unframed = 0
        """Bytes that have come since the last that were body: heads, trailers, chunk extensions."""
        self._pieces: list[bytes] = []
        """Of what is being parsed."""

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.begun(self)

    def data_received(self, data: bytes) -> None:
        self._unframed += len(data)
        try:
            self._parser.feed_data(data)
            self._hand_on()
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as exc:
            if isinstance(exc, httptools.HttpParserCallbackError) and not isinstance(
                exc.__context__, _PipeliningError
            ):
                logger.exception("a request to a Runtime API failed unexpectedly")
            self._refuse(answers.NOT_HTTP)
        if self._unframed > _HEADER_BYTES_MAX:
            self._refuse(answers.HEAD_TOO_LARGE)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        exchange, self._exchange = self._exchange, None
        receiver, self._receiver = self._receiver, None
        if exchange is not None and not exchange.is_answered and receiver is not None:
            exchange.is_answered = True
            receiver.lost()
        self._connections.ended(self)

    # The parser's side.

    def on_message_begin(self) -> None:
        if self._exchange is not None:
            raise _PipeliningError
        self._url = b""
        self._headers, self._trailers = {}, {}
        self._is_in_head = True

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        where = self._headers if self._is_in_head else self._trailers
        # What is no text must not go further as if it were: it ends up in JSON, logs and messages.
        where[name.decode("latin-1").lower()] = value.decode("utf-8", "replace")

    def on_headers_complete(self) -> None:
        if self._parser.should_upgrade():
            return
        self._is_in_head = False
        self._keeps_alive = self._parser.should_keep_alive()
        method = self._parser.get_method().decode("latin-1")
        exchange = self._exchange = Exchange(self, method, _path(self._url), self._headers)
        try:
            self._receiver = self._handler(exchange)
        except answers.RefusedError as refused:
            exchange.answer(refused.answer)
        if "expect" in self._headers and not exchange.is_answered and self._transport is not None:
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._unframed = 0
        if self._receiver is not None:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():
            return
        self._unframed = 0
        self._hand_on()
        exchange, receiver = self._exchange, self._receiver
        if exchange is None:
            return
        if not exchange.is_answered and receiver is not None:
            try:
                receiver.complete(self._trailers or _NO_TRAILERS)
            except answers.RefusedError as refused:
                exchange.answer(refused.answer)
        self._is_in_head = True
        self._end_if_answered()

    def _hand_on(self) -> None:
        """Hand on what has been parsed of the body, as one piece."""
        if not self._pieces:
            return
        pieces, self._pieces = self._pieces, []
        exchange, receiver = self._exchange, self._receiver
        if exchange is None or receiver is None or exchange.is_answered:
            return
        try:
            receiver.piece(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        except answers.RefusedError as refused:
            exchange.answer(refused.answer)

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Parse the request again as if it had not offered another protocol (h2c, as Java does)."""
        method = self._parser.get_method()
        if method == b"CONNECT":
            # It is the method that asks for another protocol: without that nothing is left.
            self._refuse(answers.NOT_HTTP)
            return
        self._parser = httptools.HttpRequestParser(self)
        head = [method + b" " + self._url + b" HTTP/1.1"]
        for name, value in self._headers.items():
            if name not in {"upgrade", "connection", "http2-settings"}:
                head.append(f"{name}: {value}".encode())
        self.data_received(b"\r\n".join([*head, b"", rest]))

    # The exchange's side.

    def answer(self, answer: answers.Answer) -> None:
        """Write an answer. For the present exchange only."""
        transport, exchange = self._transport, self._exchange
        if transport is None or exchange is None:
            return
        head = answer.head(keeps_alive=self._keeps_alive)
        if exchange.method == "HEAD" or not answer.body:
            transport.write(head)
        else:
            transport.writelines((head, answer.body))
        self.resume()
        self._end_if_answered()

    def pause(self) -> None:
        if not self._is_paused and self._transport is not None:
            self._is_paused = True
            if not self._transport.is_closing():
                self._transport.pause_reading()

    def resume(self) -> None:
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def cut(self) -> None:
        """End the connection, whatever it is at."""
        if self._transport is not None:
            self._transport.abort()

    def _end_if_answered(self) -> None:
        """Be ready for the next exchange once this one is answered and its body has ended."""
        if self._is_in_head and self._exchange is not None and self._exchange.is_answered:
            self._exchange = self._receiver = None
            if not self._keeps_alive and self._transport is not None:
                self._transport.close()

    def _refuse(self, answer: answers.Answer) -> None:
        """Answer what is no request, and close."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines((answer.head(keeps_alive=False), answer.body))
            self._transport.close()


def _path(target: bytes) -> str:
    """Return the path of a request's target, which may be absolute and have a query."""
    path = target.partition(b"?")[0].decode("latin-1")
    if not path.startswith("/") and "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path
