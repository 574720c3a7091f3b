"""Invoke: the one operation that must be fast.

It reads the request itself instead of through the service model, makes no task switch but the wait
for the answer, and passes bodies on as they are. Checks are made in AWS's order: existence, payload
size, JSON, concurrency. A caller that hangs up stops nothing; the function's outcome is recorded by
the dispatcher.

Source: api/API_Invoke.html.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from inglenook import errors
from inglenook.aio import clock
from inglenook.catalog import targets
from inglenook.catalog.target import Target
from inglenook.model import account, limits
from inglenook.model.arn import FunctionRef
from inglenook.routing import invocation
from inglenook.telemetry import sampling
from inglenook.wire import messages
from inglenook_gateway.api import bodies, validation, whole
from inglenook_gateway.operations import event_intake

_INVOCATION_TYPES = ("Event", "RequestResponse", "DryRun")
LOG_TYPES = ("None", "Tail")
_PAYLOAD_BYTES_MAX = {
    "Event": limits.EVENT_PAYLOAD_BYTES_MAX,
    "InvokeAsync": limits.INVOKE_ASYNC_PAYLOAD_BYTES_MAX,
}
"""Of the invocation types whose limit is not that of a synchronous call."""
_JSON = msgspec.json.Decoder(msgspec.Raw)
_ABSENT_PAYLOAD = b"{}"

_Running = tuple["asyncio.Future[Any]", Callable[[], whole.Answer]]
"""See `invoker.Begin`."""


class Invoke:
    """Serve Invoke for the functions in a catalog."""

    def __init__(
        self,
        *,
        aims: targets.Targets,
        runner: invocation.Runner,
        intake: event_intake.EventIntake,
        owner: account.Account,
        time: clock.Clock,
        headers: sampling.Headers,
    ) -> None:
        self._aims = aims
        self._runner = runner
        self._intake = intake
        self._owner = owner
        self._clock = time
        self._begun_late: set[asyncio.Task[whole.Answer]] = set()
        self._headers = headers

    async def handle(
        self, request: web.BaseRequest, labels: Sequence[str], request_id: str
    ) -> web.StreamResponse:
        """Answer one request; `labels` holds the decoded function name of its path."""
        received_at = self._clock.monotonic()
        headers = request.headers
        invocation_type = headers.get("X-Amz-Invocation-Type", "RequestResponse")
        log_type = headers.get("X-Amz-Log-Type", "None")
        if invocation_type not in _INVOCATION_TYPES or log_type not in LOG_TYPES:
            raise unknown_choice(invocation_type, log_type, _INVOCATION_TYPES)
        ref = self._owner.ref(
            labels[0], request.query.get("Qualifier") if request.query_string else None
        )
        target, payload = await aim(self._aims, ref, request, invocation_type)
        if invocation_type == "DryRun":
            return web.Response(status=204, headers={"x-amzn-RequestId": request_id})
        if invocation_type == "Event":
            tracing = trace_header(headers, target, self._headers)
            await self._intake.accept(target, ref, payload, request_id, tracing)
            return _accepted(request_id, tracing)
        event = asked(target, ref, headers, payload, request_id, received_at, sampled=self._headers)
        outcome = await self._runner.invoke(target.id, target.spec, event)
        return web.Response(body=outcome.payload, headers=_headers(target, event, outcome.result))

    def begin(self, request: whole.Invoke, request_id: str) -> _Running:
        """Begin to answer a request that has arrived whole; see `invoker.Begin`."""
        received_at = self._clock.monotonic()
        headers = request.headers
        log_type = headers.get("x-amz-log-type", "None")
        if log_type not in LOG_TYPES:
            raise unknown_choice("RequestResponse", log_type, _INVOCATION_TYPES)
        ref = self._owner.ref(request.name, request.qualifier)
        try:
            target = self._aims.known(ref)
        except errors.ApiError:
            work = self._late(request, ref, request_id, received_at)
            late = asyncio.get_running_loop().create_task(work, name=f"invoke {ref.name}")
            self._begun_late.add(late)
            late.add_done_callback(self._begun_late.discard)
            return late, late.result
        return self._run(request, ref, target, request_id, received_at)

    async def _late(
        self, request: whole.Invoke, ref: FunctionRef, request_id: str, received_at: float
    ) -> whole.Answer:
        """Answer what was not known to be there when it came."""
        target = await self._aims.find(ref)
        future, finish = self._run(request, ref, target, request_id, received_at)
        await asyncio.wait([future])
        return finish()

    def _run(
        self,
        request: whole.Invoke,
        ref: FunctionRef,
        target: Target,
        request_id: str,
        received_at: float,
    ) -> _Running:
        payload = request.payload
        if payload:
            _check_json(payload)
        event = asked(
            target, ref, request.headers, payload, request_id, received_at, sampled=self._headers
        )
        future = self._runner.invoke(target.id, target.spec, event)

        def finish() -> whole.Answer:
            outcome = future.result()
            return whole.Answer(200, _headers(target, event, outcome.result), outcome.payload)

        return future, finish


async def aim(
    aims: targets.Targets,
    ref: FunctionRef,
    request: web.BaseRequest,
    invocation_type: str,
) -> tuple[Target, bytes | bytearray]:
    """Return what a request is aimed at, and its payload, in AWS's order of checks.

    Raises what `Targets.find` and `read_payload` raise.
    """
    target = await aims.find(ref)
    changes = aims.changes
    payload = await read_payload(request, invocation_type)
    if aims.changes != changes:
        # A body may take its time; what it is meant for may have changed, or gone, meanwhile.
        target = await aims.find(ref)
    return target, payload


def _accepted(request_id: str, tracing: str) -> web.Response:
    # The function has not run, so there is no version, error or log to tell of.
    headers = {
        "x-amzn-RequestId": request_id,
        "X-Amzn-Trace-Id": tracing,
        "x-amzn-Remapped-Content-Length": "0",
    }
    return web.Response(status=202, headers=headers)


def _headers(target: Target, event: invocation.Event, result: messages.Result) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "x-amzn-RequestId": event.request_id,
        "X-Amz-Executed-Version": target.executed_version,
        "X-Amzn-Trace-Id": event.trace_id,
        "x-amzn-Remapped-Content-Length": "0",
    }
    if result.error is not None:
        # Lambda says `Unhandled` for whatever went wrong; the payload says what it was.
        headers["X-Amz-Function-Error"] = "Unhandled"
    if result.tail is not None:
        headers["X-Amz-Log-Result"] = result.tail
    return headers


async def read_payload(request: web.BaseRequest, invocation_type: str) -> bytes | bytearray:
    """Read the body, never more than its limit, and check that it is JSON."""
    limit = _PAYLOAD_BYTES_MAX.get(invocation_type, limits.PAYLOAD_BYTES_MAX)
    payload = await bodies.receive(
        request, limit, lambda size: _too_large(size, invocation_type, limit)
    )
    if payload:
        _check_json(payload)
    return payload


def _check_json(payload: bytes | bytearray) -> None:
    try:
        _JSON.decode(payload)
        if not payload.isascii():
            payload.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise errors.InvalidRequestContentError(
            f"Could not parse request body into json: Could not parse payload into json: {error}"
        ) from error


def _too_large(size: int, invocation_type: str, limit: int) -> errors.RequestTooLargeError:
    return errors.RequestTooLargeError(
        f"{size} byte payload is too large for the {invocation_type} invocation type "
        f"(limit {limit} bytes)"
    )


def asked(
    target: Target,
    ref: FunctionRef,
    headers: Mapping[str, str],
    payload: bytes | bytearray,
    request_id: str,
    received_at: float,
    *,
    sampled: sampling.Headers,
) -> invocation.Event:
    """Return the event of a synchronous request, whose headers are found by names in lower case.

    Raises InvalidRequestContentError.
    """
    return invocation.Event(
        request_id=request_id,
        arn=target.invoked_arn(ref.qualifier),
        payload=payload or _ABSENT_PAYLOAD,
        trace_id=trace_header(headers, target, sampled),
        client_context=_client_context(headers.get("x-amz-client-context")),
        wants_tail=headers.get("x-amz-log-type") == "Tail",
        received_at=received_at,
    )


def trace_header(headers: Mapping[str, str], target: Target, sampled: sampling.Headers) -> str:
    """Return the trace header of an invocation, from the caller's if there is one."""
    given = headers.get("x-amzn-trace-id")
    if given is not None and not given.isascii():
        given = None  # no text, which could not be handed on
    return sampled.of(given, target.function_name, target.spec.tracing)


def _client_context(encoded: str | None) -> str | None:
    """Decode the caller's context: base64 of a JSON object."""
    if encoded is None:
        return None
    if len(encoded) > limits.CLIENT_CONTEXT_BYTES_MAX:
        raise errors.InvalidRequestContentError(
            f"Client context must be at most {limits.CLIENT_CONTEXT_BYTES_MAX} bytes long."
        )
    try:
        decoded = base64.b64decode(encoded, validate=True)
        msgspec.json.decode(decoded, type=dict)
        return decoded.decode()
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise errors.InvalidRequestContentError(
            "Client context must be a valid Base64-encoded JSON object."
        ) from error


def unknown_choice(
    invocation_type: str, log_type: str, invocation_types: Sequence[str]
) -> errors.ValidationError:
    """Return the error for an invocation or log type that there is not."""
    violations = [
        validation.Violation(
            path=member,
            value=value,
            constraint=f"Member must satisfy enum value set: [{', '.join(choices)}]",
        )
        for value, member, choices in (
            (invocation_type, "invocationType", invocation_types),
            (log_type, "logType", LOG_TYPES),
        )
        if value not in choices
    ]
    return errors.ValidationError(validation.counted(violations))
