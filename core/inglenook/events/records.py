"""What a destination or a dead-letter queue is sent: pure.

A destination gets a record of the invocation; a dead-letter target gets the event itself, with the
failure in the message's attributes.

Source: dg/invocation-async-retain-records.html.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from inglenook.aio import clock
from inglenook.events import retrying, work
from inglenook.events.retrying import Attempt, Condition, NotNow, Ran
from inglenook.model import limits

_RAW = msgspec.json.Decoder(msgspec.Raw)
_THROTTLED = 429
_RATE_EXCEEDED = "Rate Exceeded."
_TOO_OLD = "The maximum age of the event was exceeded."
_SWITCHED_OFF = (
    "Function not invoked. Function is configured with zero reserved concurrent executions."
)


class _Failed(msgspec.Struct):
    errorMessage: str = ""  # noqa: N815 - as runtimes write it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An event that has ended, well or not."""

    event: work.Invocation
    payload: bytes
    attempt: Attempt | None
    """The one that ended it; None if it was too old to be tried."""
    condition: Condition
    function_arn: str
    """Qualified."""
    at: float

    @property
    def succeeded(self) -> bool:
        return self.condition is Condition.SUCCESS


def deliveries(
    ended: Ended, policy: retrying.Policy, pace: retrying.Pace
) -> list[tuple[work.Delivery, bytes]]:
    """Return what is to be delivered of an event that has ended, and the bytes of each."""
    found: list[tuple[work.Delivery, bytes]] = []
    target = policy.on_success if ended.succeeded else policy.on_failure
    give_up_at = pace.after(ended.at, policy.event_age_s)
    if target is not None:
        form = work.DeliveryForm.SUCCESS if ended.succeeded else work.DeliveryForm.FAILURE
        found.append((_delivery(ended, target, form, give_up_at, {}), _record(ended)))
    target = policy.dead_letter_target
    if target is not None and not ended.succeeded:
        form = work.DeliveryForm.DEAD_LETTER
        letter = _delivery(ended, target, form, give_up_at, _attributes(ended))
        found.append((letter, ended.payload))
    return found


def _delivery(
    ended: Ended,
    target: str,
    form: work.DeliveryForm,
    give_up_at: float,
    attributes: dict[str, tuple[str, str]],
) -> work.Delivery:
    return work.Delivery(
        target=target,
        form=form,
        request_id=ended.event.request_id,
        function_name=ended.event.function_name,
        function_arn=ended.function_arn,
        made_at=ended.at,
        give_up_at=give_up_at,
        attributes=attributes,
    )


def _record(ended: Ended) -> bytes:
    event, attempt, at = ended.event, ended.attempt, clock.utc(ended.at)
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z",
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": ended.function_arn,
            "condition": ended.condition.value,
            "approximateInvokeCount": event.runs + isinstance(attempt, Ran),
        },
        "requestPayload": msgspec.Raw(ended.payload),
    }
    if isinstance(attempt, Ran):
        response: dict[str, object] = {
            "statusCode": 200,
            "executedVersion": attempt.executed_version,
        }
        if attempt.failed:
            response["functionError"] = "Unhandled"
        record["responseContext"] = response
        record["responsePayload"] = _embedded(attempt.payload)
    elif ended.condition is Condition.EVENT_AGE_EXCEEDED and event.last_status is not None:
        record["responseContext"] = {"statusCode": event.last_status}
    return msgspec.json.encode(record)


def _embedded(payload: bytes) -> msgspec.Raw | str:
    """Put a function's answer into JSON as it is; one that is no JSON becomes a string."""
    try:
        payload.decode()
        _RAW.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return payload.decode(errors="replace")
    return msgspec.Raw(payload)


def _attributes(ended: Ended) -> dict[str, tuple[str, str]]:
    attributes = {"RequestID": ("String", ended.event.request_id)}
    if ended.condition is Condition.ZERO_RESERVED_CONCURRENCY:
        # Lambda has no status to report here: nothing was tried.
        return attributes | {"ErrorMessage": ("String", _SWITCHED_OFF)}
    match ended.attempt:
        case Ran(payload=answer):
            status, message = 200, _error_message(answer)
        case NotNow(status=status, message=message):
            pass
        case _:
            status, message = ended.event.last_status or _THROTTLED, _TOO_OLD
    if status == _THROTTLED:
        message = _RATE_EXCEEDED
    cut = message.encode()[: limits.DEAD_LETTER_ERROR_BYTES_MAX].decode(errors="ignore")
    # Queues and topics refuse empty values.
    return attributes | {
        "ErrorCode": ("Number", str(status)),
        "ErrorMessage": ("String", cut or "Unhandled"),
    }


def _error_message(answer: bytes) -> str:
    try:
        return msgspec.json.decode(answer, type=_Failed).errorMessage
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return answer.decode(errors="replace")
