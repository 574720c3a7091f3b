"""What the Runtime API answers beside events: acceptance, and errors in AWS's form."""

import msgspec
from aiohttp import web

# Status and error type.
INVALID_REQUEST_ID = (400, "InvalidRequestID")
INVALID_RESPONSE_MODE = (400, "InvalidFunctionResponseMode")
NOT_ALLOWED = (403, "InvalidStateTransition")
TOO_LARGE = (413, "RequestEntityTooLarge")
NOT_BUILT = 501

_JSON = "application/json"


class ApiError(Exception):
    """The process asked a wrong question."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message


def encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def accepted() -> web.Response:
    return web.Response(status=202, body=b'{"status":"OK"}\n', content_type=_JSON)


def error(status: int, error_type: str, message: str) -> web.Response:
    body = encode({"errorMessage": message, "errorType": error_type})
    return web.Response(status=status, body=body, content_type=_JSON)


def not_found() -> web.Response:
    return web.Response(status=404, text="404 page not found\n")


def wrong_method(allowed: str) -> web.Response:
    return web.Response(status=405, headers={"Allow": allowed})
