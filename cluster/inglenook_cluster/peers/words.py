"""Events and errors as they are said between gateways, and back."""

from inglenook import errors
from inglenook.routing import invocation
from inglenook.wire import messages
from inglenook.wire.connection import Body

_KNOWN: dict[tuple[str, int], type[errors.ApiError]] = {
    (each.code, each.status): each
    for each in (errors.ServiceError, errors.InvalidRuntimeError, errors.InvalidZipFileError)
}


def forward(version: messages.VersionId, event: invocation.Event) -> messages.Forward:
    """Return the message that hands an event to the owner of its function."""
    return messages.Forward(
        id=version,
        request_id=event.request_id,
        arn=event.arn,
        trace_id=event.trace_id,
        client_context=event.client_context,
        cognito_identity=event.cognito_identity,
        wants_tail=event.wants_tail,
        wants_stream=event.on_chunk is not None,
        is_synchronous=event.is_synchronous,
    )


def event(
    forwarded: messages.Forward,
    payload: Body,
    on_chunk: invocation.OnChunk | None,
) -> invocation.Event:
    """Return the event that a message hands over."""
    return invocation.Event(
        request_id=forwarded.request_id,
        arn=forwarded.arn,
        payload=payload,
        trace_id=forwarded.trace_id,
        client_context=forwarded.client_context,
        cognito_identity=forwarded.cognito_identity,
        wants_tail=forwarded.wants_tail,
        is_synchronous=forwarded.is_synchronous,
        on_chunk=on_chunk if forwarded.wants_stream else None,
    )


def failed(error: errors.ApiError) -> messages.Failed:
    """Return the message for an error that a caller is to be told."""
    throttle = error if isinstance(error, errors.TooManyRequestsError) else None
    return messages.Failed(
        code=error.code,
        status=error.status,
        message=error.message,
        reason=None if throttle is None else throttle.reason,
        retry_after_s=None if throttle is None else throttle.retry_after_s,
    )


def error(failure: messages.Failed) -> errors.ApiError:
    """Return the error that a message tells of."""
    if failure.reason is not None:
        return errors.TooManyRequestsError(
            failure.reason, failure.retry_after_s, message=failure.message
        )
    return _KNOWN.get((failure.code, failure.status), errors.ServiceError)(failure.message)
