"""The members of a configuration that are kept and shown, and change nothing in what runs here.

`VpcConfig`, `FileSystemConfigs`, `DeadLetterConfig`, `KMSKeyArn` and `SnapStart`: read from a
request and shown again, in one place. Pure. The service model's constraints have been checked; here
stand those that it does not have. That failed events go to the dead-letter target is the worker's.
"""

from collections.abc import Mapping
from typing import Any

from inglenook import errors
from inglenook.model import function, limits, runtimes

# api/API_DeadLetterConfig.html: "an Amazon SQS queue or Amazon SNS topic"
_DEAD_LETTER_SERVICES = ("sqs", "sns")


def given(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the spec that a request sets. Empty ones clear what was set before."""
    changes: dict[str, Any] = {}
    if (vpc := params.get("VpcConfig")) is not None:
        changes["vpc"] = _vpc(vpc)
    if (systems := params.get("FileSystemConfigs")) is not None:
        changes["file_systems"] = tuple(_file_system(one) for one in systems)
    if (target := (params.get("DeadLetterConfig") or {}).get("TargetArn")) is not None:
        changes["dead_letter_target"] = _dead_letter_target(target)
    if (key := params.get("KMSKeyArn")) is not None:
        changes["kms_key_arn"] = key or None
    if apply_on := (params.get("SnapStart") or {}).get("ApplyOn"):
        changes["snap_start"] = function.SnapStart(apply_on)
    return changes


def check(spec: function.Spec) -> None:
    """Raise InvalidParameterValueError for members that do not go together."""
    if spec.file_systems and (spec.vpc is None or not spec.vpc.subnet_ids):
        raise errors.InvalidParameterValueError(
            "Function must be configured to execute in a VPC to reference access point "
            f"{spec.file_systems[0].arn}."
        )
    if spec.snap_start is function.SnapStart.PUBLISHED_VERSIONS:
        _check_snap_start(spec)


def _check_snap_start(spec: function.Spec) -> None:
    # dg/snapstart.html, "Supported features and limitations"
    for unsupported, is_used in (
        ("PackageType Image", spec.image is not None),
        (spec.runtime, spec.runtime is not None and not runtimes.has_snap_start(spec.runtime)),
        ("FileSystemConfigs", bool(spec.file_systems)),
        (
            f"EphemeralStorage greater than {limits.EPHEMERAL_STORAGE_MB_MIN} MB",
            spec.ephemeral_storage_mb > limits.EPHEMERAL_STORAGE_MB_MIN,
        ),
    ):
        if is_used:
            raise errors.InvalidParameterValueError(
                f"{unsupported} is not supported for SnapStart enabled functions."
            )


def shown(spec: function.Spec) -> dict[str, Any]:
    """Return these members as an answer shows them: most only if they were given."""
    members: dict[str, Any] = {
        # No snapshots are taken here.
        "SnapStart": {"ApplyOn": spec.snap_start.value, "OptimizationStatus": "Off"}
    }
    if spec.vpc is not None:
        members["VpcConfig"] = {
            "SubnetIds": list(spec.vpc.subnet_ids),
            "SecurityGroupIds": list(spec.vpc.security_group_ids),
            # There is no network behind it.
            "VpcId": "",
            "Ipv6AllowedForDualStack": spec.vpc.ipv6_allowed_for_dual_stack,
        }
    if spec.file_systems:
        members["FileSystemConfigs"] = [_file_system_shown(one) for one in spec.file_systems]
    if spec.dead_letter_target is not None:
        members["DeadLetterConfig"] = {"TargetArn": spec.dead_letter_target}
    if spec.kms_key_arn is not None:
        members["KMSKeyArn"] = spec.kms_key_arn
    return members


def _vpc(member: Mapping[str, Any]) -> function.Vpc:
    return function.Vpc(
        subnet_ids=tuple(member.get("SubnetIds") or ()),
        security_group_ids=tuple(member.get("SecurityGroupIds") or ()),
        ipv6_allowed_for_dual_stack=bool(member.get("Ipv6AllowedForDualStack")),
    )


def _file_system(member: Mapping[str, Any]) -> function.FileSystem:
    return function.FileSystem(
        arn=member["Arn"],
        local_mount_path=member["LocalMountPath"],
        direct_s3_read=(member.get("S3FilesConfig") or {}).get("DirectS3Read"),
    )


def _file_system_shown(one: function.FileSystem) -> dict[str, Any]:
    members: dict[str, Any] = {"Arn": one.arn, "LocalMountPath": one.local_mount_path}
    if one.direct_s3_read is not None:
        members["S3FilesConfig"] = {"DirectS3Read": one.direct_s3_read}
    return members


def _dead_letter_target(arn: str) -> str | None:
    # The model's pattern leaves at least `arn:partition:service:` here.
    if arn and arn.split(":")[2] not in _DEAD_LETTER_SERVICES:
        raise errors.InvalidParameterValueError(
            f"The dead-letter target {arn} is neither an Amazon SQS queue nor an Amazon SNS topic."
        )
    return arn or None
