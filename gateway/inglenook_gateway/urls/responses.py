"""The HTTP responses of function URLs, as aiohttp sends them.

`Shared` is what every response to one request has: its id, its trace, the platform's CORS headers.
"""

import dataclasses
from typing import TypeVar

import msgspec
from aiohttp import web

from inglenook_gateway.api import failures
from inglenook_gateway.urls import answer, prelude
from inglenook_gateway.urls.cors import Headers

R = TypeVar("R", bound=web.StreamResponse)


@dataclasses.dataclass(kw_only=True, slots=True)
class Shared:
    """What all responses to one request have in common."""

    request_id: str
    headers: Headers
    trace_id: str | None = None

    def on(self, response: R) -> R:
        """Add it to a response that has not begun, beside what the function said."""
        for name, value in self.headers:
            response.headers.add(name, value)
        response.headers[failures.REQUEST_ID] = self.request_id
        if self.trace_id is not None:
            response.headers["X-Amzn-Trace-Id"] = self.trace_id
        return response


def interpreted(payload: bytes | bytearray) -> answer.Answer:
    """Read a whole payload, also one that a function wrote to be streamed.

    Raises MalformedAnswer.
    """
    try:
        return answer.read(payload)
    except answer.MalformedAnswer:
        if b"\0" in payload:
            return prelude.split(payload)
        raise


def whole(told: answer.Answer) -> web.Response:
    response = web.Response(status=told.head.status, body=told.body)
    _set_headers(response, told.head)
    return response


def begun(head: answer.Head) -> web.StreamResponse:
    """Return a response whose body follows."""
    response = web.StreamResponse(status=head.status)
    _set_headers(response, head)
    return response


def refused(message: str | None, request_id: str) -> web.Response:
    """Answer 403: without a message for what does not exist."""
    return web.Response(
        status=403,
        body=msgspec.json.encode({"Message": message}),
        headers={
            "Content-Type": answer.JSON,
            failures.ERROR_TYPE: "AccessDeniedException",
            failures.REQUEST_ID: request_id,
        },
    )


def bad_gateway() -> web.Response:
    """Answer that the function failed, or answered what is no response."""
    return web.Response(
        status=502, body=b"Internal Server Error", headers={"Content-Type": answer.JSON}
    )


def preflight(headers: Headers, request_id: str) -> web.Response:
    """Answer an OPTIONS request in the function's place."""
    return web.Response(
        headers=[*headers, ("Content-Type", answer.JSON), (failures.REQUEST_ID, request_id)]
    )


def _set_headers(response: web.StreamResponse, head: answer.Head) -> None:
    # What aiohttp has set itself (a content type) gives way.
    for name, _ in head.headers:
        response.headers.popall(name, None)
    for name, value in head.headers:
        response.headers.add(name, value)
