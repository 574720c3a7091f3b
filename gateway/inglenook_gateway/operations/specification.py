"""From a request's members to what runs: the rules of CreateFunction and of both updates.

Pure. The service model's constraints have been checked; here stand those that it does not have.
"""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from inglenook import errors
from inglenook.model import function, limits, runtimes
from inglenook_gateway.api import validation
from inglenook_gateway.operations import environment, images, stored_settings

logger = logging.getLogger(__name__)

# Member of the request, field of the spec: what is taken over as it is.
_PLAIN = {
    "Runtime": "runtime",
    "Role": "role",
    "Handler": "handler",
    "Description": "description",
    "Timeout": "timeout_s",
    "MemorySize": "memory_mb",
}
# The service model allows more, for functions on managed instances.
_MAXIMA = {"Timeout": limits.TIMEOUT_S_MAX, "MemorySize": limits.MEMORY_MB_MAX}


def initial(
    params: Mapping[str, Any],
    *,
    name: str,
    code: function.Code,
    image: function.Image | None,
    strict_runtimes: bool,
) -> function.Spec:
    """Return the spec of a new function. Raises InvalidParameterValueError or ValidationError."""
    if image is None and not (params.get("Runtime") and params.get("Handler")):
        raise errors.InvalidParameterValueError(
            "Runtime and Handler are mandatory parameters for functions created with deployment "
            "packages."
        )
    blank = function.Spec(
        code=code,
        runtime=params.get("Runtime"),
        handler=params.get("Handler"),
        image=image,
        role=params["Role"],
        logging=function.Logging(log_group=f"/aws/lambda/{name}"),
        code_kms_key_arn=(params.get("Code") or {}).get("SourceKMSKeyArn") or None,
    )
    return changed(blank, params, name=name, strict_runtimes=strict_runtimes)


def changed(
    spec: function.Spec, params: Mapping[str, Any], *, name: str, strict_runtimes: bool
) -> function.Spec:
    """Return `spec` with the members that a request gives; the others stay as they are."""
    changes: dict[str, Any] = {
        field: params[member] for member, field in _PLAIN.items() if params.get(member) is not None
    }
    spec = images.reconfigured(spec, params)
    if "runtime" in changes:
        _check_runtime(changes["runtime"], name, strict=strict_runtimes)
    for member, maximum in _MAXIMA.items():
        _check_maximum(member, params.get(member), maximum)
    if (variables := params.get("Environment")) is not None:
        changes["environment"] = dict(variables.get("Variables") or {})
        environment.check(changes["environment"])
    if mode := (params.get("TracingConfig") or {}).get("Mode"):
        changes["tracing"] = mode
    if storage := params.get("EphemeralStorage"):
        _check_maximum("EphemeralStorage.Size", storage["Size"], limits.EPHEMERAL_STORAGE_MB_MAX)
        changes["ephemeral_storage_mb"] = storage["Size"]
    if log := params.get("LoggingConfig"):
        changes["logging"] = _logging(spec.logging, log)
    changes |= _architecture(params)
    changes |= stored_settings.given(params)
    changed = msgspec.structs.replace(spec, **changes)
    stored_settings.check(changed)
    return changed


def recoded(
    spec: function.Spec, params: Mapping[str, Any], *, code: function.Code
) -> function.Spec:
    """Return `spec` with other code, and the architecture and the key that came with it.

    Raises InvalidParameterValueError for code of the other package type.
    """
    key = params.get("SourceKMSKeyArn") or None
    image = images.replaced(spec, params)
    return msgspec.structs.replace(
        spec, code=code, image=image, code_kms_key_arn=key, **_architecture(params)
    )


def _architecture(params: Mapping[str, Any]) -> dict[str, str]:
    architectures = params.get("Architectures")
    return {"architecture": architectures[0]} if architectures else {}


def _check_runtime(runtime: str, name: str, *, strict: bool) -> None:
    runtimes.check(runtime, strict=strict)
    if runtime in runtimes.DEPRECATED:
        logger.warning(
            "a function uses a runtime that AWS no longer takes",
            extra={"function": name, "runtime": runtime},
        )


def _check_maximum(member: str, value: int | None, maximum: int) -> None:
    if value is not None and value > maximum:
        too_large = validation.Violation(
            path=".".join(map(validation.lower_camel, member.split("."))),
            value=str(value),
            constraint=f"Member must have value less than or equal to {maximum}",
        )
        raise errors.ValidationError(validation.counted([too_large]))


def _logging(before: function.Logging, given: Mapping[str, str]) -> function.Logging:
    form = given.get("LogFormat", before.format)
    log_group = given.get("LogGroup", before.log_group)
    if form == "JSON":
        return function.Logging(
            format=form,
            log_group=log_group,
            application_level=given.get("ApplicationLogLevel", before.application_level or "INFO"),
            system_level=given.get("SystemLogLevel", before.system_level or "INFO"),
        )
    if "ApplicationLogLevel" in given or "SystemLogLevel" in given:
        raise errors.InvalidParameterValueError(
            "Log levels are for functions whose LogFormat is JSON; this one's is Text."
        )
    return function.Logging(format=form, log_group=log_group)
