"""The Runtime API over HTTP, on a loopback port of its own for each environment.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; what it leaves open is answered as
AWS's own emulator does. The server outlives the environment's processes, which have a session each.
The Extensions, Logs and Telemetry APIs answer that they are not built.
"""

import asyncio
import socket
from functools import partial

from inglenook.wire.connection import Body
from inglenook_agent.runtime_api import answers, protocol, requests
from inglenook_agent.runtime_api.exchange import Exchange, Receiver
from inglenook_agent.runtime_api.session import Session, State

_BASE = "/2018-06-01/"
_RUNTIME = f"{_BASE}runtime/"
_MODE = "lambda-runtime-function-response-mode"
_STREAMING = "streaming"
_MODES = frozenset({"", "buffered", _STREAMING})
_TURNS_TO_ACCEPT = 3
"""Of the loop, from a connection that waits to one that its server knows."""
_NOT_BUILT = {
    "2020-01-01": ("Extension.NotSupported", "The Extensions API is not built yet."),
    "2020-08-15": ("Logs.NotSupported", "The Logs API is not built yet."),
    "2022-07-01": ("Telemetry.NotSupported", "The Telemetry API is not built yet."),
}


class Server:
    """One environment's Runtime API."""

    def __init__(self) -> None:
        self.address = ""
        """`host:port`, once it is open."""
        self.session: Session | None = None
        """The present process; without one every question is refused."""
        self._server: asyncio.Server | None = None
        self._connections = protocol.Connections(self._hung_up)
        self._invocation_id = ""

    async def open(self) -> None:
        """Begin to listen on a free port."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{listener.getsockname()[1]}"
        self._server = await asyncio.get_running_loop().create_server(
            lambda: protocol.HttpConnection(self._route, self._connections), sock=listener
        )

    async def close(self) -> None:
        """Stop listening and cut what is connected."""
        if self._server is not None:
            # Who was being accepted while its server closes is left open by asyncio, and nobody's.
            for _ in range(_TURNS_TO_ACCEPT):
                await asyncio.sleep(0)
            self._server.close()
        await self._connections.close()

    def _route(self, exchange: Exchange) -> Receiver:
        path = exchange.path
        parts = path.removeprefix(_RUNTIME).split("/") if path.startswith(_RUNTIME) else []
        match parts:
            case ["invocation", "next"]:
                _check_method(exchange, "GET")
                return requests.Next(exchange, self._present(), self._given)
            case ["invocation", request_id, "response"]:
                return self._response(exchange, request_id)
            case ["invocation", request_id, "error"]:
                _check_method(exchange, "POST")
                session = self._present()
                self._check(exchange, session, request_id, State.FAILED)
                error_type = exchange.headers.get(requests.ERROR_TYPE, requests.UNKNOWN_ERROR)
                return requests.Whole(exchange, partial(_fail, session, request_id, error_type))
            case ["init", "error"]:
                _check_method(exchange, "POST")
                error_type = exchange.headers.get(requests.ERROR_TYPE, "Runtime.Unknown")
                return requests.Whole(exchange, partial(_fail_init, self._present(), error_type))
            case _:
                raise answers.RefusedError(_other(exchange))

    def _response(self, exchange: Exchange, request_id: str) -> Receiver:
        _check_method(exchange, "POST")
        session = self._present()
        mode = exchange.headers.get(_MODE, "")
        is_streaming = mode.lower() == _STREAMING
        self._check(
            exchange, session, request_id, State.STREAMING if is_streaming else State.ANSWERED
        )
        if mode.lower() not in _MODES:
            session.break_mode(request_id, mode)
        if is_streaming:
            return requests.Streamed(exchange, session, request_id)
        return requests.Whole(exchange, partial(_answer, session, request_id))

    def _check(self, exchange: Exchange, session: Session, request_id: str, to: State) -> None:
        session.check(request_id, to)
        # A retry has the request id of its first attempt; this tells their answers apart.
        said = exchange.headers.get(requests.INVOCATION.lower())
        if said and said != self._invocation_id:
            raise answers.ApiError(*answers.INVALID_REQUEST_ID, "Invalid invocation ID")

    @property
    def is_connected(self) -> bool:
        """Whether anybody may still say something."""
        return len(self._connections) > 0

    def _hung_up(self) -> None:
        if self.session is not None:
            self.session.hung_up()

    def _given(self, invocation_id: str) -> None:
        self._invocation_id = invocation_id

    def _present(self) -> Session:
        if self.session is None:
            raise answers.ApiError(*answers.NOT_ALLOWED, "No process of this environment runs")
        return self.session


def _answer(session: Session, request_id: str, body: Body | None) -> None:
    if body is None:
        session.overflow(request_id)
    else:
        session.answer(request_id, body)


def _fail(session: Session, request_id: str, error_type: str, body: Body | None) -> None:
    if body is None:
        session.overflow(request_id)
    else:
        session.fail(request_id, error_type, body)


def _fail_init(session: Session, error_type: str, body: Body | None) -> None:
    session.fail_init(error_type, body if body is not None else b"")


def _check_method(exchange: Exchange, allowed: str) -> None:
    if exchange.method != allowed:
        raise answers.RefusedError(answers.wrong_method(allowed))


def _other(exchange: Exchange) -> answers.Answer:
    path = exchange.path
    if path in ("/ping", f"{_BASE}ping"):
        return answers.PONG if exchange.method == "GET" else answers.wrong_method("GET")
    version, _, rest = path.lstrip("/").partition("/")
    if version in _NOT_BUILT and rest:
        return answers.ApiError(answers.NOT_BUILT, *_NOT_BUILT[version]).answer
    return answers.NOT_FOUND
