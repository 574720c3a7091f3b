"""The requests of the Runtime API that have a body or wait: what becomes of each as it arrives."""

import base64
import binascii
import uuid
from collections.abc import Callable, Mapping

from inglenook.model import limits
from inglenook.wire.connection import Body
from inglenook_agent.environment import outcome
from inglenook_agent.environment.runtime import Event
from inglenook_agent.runtime_api import answers
from inglenook_agent.runtime_api.exchange import Exchange
from inglenook_agent.runtime_api.session import Session

ERROR_TYPE = "lambda-runtime-function-error-type"
ERROR_BODY = "lambda-runtime-function-error-body"
INVOCATION = "Lambda-Runtime-Invocation-Id"
UNKNOWN_ERROR = "Function.Unknown"
_UNTYPED = "application/octet-stream"
_NEWLINES = str.maketrans("\r\n", "  ")


class Next:
    """The question for the next event."""

    def __init__(
        self, exchange: Exchange, session: Session, on_given: Callable[[str], None]
    ) -> None:
        """`on_given` hears the id of the invocation that is given."""
        self._exchange = exchange
        self._session = session
        self._on_given = on_given

    def piece(self, data: bytes) -> None:
        """Drop it: the question has no body."""

    def complete(self, trailers: Mapping[str, str]) -> None:
        del trailers
        self._session.ask(self)

    def lost(self) -> None:
        self._session.withdraw(self)

    def give(self, event: Event, body: Body) -> None:
        invocation_id = str(uuid.uuid4())
        self._on_given(invocation_id)
        self._exchange.answer(answers.Answer(body=body, headers=_headers(event, invocation_id)))

    def refuse(self, refused: answers.RefusedError) -> None:
        self._exchange.answer(refused.answer)


class Whole:
    """A body that is taken whole, up to the limit of an answer."""

    def __init__(self, exchange: Exchange, take: Callable[[Body | None], None]) -> None:
        """`take` is given the body, None if it is over the limit; it may raise a RefusedError."""
        self._exchange = exchange
        self._take = take
        self._pieces: list[bytes] = []
        self._size = 0

    def piece(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= limits.RESPONSE_BYTES_MAX:
            self._pieces.append(data)
        else:
            self._pieces.clear()

    def complete(self, trailers: Mapping[str, str]) -> None:
        del trailers
        if self._size > limits.RESPONSE_BYTES_MAX:
            self._take(None)
        else:
            self._take(self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces))
        self._exchange.answer(answers.ACCEPTED)

    def lost(self) -> None:
        """Nothing has been taken, and nothing is."""


class Streamed:
    """A response that is passed on as it comes."""

    def __init__(self, exchange: Exchange, session: Session, request_id: str) -> None:
        content_type = exchange.headers.get("content-type") or _UNTYPED
        self._sink = session.stream(request_id, content_type, exchange)
        self._exchange = exchange
        self._session = session
        self._is_ended = False

    def piece(self, data: bytes) -> None:
        if not self._is_ended and not self._sink.write(data):
            self._is_ended = True
            self._sink.end(self._overflowed, is_whole=False)

    def complete(self, trailers: Mapping[str, str]) -> None:
        if not self._is_ended:
            self._is_ended = True
            self._sink.end(lambda: self._passed_on(_error(trailers)), is_whole=True)

    def lost(self) -> None:
        if not self._is_ended:
            self._is_ended = True
            self._sink.end(self._session.stream_cut, is_whole=False)

    def _passed_on(self, error: tuple[str, Body] | None) -> None:
        # In this order: the process may end, or ask for more, as soon as it has its answer.
        self._session.streamed(error)
        self._exchange.answer(answers.ACCEPTED)

    def _overflowed(self) -> None:
        self._session.stream_overflow()
        text = "Exceeded maximum allowed payload size."
        self._exchange.answer(answers.ApiError(*answers.TOO_LARGE, text).answer)


def _error(trailers: Mapping[str, str]) -> tuple[str, Body] | None:
    """Return the type and the JSON of the error that trailers tell of."""
    error_type, encoded = trailers.get(ERROR_TYPE), trailers.get(ERROR_BODY)
    if not error_type and not encoded:
        return None
    error_type = error_type or UNKNOWN_ERROR
    if not encoded:
        return error_type, outcome.payload(error_type, "")
    try:
        return error_type, base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return error_type, encoded.encode("utf-8", "replace")


def _headers(event: Event, invocation_id: str) -> dict[str, str]:
    headers = {
        "Lambda-Runtime-Aws-Request-Id": event.id,
        "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": event.arn,
        "Lambda-Runtime-Trace-Id": event.trace_id,
        INVOCATION: invocation_id,
    }
    # JSON may hold newlines between its tokens; a header may not.
    if event.client_context is not None:
        headers["Lambda-Runtime-Client-Context"] = event.client_context.translate(_NEWLINES)
    if event.cognito_identity is not None:
        headers["Lambda-Runtime-Cognito-Identity"] = event.cognito_identity.translate(_NEWLINES)
    return headers
