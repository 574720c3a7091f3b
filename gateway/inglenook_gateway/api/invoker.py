"""Whole Invokes (`whole`), answered by callbacks: no task, no request or response object.

What `front` does for requests of aiohttp's: each gets an id, errors of the taxonomy become answers
here and nowhere else, and anything else that escapes is logged once, here, and answered as
`ServiceException`.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from inglenook import errors
from inglenook.model import request_ids
from inglenook_gateway.api import failures, whole

if TYPE_CHECKING:
    import asyncio

logger = logging.getLogger(__name__)

Respond = Callable[[whole.Answer], None]
Finish = Callable[[], whole.Answer]
Begin = Callable[[whole.Invoke, str], tuple["asyncio.Future[Any]", Finish]]
"""Given a request and its id, return a future, and what answers once that is done.

Both may raise an ApiError.
"""


class Invoker:
    """Answer whole Invokes."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._ids = request_ids.RequestIds()

    def invoke(self, request: whole.Invoke, respond: Respond) -> None:
        """Call `respond` once: before this returns, or when the function has answered."""
        request_id = self._ids.new()
        try:
            future, finish = self._begin(request, request_id)
        except Exception as exc:  # noqa: BLE001 - logged and answered
            respond(_failed(exc, request_id))
            return
        future.add_done_callback(lambda _: respond(_finished(finish, request_id)))


def _finished(finish: Finish, request_id: str) -> whole.Answer:
    try:
        return finish()
    except Exception as exc:  # noqa: BLE001 - logged and answered
        return _failed(exc, request_id)


def _failed(exc: Exception, request_id: str) -> whole.Answer:
    if not isinstance(exc, errors.ApiError):
        logger.error("request failed unexpectedly", exc_info=exc, extra={"request_id": request_id})
        exc = errors.ServiceError()
    return failures.answer(exc, request_id)
