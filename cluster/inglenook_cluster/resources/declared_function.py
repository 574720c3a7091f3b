"""A function's value as the spec of its custom resource. Pure."""

from typing import Any

from inglenook.model import function as model
from inglenook.store import kinds
from inglenook_cluster.resources import names

Spec = dict[str, Any]


def function(one: model.Function) -> Spec:
    """Return the spec of a Function; members at their defaults may be among it."""
    spec, management = one.spec, one.runtime_management
    has_plain_name = names.resource_name(kinds.FUNCTION.name, one.name) == one.name
    return {
        "functionName": None if has_plain_name else one.name,
        "description": spec.description,
        "runtime": spec.runtime,
        "handler": spec.handler,
        "role": spec.role,
        "packageType": None if spec.image is None else "Image",
        "imageConfig": None if spec.image is None else _image_config(spec.image),
        "code": _code(spec),
        "memorySize": spec.memory_mb,
        "timeout": spec.timeout_s,
        "ephemeralStorage": {"size": spec.ephemeral_storage_mb},
        "architectures": [spec.architecture],
        "environment": {"variables": spec.environment},
        "layers": [one.arn for one in spec.layers],
        "loggingConfig": _logging(one.name, spec.logging),
        "tracingConfig": {"mode": spec.tracing},
        "deadLetterConfig": {"targetArn": spec.dead_letter_target},
        "kmsKeyArn": spec.kms_key_arn,
        "vpcConfig": _vpc(spec.vpc),
        "fileSystemConfigs": [_file_system(one) for one in spec.file_systems],
        "snapStart": {"applyOn": spec.snap_start.value},
        "tags": one.tags,
        "reservedConcurrentExecutions": one.reserved_concurrency,
        "runtimeManagementConfig": {
            "updateRuntimeOn": management.update_on,
            "runtimeVersionArn": management.runtime_version_arn,
        },
        "recursiveLoop": one.recursive_loop,
        "codeSigningConfigId": one.code_signing_config,
        "runtimeClassName": spec.placement.runtime_class,
        "environmentsPerPod": spec.placement.environments_per_pod,
    }


def code(package: model.Code, key: str | None = None) -> Spec:
    """Return the `code` of a package that the platform has."""
    return {"sha256": package.sha256, "sourceKmsKeyArn": key}


def _code(spec: model.Spec) -> Spec:
    if spec.image is None:
        return code(spec.code, spec.code_kms_key_arn)
    return {"imageUri": spec.image.uri, "sourceKmsKeyArn": spec.code_kms_key_arn}


def _image_config(image: model.Image) -> Spec:
    return {
        "entryPoint": image.entry_point,
        "command": image.command,
        "workingDirectory": image.working_directory,
    }


def _logging(name: str, logging: model.Logging) -> Spec:
    is_usual = logging.log_group == f"/aws/lambda/{name}"
    return {
        "logFormat": logging.format,
        "logGroup": None if is_usual else logging.log_group,
        "applicationLogLevel": logging.application_level,
        "systemLogLevel": logging.system_level,
    }


def _vpc(vpc: model.Vpc | None) -> Spec | None:
    if vpc is None:
        return None
    return {
        "subnetIds": list(vpc.subnet_ids),
        "securityGroupIds": list(vpc.security_group_ids),
        "ipv6AllowedForDualStack": vpc.ipv6_allowed_for_dual_stack or None,
    }


def _file_system(one: model.FileSystem) -> Spec:
    system: Spec = {"arn": one.arn, "localMountPath": one.local_mount_path}
    if one.direct_s3_read is not None:
        system["s3FilesConfig"] = {"directS3Read": one.direct_s3_read}
    return system
