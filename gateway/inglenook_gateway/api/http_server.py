"""aiohttp's low-level server, set up for an API that anybody may send anything to.

What is not HTTP is answered in the API's own form instead of aiohttp's text. A connection whose
next request is not there in time, be it idle or sending its head byte by byte, is closed: aiohttp's
keep-alive timer does that, which is why it is short.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from inglenook import errors
from inglenook_gateway.api import failures

# aiohttp reports every request that it cannot parse as an error, which it is for the client only.
_logger = logging.getLogger(__name__)
_logger.setLevel(logging.CRITICAL)

# A client context alone may have 3,583 bytes, and a full ARN stands in the request line.
HEADER_BYTES_MAX = 16 * 1024
_LINGER_S = 3.0

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Connection(web.RequestHandler):
    """One connection. Its errors are those of requests that no operation ever sees."""

    __slots__ = ()

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

    def __init__(self, handler: Handler, *, idle_timeout_s: float) -> None:
        super().__init__(handler)
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
