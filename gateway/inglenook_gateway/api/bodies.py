"""Reading a request's body without ever holding more of it than the API allows.

A client that waits for `100 Continue` gets it just before the body is wanted, so that a request
refused for its size or its route costs no upload. What was not read is aiohttp's to drain. Bodies
are taken as they come: the API knows no compressed ones.
"""

import asyncio
from collections.abc import Callable

import aiohttp
from aiohttp import hdrs, http, http_exceptions, web

from inglenook import errors
from inglenook.model import limits
from inglenook_gateway.api import uploads

_GRACE_S = 30.0
_BYTES_PER_S = 16 * 1024
"""The slowest body that is waited for, after the grace; slower ones hold a connection for ever."""


async def read(request: web.BaseRequest, operation: str, take: uploads.Take) -> bytes | bytearray:
    """Read the whole body of a control-plane request; raise as `receive` and `take` do."""
    limit = limits.REQUEST_BYTES_MAX
    return await receive(request, limit, lambda _: _too_large(operation), take)


async def receive(
    request: web.BaseRequest,
    limit: int,
    too_large: Callable[[int], errors.ApiError],
    take: uploads.Take | None = None,
) -> bytes | bytearray:
    """Read the whole body, of at most `limit` bytes; `take` is told of each piece on its way.

    Raises `too_large` of its size as soon as that is known to be over the limit, and
    `SerializationError` when it does not arrive in the form that its headers promise, and
    `RequestTimeoutError` when it dribbles in.
    """
    length = request.content_length
    if length is not None and length > limit:
        raise too_large(length)
    if not request.can_read_body:
        return b""
    await _invite(request)
    content = request.content
    try:
        if content.is_eof():
            # It came with the head, as small ones do: no wait, no timer.
            body = content.read_nowait()
            if len(body) > limit:
                raise too_large(len(body))
            return body
        return await _arriving(content, limit, too_large, take)
    except TimeoutError as exc:
        raise errors.RequestTimeoutError from exc
    except (
        aiohttp.ClientError,
        web.RequestPayloadError,
        http_exceptions.HttpProcessingError,
    ) as exc:
        raise errors.SerializationError("The request body could not be read") from exc


async def _arriving(
    content: aiohttp.StreamReader,
    limit: int,
    too_large: Callable[[int], errors.ApiError],
    take: uploads.Take | None,
) -> bytearray:
    """Gather a body that is on its way. Raises TimeoutError when it comes too slowly."""
    body = bytearray()
    async with asyncio.timeout(_GRACE_S) as budget:
        began = asyncio.get_running_loop().time()
        async for chunk in content.iter_any():
            if take is not None:
                take(len(chunk))
            body += chunk
            if len(body) > limit:
                raise too_large(len(body))
            budget.reschedule(began + _GRACE_S + len(body) / _BYTES_PER_S)
    return body


async def _invite(request: web.BaseRequest) -> None:
    """Send `100 Continue` if the client waits for it."""
    expected = request.headers.get(hdrs.EXPECT)
    if expected is None or request.version != http.HttpVersion11:
        return
    if expected.lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The interim response is not part of the response that aiohttp counts.
        request.writer.output_size = 0


def _too_large(operation: str) -> errors.RequestEntityTooLargeError:
    return errors.RequestEntityTooLargeError(
        f"Request must be smaller than {limits.REQUEST_BYTES_MAX} bytes for the "
        f"{operation} operation"
    )
