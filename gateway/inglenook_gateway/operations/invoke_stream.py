"""InvokeWithResponseStream: the answer as an event stream, each piece as the function writes it.

The head of the response leaves with the first piece, or at the end of a function that writes none;
errors before that are errors of the API as Invoke's are, in the same order. From then on the status
is 200, and what went wrong is in the last event: `InvokeComplete` names the error's type and has
its JSON as details. A caller who hangs up stops nothing.

Source: api/API_InvokeWithResponseStream.html, dg/configuration-response-streaming.html.
"""

import contextlib
from collections.abc import Sequence

import msgspec
from aiohttp import web

from inglenook import errors
from inglenook.aio import clock
from inglenook.catalog import targets
from inglenook.catalog.target import Target
from inglenook.model import account
from inglenook.routing import invocation, streaming
from inglenook.routing.streaming import ResponseStream
from inglenook.telemetry import sampling
from inglenook_gateway.api import eventstream, failures, outgoing
from inglenook_gateway.operations import invoke

_INVOCATION_TYPES = ("RequestResponse", "DryRun")


class _Complete(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The payload of the last event."""

    ErrorCode: str | None = None
    ErrorDetails: str | None = None
    LogResult: str | None = None


class InvokeWithResponseStream:
    """Serve InvokeWithResponseStream for the functions in a catalog."""

    def __init__(
        self,
        *,
        aims: targets.Targets,
        runner: streaming.StreamRunner,
        owner: account.Account,
        time: clock.Clock,
        headers: sampling.Headers,
    ) -> None:
        self._aims = aims
        self._runner = runner
        self._owner = owner
        self._clock = time
        self._headers = headers

    async def handle(
        self, request: web.BaseRequest, labels: Sequence[str], request_id: str
    ) -> web.StreamResponse:
        """Answer one request; `labels` holds the decoded function name of its path."""
        received_at = self._clock.monotonic()
        headers = request.headers
        invocation_type = headers.get("X-Amz-Invocation-Type", "RequestResponse")
        log_type = headers.get("X-Amz-Log-Type", "None")
        if invocation_type not in _INVOCATION_TYPES or log_type not in invoke.LOG_TYPES:
            raise invoke.unknown_choice(invocation_type, log_type, _INVOCATION_TYPES)
        ref = self._owner.ref(labels[0], request.query.get("Qualifier"))
        target, payload = await invoke.aim(self._aims, ref, request, invocation_type)
        if invocation_type == "DryRun":
            return web.Response(status=204, headers={failures.REQUEST_ID: request_id})
        event = invoke.asked(
            target, ref, headers, payload, request_id, received_at, sampled=self._headers
        )
        with contextlib.closing(self._runner.stream(target.id, target.spec, event)) as stream:
            await stream.begun()
            response = _begun(target, event)
            await response.prepare(request)
            await _pass_on(stream, request, response)
            return response


def _begun(target: Target, event: invocation.Event) -> web.StreamResponse:
    return web.StreamResponse(
        headers={
            "Content-Type": eventstream.CONTENT_TYPE,
            failures.REQUEST_ID: event.request_id,
            "X-Amz-Executed-Version": target.executed_version,
            "X-Amzn-Trace-Id": event.trace_id,
        }
    )


async def _pass_on(
    stream: ResponseStream, request: web.BaseRequest, response: web.StreamResponse
) -> None:
    """Write an event for each piece, and the last one."""
    try:
        async for piece in stream:
            chunk = eventstream.event("PayloadChunk", eventstream.BINARY, piece)
            await outgoing.write(request, response, chunk)
    except errors.ApiError as error:
        complete = _Complete(ErrorCode=error.code, ErrorDetails=error.message)
    else:
        complete = _completed(stream.outcome)
    last = eventstream.event("InvokeComplete", eventstream.JSON, msgspec.json.encode(complete))
    await outgoing.write(request, response, last)


def _completed(outcome: invocation.Outcome) -> _Complete:
    result = outcome.result
    details = None if result.error is None else bytes(outcome.payload).decode(errors="replace")
    return _Complete(ErrorCode=result.error, ErrorDetails=details or None, LogResult=result.tail)
