"""Responses whose body is passed on while the function writes it.

The head of the response leaves as soon as it is known, each piece as it comes. A function that
fails before its head is 502; one that fails later breaks the connection, so that the caller sees a
response cut short. A caller who hangs up stops nothing.

Source: dg/configuration-response-streaming.html, dg/response-streaming-tutorial.html.
"""

import contextlib
from typing import TYPE_CHECKING

from aiohttp import web

from inglenook import errors
from inglenook.routing.streaming import ResponseStream
from inglenook_gateway.api import outgoing
from inglenook_gateway.urls import answer, prelude, responses

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

_WITHOUT_BODY = frozenset((204, 304))


async def respond(
    request: web.BaseRequest, stream: ResponseStream, shared: responses.Shared
) -> web.StreamResponse:
    """Send what a stream brings. Raises MalformedAnswer or an ApiError if nothing has been sent."""
    with contextlib.closing(stream):
        head, first = await _begin(stream)
        response = shared.on(responses.begun(head))
        if request.method == "HEAD" or head.status in _WITHOUT_BODY:
            return response
        await response.prepare(request)
        if first:
            await outgoing.write(request, response, first)
        if not await _pass_on(stream, request, response):
            _break_off(request)
        return response


async def _begin(stream: ResponseStream) -> "tuple[answer.Head, Body]":
    """Read up to the head of the response, and what came with it of the body."""
    await stream.begun()
    if stream.is_streamed and _kind(stream.content_type) == prelude.CONTENT_TYPE:
        reading = prelude.Prelude()
        async for piece in stream:
            found = reading.feed(piece)
            if found is not None:
                return found
        raise answer.MalformedAnswer
    first = await stream.read()
    if first is None and stream.outcome.result.error is not None:
        raise answer.MalformedAnswer
    # A runtime that does not stream has answered JSON.
    default = prelude.DEFAULT_TYPE if stream.is_streamed else answer.JSON
    content_type = stream.content_type or default
    return answer.Head(status=200, headers=(("Content-Type", content_type),)), first or b""


async def _pass_on(
    stream: ResponseStream, request: web.BaseRequest, response: web.StreamResponse
) -> bool:
    """Write the rest; return whether the function came to its end."""
    try:
        async for piece in stream:
            await outgoing.write(request, response, piece)
    except errors.ApiError:
        return False
    return stream.outcome.result.error is None


def _break_off(request: web.BaseRequest) -> None:
    """End the connection after what was written, without the mark that ends a response."""
    if request.transport is not None:
        request.transport.close()


def _kind(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()
