"""Resources as the API shows them: exactly the members that Lambda answers with.

Pure. Some members are always there, some only when they were given, and listings show fewer; the
rules are recorded answers' (see the functions).
"""

from typing import Any

from inglenook.model import function, runtimes
from inglenook.model.account import Account
from inglenook.store import code
from inglenook_gateway.operations import images, stored_settings


def latest(
    account: Account, owner: function.Function, *, qualifier: str | None = None
) -> dict[str, Any]:
    """Return the whole configuration of `$LATEST`; `qualifier` is shown in its ARN."""
    arn = account.function_arn(owner.name, qualifier)
    shown = _listed(owner.name, arn, function.LATEST, owner.spec, owner.status)
    return shown | _details(account, owner)


def version(
    account: Account, one: function.Version, *, qualifier: str | None = None
) -> dict[str, Any]:
    """Return the whole configuration of a version; an alias' name may stand in its ARN."""
    shown = version_listed(account, one)
    shown["FunctionArn"] = account.function_arn(one.function_name, qualifier or str(one.number))
    return shown | _details(account, one)


def latest_listed(
    account: Account, owner: function.Function, *, qualifier: str | None = None
) -> dict[str, Any]:
    """Return `$LATEST` as an item of a listing: without states."""
    arn = account.function_arn(owner.name, qualifier)
    return _listed(owner.name, arn, function.LATEST, owner.spec, owner.status)


def version_listed(account: Account, one: function.Version) -> dict[str, Any]:
    """Return a version as an item of a listing: without states."""
    number = str(one.number)
    arn = account.function_arn(one.function_name, number)
    return _listed(one.function_name, arn, number, one.spec, one.status)


def alias(account: Account, one: function.Alias) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "AliasArn": account.function_arn(one.function_name, one.name),
        "Name": one.name,
        "FunctionVersion": one.function_version,
        "Description": one.description,
        "RevisionId": one.revision_id,
    }
    if one.additional_version_weights:
        shown["RoutingConfig"] = {"AdditionalVersionWeights": one.additional_version_weights}
    return shown


def listed(
    account: Account, one: function.Function | function.Version, *, qualifier: str | None
) -> dict[str, Any]:
    """Return an item of a listing of both; `qualifier` is shown in the ARN of `$LATEST`."""
    if isinstance(one, function.Version):
        return version_listed(account, one)
    return latest_listed(account, one, qualifier=qualifier)


def _listed(
    name: str, arn: str, version: str, spec: function.Spec, status: function.Status
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "FunctionName": name,
        "FunctionArn": arn,
        "Role": spec.role,
        "CodeSize": spec.code.size_bytes,
        "Description": spec.description,
        "Timeout": spec.timeout_s,
        "MemorySize": spec.memory_mb,
        "LastModified": status.last_modified,
        "CodeSha256": code.shown_sha256(spec),
        "Version": version,
        "TracingConfig": {"Mode": spec.tracing},
        "RevisionId": status.revision_id,
        "Architectures": [spec.architecture],
        "EphemeralStorage": {"Size": spec.ephemeral_storage_mb},
        "LoggingConfig": _logging(spec.logging),
        **images.shown(spec),
        **stored_settings.shown(spec),
    }
    if spec.environment is not None:
        shown["Environment"] = {"Variables": spec.environment}
    if spec.layers:
        shown["Layers"] = [
            {"Arn": layer.arn, "CodeSize": layer.code.size_bytes} for layer in spec.layers
        ]
    return shown


def _details(account: Account, one: function.Function | function.Version) -> dict[str, Any]:
    status, last_update = one.status, one.status.last_update
    pinned = one.runtime_management.runtime_version_arn
    details: dict[str, Any] = {
        "State": status.state.value,
        "StateReason": status.state_reason,
        "StateReasonCode": status.state_reason_code,
        "LastUpdateStatus": None if last_update is None else last_update.value,
        "LastUpdateStatusReason": status.last_update_reason,
        "LastUpdateStatusReasonCode": status.last_update_reason_code,
    }
    if one.spec.runtime is not None:
        version_arn = pinned or runtimes.version_arn(one.spec.runtime, account.region)
        details["RuntimeVersionConfig"] = {"RuntimeVersionArn": version_arn}
    return {member: value for member, value in details.items() if value is not None}


def _logging(logging: function.Logging) -> dict[str, str]:
    shown = {"LogFormat": logging.format, "LogGroup": logging.log_group}
    if logging.application_level is not None:
        shown["ApplicationLogLevel"] = logging.application_level
    if logging.system_level is not None:
        shown["SystemLogLevel"] = logging.system_level
    return shown
