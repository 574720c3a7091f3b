"""What of the API's members Inglenook does not build yet, and says so.

A member is refused only if it asks for something: tools send empty ones (`VpcConfig` without
subnets, `SnapStart` with `None`) for functions that use none of it.
"""

from collections.abc import Mapping
from typing import Any

from inglenook import errors

_BUILT = frozenset(
    (
        *("FunctionName", "Runtime", "Role", "Handler", "Code", "ZipFile", "Description"),
        *("Timeout", "MemorySize", "Publish", "DryRun", "Environment", "TracingConfig", "Tags"),
        *("Architectures", "EphemeralStorage", "LoggingConfig", "RevisionId"),
    )
)
_DEFAULTS: dict[str, Any] = {"PackageType": "Zip", "SnapStart": {"ApplyOn": "None"}}


def check(params: Mapping[str, Any]) -> None:
    """Raise InvalidParameterValueError for the first member that asks for what is not built."""
    for member, value in params.items():
        if member not in _BUILT:
            _check(member, value)
    for member, value in (params.get("Code") or {}).items():
        if member not in _BUILT:
            _check(f"Code.{member}", value)


def _check(member: str, value: object) -> None:
    if value != _DEFAULTS.get(member) and _asks(value):
        raise errors.InvalidParameterValueError(f"{member} is not built yet in Inglenook")


def _asks(value: object) -> bool:
    """Whether anything in a value is not empty."""
    if isinstance(value, Mapping):
        return any(_asks(item) for item in value.values())
    return bool(value)
