"""The one place where HTTP requests become calls of operations, and results become responses.

A `Front` is the handler of aiohttp's low-level `web.Server`. It gives each request an id, finds the
operation, reads, parses and validates, calls the operation's handler and writes the output. Errors
of the taxonomy become responses here and nowhere else; anything else that escapes is logged once,
here, and answered as `ServiceException`. Cancellation passes through.

Operations in `raw_handlers` get the request itself, to read with `bodies.receive`: that is the
invoke path, which is recognised with string operations alone. Paths under `extra` prefixes are
ours, not AWS's; requests to the host of a function URL are no requests to the API. An operation
that nobody handles answers that it is not built, after validation.
"""

import asyncio
import dataclasses
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib import parse

from aiohttp import hdrs, web

from inglenook import errors, settings
from inglenook.model import function_url
from inglenook_gateway.api import (
    bodies,
    failures,
    parsing,
    routes,
    serializing,
    uploads,
    validation,
)

if TYPE_CHECKING:
    from botocore import model

logger = logging.getLogger(__name__)

_INVOKE = "Invoke"
_INVOKE_PREFIX = "/2015-03-31/functions/"
_INVOKE_SUFFIX = "/invocations"

_INLINE_BYTES_MAX = 256 * 1024
"""A body beyond this is decoded in a thread: at about 1 ms per MiB it would hold up the loop."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A valid request for an operation."""

    operation: str
    params: Mapping[str, Any]
    """By the model's member names; absent members are absent."""
    request_id: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What an operation answers."""

    output: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """By the model's member names; members that are None are left out."""
    status: int | None = None
    """None: the model's."""


Handler = Callable[[Call], Awaitable[Reply]]
RawHandler = Callable[[web.BaseRequest, list[str], str], Awaitable[web.StreamResponse]]
"""Given the request, the decoded labels of its path in order, and the request id."""
ExtraHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Front:
    """Serve the Lambda API. Thread-unsafe, like the loop that it lives on."""

    def __init__(
        self,
        service: "model.ServiceModel",
        handlers: Mapping[str, Handler],
        raw_handlers: Mapping[str, RawHandler] | None = None,
        extra: Mapping[str, ExtraHandler] | None = None,
        urls: ExtraHandler | None = None,
        admit: Callable[[str], None] | None = None,
        bodies_in_memory: uploads.Uploads | None = None,
    ) -> None:
        """Serve `service`; raises `ValueError` for a handler of an operation it does not have.

        `urls` gets every request whose `Host` is a function URL's, whatever its path. `admit` is
        asked by its name before a call in `handlers` is read, and raises to refuse it.
        """
        self._service = service
        self._handlers = dict(handlers)
        self._raw_handlers = dict(raw_handlers or {})
        unknown = {*self._handlers, *self._raw_handlers} - set(service.operation_names)
        if unknown:
            raise ValueError(f"the service model has no operations {sorted(unknown)}")
        self._extra = sorted((extra or {}).items(), key=lambda item: -len(item[0]))
        self._urls = urls
        self._admit = admit
        self._uploads = bodies_in_memory or uploads.Uploads(settings.Gateway().uploads_bytes)
        self._router = routes.Router(service)
        self._validator = validation.Validator()
        self._invoke = self._raw_handlers.get(_INVOKE)

    @property
    def operations(self) -> dict[str, bool]:
        """Return every operation of the model, and whether it is built."""
        built = {*self._handlers, *self._raw_handlers}
        return {name: name in built for name in sorted(self._service.operation_names)}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, whatever it is. Raises nothing but `CancelledError`."""
        request_id = str(uuid.uuid4())
        try:
            response = await self._answer(request, request_id)
        except errors.ApiError as error:
            response = failures.response(error, request_id)
            _give_up_if_begun(request)
        except Exception as exc:
            # A caller who hung up is no failure of ours; the answer below goes nowhere, quietly.
            if not (isinstance(exc, ConnectionError) and _is_gone(request)):
                logger.exception("request failed unexpectedly", extra={"request_id": request_id})
            response = failures.response(errors.ServiceError(), request_id)
            _give_up_if_begun(request)
        if not response.prepared:
            response.headers.setdefault(failures.REQUEST_ID, request_id)
        return response

    async def _answer(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        if (
            self._urls is not None
            and function_url.HOST_MARK in request.headers.get(hdrs.HOST, "").lower()
        ):
            return await self._urls(request)
        path, _, query = request.raw_path.partition("?")
        if self._invoke is not None and request.method == "POST":
            name = _invoked(path)
            if name is not None:
                return await self._invoke(request, [routes.decode_label(name)], request_id)
        return await self._route(request, path, query, request_id)

    async def _route(
        self, request: web.BaseRequest, path: str, raw_query: str, request_id: str
    ) -> web.StreamResponse:
        if not path.startswith("/"):
            # A proxy's absolute form (`GET http://host/path`).
            path = parse.urlsplit(path).path if "://" in path else ""
        for prefix, handler in self._extra:
            if path == prefix or path.startswith(prefix.rstrip("/") + "/"):
                return await handler(request)
        query = routes.split_query(raw_query.partition("#")[0])
        match = self._router.match(request.method, path, query)
        raw = self._raw_handlers.get(match.operation)
        if raw is not None:
            return await raw(request, match.labels, request_id)
        if self._admit is not None:
            self._admit(match.operation)
        return await self._call(request, match, query, request_id)

    async def _call(
        self,
        request: web.BaseRequest,
        match: routes.Match,
        query: list[tuple[str, str]],
        request_id: str,
    ) -> web.Response:
        with self._uploads.one() as take:
            body = await bodies.read(request, match.operation, take)
            return await self._answer_call(request, match, query, request_id, body)

    async def _answer_call(
        self,
        request: web.BaseRequest,
        match: routes.Match,
        query: list[tuple[str, str]],
        request_id: str,
        body: bytes | bytearray,
    ) -> web.Response:
        operation = self._service.operation_model(match.operation)

        def params() -> dict[str, Any]:
            labels = dict(zip(match.label_names, match.labels, strict=True))
            found = parsing.parse(operation, labels, query, request.headers, body)
            self._validator.check(operation, found)
            return found

        checked = await asyncio.to_thread(params) if len(body) > _INLINE_BYTES_MAX else params()
        handler = self._handlers.get(operation.name)
        if handler is None:
            raise errors.NotBuiltError(
                f"The operation {operation.name} is not built yet in Inglenook. "
                "See docs/compatibility.md"
            )
        reply = await handler(Call(operation=operation.name, params=checked, request_id=request_id))
        wire = serializing.serialize(operation, reply.output)
        status = wire.status if reply.status is None else reply.status
        return web.Response(status=status, headers=wire.headers, body=wire.body or None)


def _invoked(path: str) -> str | None:
    """Return the raw label of an Invoke's path, or None when it is another operation's."""
    if not path.startswith(_INVOKE_PREFIX) or not path.endswith(_INVOKE_SUFFIX):
        return None
    name = path[len(_INVOKE_PREFIX) : -len(_INVOKE_SUFFIX)]
    return name if name and "/" not in name else None


def _give_up_if_begun(request: web.BaseRequest) -> None:
    """Break the connection when another response has begun on it: a second would corrupt the first.

    The client sees a response cut short, which is the truth.
    """
    if request.writer.output_size and request.transport is not None:
        request.transport.abort()


def _is_gone(request: web.BaseRequest) -> bool:
    return request.transport is None or request.transport.is_closing()
