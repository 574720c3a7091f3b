"""What of the API's members Inglenook does not build yet, and says so.

A member is refused only if it asks for something: tools send empty ones for functions that use
none of it.
"""

from collections.abc import Mapping
from typing import Any

from inglenook import errors

_BUILT = frozenset(
    (
        *("FunctionName", "Runtime", "Role", "Handler", "Code", "Description"),
        *("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "SourceKMSKeyArn"),
        *("Timeout", "MemorySize", "Publish", "DryRun", "Environment", "TracingConfig", "Tags"),
        *("Architectures", "EphemeralStorage", "LoggingConfig", "RevisionId", "Layers"),
        *("VpcConfig", "FileSystemConfigs", "DeadLetterConfig", "KMSKeyArn", "SnapStart"),
        *("CodeSigningConfigArn", "PackageType", "ImageUri", "ImageConfig"),
    )
)
_DEFAULTS: dict[str, Any] = {"S3ObjectStorageMode": "COPY"}


def check(params: Mapping[str, Any]) -> None:
    """Raise InvalidParameterValueError for the first member that asks for what is not built."""
    for member, value in params.items():
        if member not in _BUILT:
            _check(member, value, member)
    for member, value in (params.get("Code") or {}).items():
        if member not in _BUILT:
            _check(member, value, f"Code.{member}")


def _check(member: str, value: object, path: str) -> None:
    if value != _DEFAULTS.get(member) and _asks(value):
        raise errors.InvalidParameterValueError(f"{path} is not built yet in Inglenook")


def _asks(value: object) -> bool:
    """Whether anything in a value is not empty."""
    if isinstance(value, Mapping):
        return any(_asks(item) for item in value.values())
    return bool(value)
