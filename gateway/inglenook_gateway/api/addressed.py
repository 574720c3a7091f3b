"""The address under which clients reach this endpoint, for addresses in answers.

Behind a Service or an Ingress a process cannot know it: it is configured, or it is what the client
itself has named.
"""

import contextvars
import re
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Addressed:
    """Answer requests as `handle` does, with `address` good for the request that is answered."""

    def __init__(self, handle: Handle, *, public_url: str, otherwise: Callable[[], str]) -> None:
        """Use `public_url` if it is not empty; `otherwise` where there is no request to ask."""
        self._handle = handle
        self._public_url = public_url.rstrip("/")
        self._otherwise = otherwise
        self._host: contextvars.ContextVar[str] = contextvars.ContextVar("host", default="")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        host = request.headers.get(hdrs.HOST, "")
        _ = self._host.set(host if _HOST.fullmatch(host) else "")
        return await self._handle(request)

    def address(self) -> str:
        """Return the endpoint's URL, without a path."""
        if self._public_url:
            return self._public_url
        host = self._host.get()
        return f"http://{host}" if host else self._otherwise()
