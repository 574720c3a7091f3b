"""The Runtime API over HTTP, on a loopback port of its own for each environment.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; what it leaves open is answered as
AWS's own emulator does. The server outlives the environment's processes, which have a session each.
Streamed responses are gathered and handed on whole; an error in a stream's trailers is not told
apart yet. The Extensions, Logs and Telemetry APIs answer that they are not built.
"""

import asyncio
import logging
import socket
import uuid

from aiohttp import web

from inglenook.model import limits
from inglenook.wire.connection import Body
from inglenook_agent.environment.runtime import Event
from inglenook_agent.runtime_api import answers
from inglenook_agent.runtime_api.session import Session, State

_BASE = "/2018-06-01/"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_MODE = "Lambda-Runtime-Function-Response-Mode"
_INVOCATION = "Lambda-Runtime-Invocation-Id"
_MODES = frozenset({"", "buffered", "streaming"})
_NOT_BUILT = {
    "2020-01-01": ("Extension.NotSupported", "The Extensions API is not built yet."),
    "2020-08-15": ("Logs.NotSupported", "The Logs API is not built yet."),
    "2022-07-01": ("Telemetry.NotSupported", "The Telemetry API is not built yet."),
}
# AWS's Python client sends up to 1 MB of X-Ray cause in a header.
_HEADER_BYTES_MAX = 2 * limits.MIB
_READ_BYTES = limits.MIB
_KEEP_ALIVE_S = 24 * 3600.0
_UNKNOWN_ERROR = "Function.Unknown"
_NEWLINES = str.maketrans("\r\n", "  ")


class Server:
    """One environment's Runtime API."""

    def __init__(self) -> None:
        self.address = ""
        """`host:port`, once it is open."""
        self.session: Session | None = None
        """The present process; without one every question is refused."""
        self._server: asyncio.Server | None = None
        self._http: web.Server | None = None
        self._invocation_id = ""

    async def open(self) -> None:
        """Begin to listen on a free port."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{listener.getsockname()[1]}"
        # aiohttp's errors quote what was sent, and that is the function's own business.
        quiet = logging.getLogger(f"{__name__}.http")
        quiet.disabled = True
        self._http = web.Server(
            self._handle,
            handler_cancellation=True,  # a process that hangs up does not wait for its event
            access_log=None,
            logger=quiet,
            keepalive_timeout=_KEEP_ALIVE_S,
            max_line_size=_HEADER_BYTES_MAX,
            max_field_size=_HEADER_BYTES_MAX,
            read_bufsize=_READ_BYTES,
            auto_decompress=False,
        )
        self._server = await asyncio.get_running_loop().create_server(self._http, sock=listener)

    async def close(self) -> None:
        """Stop listening and cut what is connected."""
        if self._server is not None:
            self._server.close()
        if self._http is not None:
            await self._http.shutdown(timeout=0)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._route(request)
        except answers.ApiError as exc:
            return answers.error(exc.status, exc.error_type, exc.message)

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        parts = path.removeprefix(f"{_BASE}runtime/").split("/") if path.startswith(_BASE) else []
        match parts:
            case ["invocation", "next"]:
                return await self._next(request)
            case ["invocation", request_id, "response"]:
                return await self._response(request, request_id)
            case ["invocation", request_id, "error"]:
                return await self._error(request, request_id)
            case ["init", "error"]:
                return await self._init_error(request)
            case _:
                return self._other(request)

    def _other(self, request: web.BaseRequest) -> web.Response:
        path = request.path
        if path in ("/ping", f"{_BASE}ping"):
            is_get = request.method == "GET"
            return web.Response(text="pong") if is_get else answers.wrong_method("GET")
        version, _, rest = path.lstrip("/").partition("/")
        if version in _NOT_BUILT and rest:
            return answers.error(answers.NOT_BUILT, *_NOT_BUILT[version])
        return answers.not_found()

    async def _next(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "GET":
            return answers.wrong_method("GET")
        event, body = await self._present().next()
        self._invocation_id = str(uuid.uuid4())
        return web.Response(
            body=bytes(body) if isinstance(body, memoryview) else body,
            headers=_headers(event, self._invocation_id),
        )

    async def _response(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        if request.method != "POST":
            return answers.wrong_method("POST")
        session = self._present()
        self._check(request, session, request_id, State.ANSWERED)
        mode = request.headers.get(_MODE, "")
        if mode.lower() not in _MODES:
            session.break_mode(request_id, mode)
        body = await _read(request)
        if body is None:
            session.overflow(request_id)
        else:
            session.answer(request_id, body)
        return answers.accepted()

    async def _error(self, request: web.BaseRequest, request_id: str) -> web.StreamResponse:
        if request.method != "POST":
            return answers.wrong_method("POST")
        session = self._present()
        self._check(request, session, request_id, State.FAILED)
        body = await _read(request)
        if body is None:
            session.overflow(request_id)
        else:
            session.fail(request_id, request.headers.get(_ERROR_TYPE, _UNKNOWN_ERROR), body)
        return answers.accepted()

    async def _init_error(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "POST":
            return answers.wrong_method("POST")
        body = await _read(request)
        error_type = request.headers.get(_ERROR_TYPE, "Runtime.Unknown")
        self._present().fail_init(error_type, body if body is not None else b"")
        return answers.accepted()

    def _check(
        self, request: web.BaseRequest, session: Session, request_id: str, to: State
    ) -> None:
        session.check(request_id, to)
        # A retry has the request id of its first attempt; this tells their answers apart.
        said = request.headers.get(_INVOCATION)
        if said and said != self._invocation_id:
            raise answers.ApiError(*answers.INVALID_REQUEST_ID, "Invalid invocation ID")

    def _present(self) -> Session:
        if self.session is None:
            raise answers.ApiError(*answers.NOT_ALLOWED, "No process of this environment runs")
        return self.session


def _headers(event: Event, invocation_id: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": event.id,
        "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": event.arn,
        "Lambda-Runtime-Trace-Id": event.trace_id,
        _INVOCATION: invocation_id,
    }
    # JSON may hold newlines between its tokens; a header may not.
    if event.client_context is not None:
        headers["Lambda-Runtime-Client-Context"] = event.client_context.translate(_NEWLINES)
    if event.cognito_identity is not None:
        headers["Lambda-Runtime-Cognito-Identity"] = event.cognito_identity.translate(_NEWLINES)
    return headers


async def _read(request: web.BaseRequest) -> Body | None:
    """Return the whole body, or None if it is over the limit: then it is read and dropped."""
    chunks: list[bytes] = []
    length = 0
    async for chunk in request.content.iter_any():
        length += len(chunk)
        if length <= limits.RESPONSE_BYTES_MAX:
            chunks.append(chunk)
        else:
            chunks.clear()
    if length > limits.RESPONSE_BYTES_MAX:
        return None
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
