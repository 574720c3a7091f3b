"""Where the records of asynchronous invocations may go.

Only functions of this account can be looked up; queues, topics, buses and buckets are taken at
their word until a record is sent there.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from inglenook import errors
from inglenook.model.arn import FunctionRef
from inglenook_gateway.operations.resources import Resources

_SERVICES = frozenset(("sqs", "sns", "lambda", "events"))
# api/API_PutFunctionEventInvokeConfig.html: "S3 buckets are supported only for on-failure"
_FAILURE_SERVICES = _SERVICES | {"s3"}
# dg/invocation-async-retain-records.html: standard queues and topics only.
_FIFO = ".fifo"


class Destinations(NamedTuple):
    """The ARNs of a request's `DestinationConfig`; None: no records of that kind."""

    on_success: str | None
    on_failure: str | None


def read(given: Mapping[str, Any]) -> Destinations:
    """Read a `DestinationConfig`. Raises InvalidParameterValueError for what is no destination."""
    found = Destinations(_arn(given, "OnSuccess"), _arn(given, "OnFailure"))
    if not _is_one(found.on_success, _SERVICES) or not _is_one(found.on_failure, _FAILURE_SERVICES):
        success = _text("OnSuccess", found.on_success)
        failure = _text("OnFailure", found.on_failure)
        raise errors.InvalidParameterValueError(
            f"The provided destination config DestinationConfig(onSuccess={success}, "
            f"onFailure={failure}) is invalid."
        )
    return found


async def check(resources: Resources, given: Destinations, *, owner: str) -> None:
    """Raise InvalidParameterValueError for functions that are not there, and for `owner` itself."""
    for arn in given:
        if arn is not None and _service(arn) == "lambda":
            ref = await _function(resources, arn)
            if ref.name == owner:
                raise errors.InvalidParameterValueError(
                    "You can't specify the function as a destination for itself."
                )


async def _function(resources: Resources, arn: str) -> FunctionRef:
    """Return which function an ARN names, which has to be there, with its qualifier."""
    try:
        ref = resources.account.ref(arn)
        living = (await resources.living(*ref)).value
        await resources.check_qualifier(living, ref.qualifier)
    except errors.ApiError as exc:
        raise errors.InvalidParameterValueError(f"The destination ARN {arn} is invalid.") from exc
    return ref


def _arn(given: Mapping[str, Any], outcome: str) -> str | None:
    """Return the destination for an outcome; an empty one is as good as none."""
    return (given.get(outcome) or {}).get("Destination") or None


def _is_one(arn: str | None, services: frozenset[str]) -> bool:
    if arn is None:
        return True
    parts = arn.split(":", 5)
    return len(parts) == 6 and parts[2] in services and bool(parts[5]) and not arn.endswith(_FIFO)


def _service(arn: str) -> str:
    return arn.split(":", 3)[2]


def _text(outcome: str, arn: str | None) -> str:
    return "null" if arn is None else f"{outcome}(destination={arn})"
