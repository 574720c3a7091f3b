"""Invokes that arrive whole, read and answered without a web framework.

Most requests of a busy platform are one thing: `POST …/invocations` with its body right behind its
head, in one piece. Such a piece is recognised here, by a grammar that is deliberately narrower than
HTTP: whatever does not fit it to the byte (another operation, a body that is still on its way, a
second request behind it, chunks, `Expect`, a length given twice, bytes beyond ASCII) is not read
here at all, and is `http_server`'s to hand to aiohttp as it came. So nothing has to be refused
here, and there is no second opinion on what odd requests mean. Only of a large body more may come
later: then the head is read by the same grammar, and `Begun` takes the rest.

Pure: bytes in, values out, and the other way round.
"""

import http
import re
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import helpers
from aiohttp.http import SERVER_SOFTWARE

from inglenook.model import function_url, limits

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

_HEAD_BYTES_MAX = 8 * 1024
_BODY_DIGITS_MAX = 9

_HEAD = re.compile(
    rb"POST /2015-03-31/functions/([A-Za-z0-9_:.$-]++)/invocations"
    rb"(?:\?Qualifier=([A-Za-z0-9_.$-]++))? HTTP/1\.1\r\n"
    rb"(?:[A-Za-z0-9!#$%&'*+.^_`|~-]++:[\t -~]*+\r\n)++\r\n"
)
_ANY_HEAD = re.compile(
    rb"(?:POST|PUT|GET|DELETE) /[!-~]*+ HTTP/1\.1\r\n"
    rb"(?:[A-Za-z0-9!#$%&'*+.^_`|~-]++:[\t -~]*+\r\n)*+\r\n"
)
_FIELD = re.compile(
    r"\n(?i:(content-length|transfer-encoding|upgrade|expect|connection|host"
    r"|x-amz-invocation-type|x-amz-log-type|x-amz-client-context|x-amzn-trace-id)"
    r"):[\t ]*+([^\r]*)"
)
"""The header fields that mean something here, in a head that is known to be one."""
_JOINED_BYTES_MAX = 64 * 1024
"""Up to here one copy costs less than a second buffer to write."""
_GATHERED_BYTES_MIN = 128 * 1024
"""From here on a body is gathered here. Smaller ones seldom come in many pieces."""


class Invoke(NamedTuple):
    """A request for a synchronous Invoke."""

    name: str
    """As it stands in the path; nothing in it is encoded."""
    qualifier: str | None
    headers: dict[str, str]
    """Those that mean something to an Invoke, by their names in lower case."""
    payload: bytes | bytearray


class Answer(NamedTuple):
    """A response that is there as a whole."""

    status: int
    headers: dict[str, str]
    body: "Body"


class Begun:
    """A request of which the head is there and a large body is on its way."""

    __slots__ = ("_body", "_have", "_head", "_invoke")

    def __init__(self, head: bytes, invoke: Invoke, length: int) -> None:
        """Take a head and what it says; `invoke.payload` is what has come of the body."""
        self._head = head
        self._invoke = invoke
        # Whole from the start: one that grows is moved again and again.
        self._body = bytearray(length)
        self._have = 0
        self.add(invoke.payload)

    @property
    def to_come(self) -> int:
        """How many bytes are missing."""
        return len(self._body) - self._have

    def add(self, data: bytes | bytearray) -> None:
        """Take the next bytes of the body, no more than are missing."""
        end = self._have + len(data)
        self._body[self._have : end] = data
        self._have = end

    def whole(self) -> Invoke:
        """Return the request, of which nothing is missing."""
        return self._invoke._replace(payload=self._body)

    def pieces(self) -> tuple[bytes, bytes]:
        """Return all that has come, as it came: the head, and the beginning of the body."""
        return self._head, bytes(memoryview(self._body)[: self._have])


def read(data: bytes) -> Invoke | None:
    """Return the request that `data` is, if it is one of these and nothing else."""
    head = _HEAD.match(data)
    if head is None or (end := head.end()) > _HEAD_BYTES_MAX:
        return None
    headers = _fields(head[0])
    if headers is None or len(data) - end != _length(headers) or not _is_plain(headers):
        return None
    qualifier = head[2]
    return Invoke(
        str(head[1], "ascii"),
        None if qualifier is None else str(qualifier, "ascii"),
        headers,
        data[end:],
    )


def begun(data: bytes) -> Begun | None:
    """Return the request that `data` begins, if it is one of these with a large body to come.

    Not one whose body is larger than an event may be: who refuses that need not read it.
    """
    head = _HEAD.match(data)
    if head is None or head.end() > _HEAD_BYTES_MAX:
        return None
    headers = _fields(head[0])
    if headers is None or not _is_plain(headers):
        return None
    length, have = _length(headers) or 0, len(data) - head.end()
    if not _GATHERED_BYTES_MIN <= length <= limits.PAYLOAD_BYTES_MAX or have >= length:
        return None
    qualifier = None if head[2] is None else str(head[2], "ascii")
    invoke = Invoke(str(head[1], "ascii"), qualifier, headers, data[head.end() :])
    return Begun(head[0], invoke, length)


def rest(data: bytes) -> int | None:
    """Return how many bytes of the request that begins with `data` are still to come.

    None: that cannot be told without being an HTTP server, or more than one request has begun.
    """
    head = _ANY_HEAD.match(data)
    if head is None:
        return None
    headers = _fields(head[0])
    if headers is None:
        return None
    length = _length(headers) if "content-length" in headers else 0
    if length is None or _is_framed_otherwise(headers):
        return None
    to_come = head.end() + length - len(data)
    return to_come if to_come >= 0 else None


def _fields(head: bytes) -> dict[str, str] | None:
    """Return the header fields that mean something here; None if there are two of one name."""
    found = _FIELD.findall(str(head, "ascii"))
    headers = {name.lower(): value.rstrip() for name, value in found}
    return headers if len(headers) == len(found) else None


def _is_plain(headers: dict[str, str]) -> bool:
    """Whether nothing in a head asks for more than a synchronous answer on a kept connection."""
    return (
        "expect" not in headers
        and headers.get("connection", "keep-alive").lower() == "keep-alive"
        and headers.get("x-amz-invocation-type", "RequestResponse") == "RequestResponse"
        and function_url.HOST_MARK not in headers.get("host", function_url.HOST_MARK).lower()
    )


def _is_framed_otherwise(headers: dict[str, str]) -> bool:
    return "transfer-encoding" in headers or "upgrade" in headers


def _length(headers: dict[str, str]) -> int | None:
    if _is_framed_otherwise(headers):
        return None
    digits = headers.get("content-length", "")
    return int(digits) if digits.isdigit() and len(digits) <= _BODY_DIGITS_MAX else None


def written(answer: Answer) -> tuple[bytes, "Body"]:
    """Return a response's bytes in two parts, the second of which may be empty.

    No header may hold what a client sent, but for printable ASCII.
    """
    status, headers, body = answer
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\n{''.join(lines)}Content-Length: {len(body)}\r\n"
        f"Date: {helpers.rfc822_formatted_time()}\r\nServer: {SERVER_SOFTWARE}\r\n\r\n"
    ).encode("latin-1")
    if len(body) > _JOINED_BYTES_MAX:
        return head, body
    return b"".join((head, body)), b""


_REASONS = {status.value: status.phrase for status in http.HTTPStatus}
