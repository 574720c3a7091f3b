"""Calls of the API about a function, handed to the gateway that owns it.

There alone is known how its provisioned environments stand, and there all changes of one function
take their turns. Changes of what the account's quota of concurrency is spent on go to one gateway
for the whole account. A gateway that cannot be reached is no reason to refuse: then this one
answers, from the store. Invocations do not come this way.
"""

import logging
import re
from collections.abc import Awaitable, Callable

import aiohttp
import yarl
from aiohttp import hdrs, web

from inglenook import errors
from inglenook_gateway.api import failures, routes

logger = logging.getLogger(__name__)

RELAYED = "X-Inglenook-Relayed"
"""Names the gateway that has handed a request on: it is not handed on again."""
QUOTA = "/concurrency"
"""The key of whoever keeps the account's quota; no function has this name."""

_ABOUT_A_FUNCTION = re.compile(r"/\d{4}-\d\d-\d\d/functions/(?P<name>[^/]+)(?P<rest>/.*)?")
_INVOCATIONS = frozenset({"/invocations", "/invoke-async", "/response-streaming-invocations"})
_OF_THE_QUOTA = frozenset({"/concurrency", "/provisioned-concurrency"})
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=1.0, sock_read=60.0)
_NOT_PASSED_ON = frozenset(
    name.lower()
    for name in (
        *(hdrs.CONNECTION, hdrs.KEEP_ALIVE, hdrs.TRANSFER_ENCODING, hdrs.CONTENT_LENGTH),
        *(hdrs.DATE, hdrs.SERVER, hdrs.EXPECT, hdrs.UPGRADE),
    )
)

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Relay:
    """Answer requests as `handle` does, but for those that another gateway is to answer."""

    def __init__(
        self,
        handle: Handle,
        *,
        name: str,
        function_name: Callable[[str], str],
        elsewhere: Callable[[str], str | None],
    ) -> None:
        """Be known as `name`.

        `function_name` makes a function's name of what a path has for it, or raises an ApiError;
        `elsewhere` returns where the owner of a key listens, or None if this gateway is to answer.
        """
        self._handle = handle
        self._name = name
        self._function_name = function_name
        self._elsewhere = elsewhere
        self._session: aiohttp.ClientSession | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, whoever does."""
        address = self._owner(request)
        if address is None:
            return await self._handle(request)
        try:
            return await self._handed_on(request, address)
        except aiohttp.ClientConnectorError as error:
            # Nothing was sent, and of the body nothing was read.
            logger.warning("a gateway cannot be reached", extra={"why": repr(error)})
            return await self._handle(request)
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("a gateway did not answer", extra={"why": repr(error)})
            lost = errors.ServiceError("The gateway that was to answer was lost meanwhile.")
            return failures.response(lost, request.headers.get(failures.REQUEST_ID, ""))

    async def close(self) -> None:
        """Hand nothing on any more."""
        if self._session is not None:
            await self._session.close()

    def _owner(self, request: web.BaseRequest) -> str | None:
        path = request.raw_path.partition("?")[0]
        found = _ABOUT_A_FUNCTION.fullmatch(path)
        if found is None or RELAYED in request.headers:
            return None
        rest = found["rest"] or ""
        if rest in _INVOCATIONS:
            return None
        if rest in _OF_THE_QUOTA and request.method == hdrs.METH_PUT:
            return self._elsewhere(QUOTA)
        try:
            return self._elsewhere(self._function_name(routes.decode_label(found["name"])))
        except errors.ApiError:
            return None  # what is wrong with it, any gateway can say

    async def _handed_on(self, request: web.BaseRequest, address: str) -> web.StreamResponse:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False)
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in _NOT_PASSED_ON
        ]
        length = request.content_length
        async with self._session.request(
            request.method,
            yarl.URL(f"http://{address}{request.raw_path}", encoded=True),
            headers=[*headers, (RELAYED, self._name)]
            + ([] if length is None else [(hdrs.CONTENT_LENGTH, str(length))]),
            data=request.content if request.body_exists else None,
            allow_redirects=False,
        ) as answer:
            response = web.Response(status=answer.status, body=await answer.read())
            for name, value in answer.headers.items():
                if name.lower() not in _NOT_PASSED_ON:
                    response.headers[name] = value
            return response
