"""An HTTP request as the event of payload format 2.0 that its function gets.

Pure. The path stays percent-encoded in `rawPath` and is decoded in `requestContext.http.path`; the
query stays as it came and is decoded, with repeated names joined by commas, in
`queryStringParameters`: so recorded events have it. What is absent of cookies, parameters and body
is absent in the event.

Source: dg/urls-invocation.html, "Request payload format".
"""

import base64
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any
from urllib import parse

import msgspec

from inglenook.aio import clock

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Of one connection, not of the request: no function sees them.
_OF_THE_CONNECTION = frozenset(
    (
        *("connection", "expect", "keep-alive", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    )
)
# As verified of payload format 2.0: everything else is binary, forms and bodies of no type as well.
_TEXT = frozenset(("application/json", "application/javascript", "application/xml"))
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is known of a request beside its body."""

    request_id: str
    url_id: str
    domain: str
    method: str
    raw_path: str
    raw_query: str
    protocol: str
    headers: Iterable[tuple[str, str]]
    """As they came, in order."""
    source_ip: str
    scheme: str
    port: int
    trace_id: str
    """The root only, as the event shows it."""
    now: float
    account_id: str = "anonymous"
    identity: Mapping[str, str | None] | None = None
    """Who signed; None where nobody needs to."""


def encode(request: Request, body: bytes | bytearray) -> bytes:
    """Return the event as JSON."""
    headers, cookies = _headers(request, body)
    raw_path = _ascii(request.raw_path)
    raw_query = _ascii(request.raw_query)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw_path,
        "rawQueryString": raw_query,
    }
    if cookies:
        event["cookies"] = cookies
    event["headers"] = headers
    if raw_query:
        event["queryStringParameters"] = _parameters(raw_query)
    event["requestContext"] = _context(request, raw_path, headers.get("user-agent"))
    if body:
        event["body"], event["isBase64Encoded"] = _body(headers.get("content-type", ""), body)
    else:
        event["isBase64Encoded"] = False
    return msgspec.json.encode(event)


def _context(request: Request, raw_path: str, user_agent: str | None) -> dict[str, Any]:
    context: dict[str, Any] = {"accountId": request.account_id, "apiId": request.url_id}
    if request.identity is not None:
        context["authorizer"] = {"iam": request.identity}
    return context | {
        "domainName": request.domain,
        "domainPrefix": request.url_id,
        "http": {
            "method": request.method,
            "path": parse.unquote(raw_path),
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": user_agent,
        },
        "requestId": request.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": _time(request.now),
        "timeEpoch": int(request.now * 1000),
    }


def _headers(request: Request, body: bytes | bytearray) -> tuple[dict[str, str], list[str]]:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for given, value in request.headers:
        name, value = given.lower(), _text(value)  # noqa: PLW2901 - as the event has them
        if name in _OF_THE_CONNECTION:
            continue
        if name == "cookie":
            cookies += [cookie.strip() for cookie in value.split(";") if cookie.strip()]
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    if request.identity is not None:
        headers.pop("authorization", None)
    if cookies:
        headers["cookie"] = "; ".join(cookies)
    if body:
        headers["content-length"] = str(len(body))
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = (
        f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip
    )
    headers["x-forwarded-port"] = str(request.port)
    headers["x-forwarded-proto"] = request.scheme
    headers["x-amzn-trace-id"] = request.trace_id
    return headers, cookies


def _parameters(raw_query: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in parse.parse_qsl(raw_query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


def _body(content_type: str, body: bytes | bytearray) -> tuple[str, bool]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in _TEXT:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            # Its type is wrong, or it is compressed; as text it would be damaged.
            pass
    return base64.b64encode(body).decode(), True


def _text(value: str) -> str:
    """Make a header's value text; bytes that are no UTF-8 come as surrogates, and are Latin-1."""
    if value.isascii():
        return value
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _ascii(raw: str) -> str:
    """Percent-encode what stands unencoded in a path or query, and must not."""
    if raw.isascii() and raw.isprintable() and " " not in raw:
        return raw
    return parse.quote(raw.encode("utf-8", "surrogateescape"), safe=_PRINTABLE)


def _time(seconds: float) -> str:
    at = clock.utc(seconds)
    return f"{at:%d}/{_MONTHS[at.month - 1]}/{at:%Y:%H:%M:%S} +0000"
