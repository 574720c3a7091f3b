"""Reading a request's body without ever holding more of it than the API allows.

A client that waits for `100 Continue` gets it just before the body is wanted, so that a request
refused for its size or its route costs no upload. What was not read is aiohttp's to drain.
"""

import aiohttp
from aiohttp import hdrs, http, http_exceptions, web

from inglenook import errors
from inglenook.model import limits


async def invite(request: web.BaseRequest) -> None:
    """Send `100 Continue` if the client waits for it. Call once, before reading the body."""
    expected = request.headers.get(hdrs.EXPECT)
    if expected is None or request.version != http.HttpVersion11:
        return
    if expected.lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The interim response is not part of the response that aiohttp counts.
        request.writer.output_size = 0


async def read(request: web.BaseRequest, operation: str) -> bytes | bytearray:
    """Read the whole body of a control-plane request.

    Raises `RequestEntityTooLargeError` as soon as the body is known to be too large, and
    `SerializationError` when it does not arrive in the form that its headers promise.
    """
    if (request.content_length or 0) > limits.REQUEST_BYTES_MAX:
        raise _too_large(operation)
    if not request.can_read_body:
        return b""
    await invite(request)
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            if len(body) + len(chunk) > limits.REQUEST_BYTES_MAX:
                raise _too_large(operation)
            body += chunk
    except (
        aiohttp.ClientError,
        web.RequestPayloadError,
        http_exceptions.HttpProcessingError,
    ) as exc:
        raise errors.SerializationError("The request body could not be read") from exc
    return body


def _too_large(operation: str) -> errors.RequestEntityTooLargeError:
    return errors.RequestEntityTooLargeError(
        f"Request must be smaller than {limits.REQUEST_BYTES_MAX} bytes for the "
        f"{operation} operation"
    )
