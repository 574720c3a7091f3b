"""What a function answers, as the HTTP response that its caller gets.

Pure. An object with a `statusCode` says what to respond; any other JSON is the body itself, without
the spaces between its parts, and a string without its quotes: so recorded responses have it, and
the documentation of strings differs. What cannot be a response is a `MalformedAnswer`, which the
caller sees as 502.

Source: dg/urls-invocation.html, "Response payload format".
"""

import base64
import binascii
import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import msgspec

JSON = "application/json"

_STATUS_MIN, _STATUS_MAX = 200, 599
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_VALUES = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# The connection's business, or told by the platform.
_DROPPED = frozenset(
    (
        *("connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade", "x-amzn-requestid", "x-amzn-trace-id"),
    )
)


class MalformedAnswer(Exception):  # noqa: N818 - what it is, and no failure of ours
    """The function's answer cannot become a response."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Status and headers; there is always a content type."""

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A whole response."""

    head: Head
    body: bytes


def read(payload: bytes | bytearray) -> Answer:
    """Interpret a function's payload. Raises MalformedAnswer."""
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise MalformedAnswer from exc
    if isinstance(value, dict) and "statusCode" in value:
        return Answer(head=head(value), body=_body(value))
    body = value.encode() if isinstance(value, str) else msgspec.json.format(payload, indent=-1)
    return Answer(head=Head(status=200, headers=(("Content-Type", JSON),)), body=body)


def head(told: Mapping[str, Any], *, content_type: str = JSON) -> Head:
    """Read status, headers and cookies; `content_type` stands in for none."""
    headers = [
        *_headers(told.get("headers")),
        *_headers(told.get("multiValueHeaders")),
        *(("Set-Cookie", value) for value in _cookies(told.get("cookies"))),
    ]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.insert(0, ("Content-Type", content_type))
    return Head(status=_status(told.get("statusCode", 200)), headers=tuple(headers))


def _status(value: object) -> int:
    # Some frameworks write it as text, and Lambda takes it.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:4])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not _STATUS_MIN <= value <= _STATUS_MAX
    ):
        raise MalformedAnswer
    return value


def _headers(given: object) -> list[tuple[str, str]]:
    if given is None:
        return []
    if not isinstance(given, dict):
        raise MalformedAnswer
    headers = []
    for name, value in given.items():
        if _NAME.fullmatch(name) is None:
            raise MalformedAnswer
        if name.lower() not in _DROPPED:
            values = value if isinstance(value, list) else [value]
            headers += [(name, _value(one)) for one in values if one is not None]
    return headers


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str() if _NOT_IN_VALUES.search(value) is None:
            return value
        case _:
            raise MalformedAnswer


def _cookies(given: object) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(cookie, str) for cookie in given):
        raise MalformedAnswer
    return [_value(cookie) for cookie in given]


def _body(told: Mapping[str, Any]) -> bytes:
    body = told.get("body")
    if body is None:
        return b""
    text = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    if told.get("isBase64Encoded") is not True:
        return text
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise MalformedAnswer from exc
