"""That a case waits wherever AWS would make it wait.

A platform of ours settles a change within milliseconds, so that a case which forgets to wait passes
here and answers 409 at AWS, or invokes code that is not there yet. A watched client fails such a
case at the call that comes too early, as dg/functions-states.html states it: a function that is
Pending can only be read and deleted; while an update is in progress neither code nor configuration
nor tags are changed, no version is published, and `$LATEST` runs as it was before.
"""

import enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_UPDATES = ("UpdateFunctionCode", "UpdateFunctionConfiguration")
_REFUSED_MEANWHILE = frozenset((*_UPDATES, "PublishVersion", "TagResource", "UntagResource"))
_INVOCATIONS = frozenset(("Invoke", "InvokeAsync", "InvokeWithResponseStream"))
_READERS = frozenset(("GetFunction", "GetFunctionConfiguration"))
_KEY = "inglenook.function"


class Change(enum.Enum):
    """What nobody has seen the end of."""

    CREATION = "its creation"
    UPDATE = "an update"


class HastyError(AssertionError):
    """A case does not wait for a change that AWS takes its time for."""


class Watch:
    """What one client has begun to change, by function, and has not yet seen settled."""

    def __init__(self) -> None:
        self._open: dict[str, Change] = {}

    def on(self, client: "LambdaClient") -> None:
        client.meta.events.register("provide-client-params.lambda", self._before)
        client.meta.events.register("after-call.lambda", self._after)

    def _before(self, params: Any, model: Any, context: Any, **_: object) -> None:
        name, qualifier = _function(params)
        context[_KEY] = (name, qualifier, params.get("DryRun", False))
        change = self._open.get(name)
        operation: str = model.name
        if change is not None and _is_hasty(operation, qualifier, change):
            raise HastyError(f"{operation} of {name}, without having waited for {change.value}")

    def _after(self, parsed: Any, model: Any, context: Any, **_: object) -> None:
        if parsed["ResponseMetadata"]["HTTPStatusCode"] >= 300:
            return
        name, qualifier, is_dry = context[_KEY]
        operation: str = model.name
        if operation == "CreateFunction":
            self._open[name] = Change.CREATION
        elif operation in _UPDATES and not is_dry:
            self._open[name] = Change.UPDATE
        elif operation == "DeleteFunction" and qualifier is None:
            self._open.pop(name, None)
        elif operation in _READERS and qualifier in (None, "$LATEST"):
            shown = parsed.get("Configuration", parsed)
            if shown.get("LastUpdateStatus") != "InProgress" and shown.get("State") != "Pending":
                self._open.pop(name, None)


def _is_hasty(operation: str, qualifier: str | None, change: Change) -> bool:
    match change:
        case Change.CREATION:
            reads = operation.startswith(("Get", "List"))
            return not reads and operation not in ("CreateFunction", "DeleteFunction")
        case Change.UPDATE:
            if operation in _INVOCATIONS:
                return qualifier in (None, "$LATEST")
            return operation in _REFUSED_MEANWHILE


def _function(params: Any) -> tuple[str, str | None]:
    """Return the plain name and the qualifier that a request has, in any form; else nothing."""
    given = params.get("FunctionName") or params.get("Resource") or params.get("ResourceArn") or ""
    whole = given.rpartition("function:")[2] if "function:" in given else given
    name, _, qualifier = whole.partition(":")
    return name, params.get("Qualifier") or qualifier or None
