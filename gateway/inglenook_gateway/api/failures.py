"""Errors of the taxonomy as responses of the Lambda API.

The code stands in `x-amzn-ErrorType`, where SDKs look first; the body holds the message under the
key that the error's shape has, and `Type` where it has one.
"""

import msgspec
from aiohttp import web

from inglenook import errors
from inglenook_gateway.api import serializing

REQUEST_ID = "x-amzn-RequestId"
ERROR_TYPE = "x-amzn-ErrorType"


def response(error: errors.ApiError, request_id: str) -> web.Response:
    """Answer with an error."""
    # A message may quote a header, in which aiohttp shows bytes that are no text as surrogates.
    message = error.message.encode(errors="surrogateescape").decode(errors="replace")
    body: dict[str, object] = {error.message_key: message, **error.members()}
    if error.fault is not None:
        body["Type"] = error.fault
    headers = {
        REQUEST_ID: request_id,
        ERROR_TYPE: error.code,
        "Content-Type": serializing.JSON,
        **error.headers(),
    }
    return web.Response(status=error.status, headers=headers, body=msgspec.json.encode(body))
