"""What the Runtime API answers: events, acceptance, and errors in AWS's form."""

import http
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from inglenook.wire.connection import Body

# Status and error type.
INVALID_REQUEST_ID = (400, "InvalidRequestID")
INVALID_RESPONSE_MODE = (400, "InvalidFunctionResponseMode")
NOT_ALLOWED = (403, "InvalidStateTransition")
TOO_LARGE = (413, "RequestEntityTooLarge")
NOT_BUILT = 501

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_REASONS = {status.value: status.phrase for status in http.HTTPStatus}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP response."""

    status: int = 200
    body: Body = b""
    content_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def head(self, *, keeps_alive: bool) -> bytes:
        """Return all that goes before the body."""
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS[self.status]}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        if not keeps_alive:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "\r\n"]).encode("utf-8", "surrogateescape")


def encode(value: object) -> bytes:
    return msgspec.json.encode(value)


ACCEPTED = Answer(status=202, body=b'{"status":"OK"}\n')
PONG = Answer(body=b"pong", content_type=_TEXT)
NOT_FOUND = Answer(status=404, body=b"404 page not found\n", content_type=_TEXT)
NOT_HTTP = Answer(status=400, body=b"400 Bad Request", content_type=_TEXT)
HEAD_TOO_LARGE = Answer(status=431, body=b"431 headers too large", content_type=_TEXT)


class RefusedError(Exception):
    """The process asked a wrong question; this is what it is told."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class ApiError(RefusedError):
    """A refusal in the form that AWS gives to most."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        body = encode({"errorMessage": message, "errorType": error_type})
        super().__init__(Answer(status=status, body=body))


def wrong_method(allowed: str) -> Answer:
    return Answer(status=405, content_type=_TEXT, headers={"Allow": allowed})
