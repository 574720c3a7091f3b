"""Errors of the taxonomy as responses of the Lambda API.

The code stands in `x-amzn-ErrorType`, where SDKs look first; the body holds the message under the
key that the error's shape has, and `Type` where it has one.
"""

import msgspec
from aiohttp import web

from inglenook import errors
from inglenook_gateway.api import serializing, whole

REQUEST_ID = "x-amzn-RequestId"
ERROR_TYPE = "x-amzn-ErrorType"


def answer(error: errors.ApiError, request_id: str) -> whole.Answer:
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
    return whole.Answer(error.status, headers, msgspec.json.encode(body))


def response(error: errors.ApiError, request_id: str) -> web.Response:
    """Answer with an error, through aiohttp."""
    status, headers, body = answer(error, request_id)
    return web.Response(status=status, headers=headers, body=body)
