"""The layers that a function asks for: which versions its `Layers` mean, and whether they may.

They are looked up when the function is told to use them, and what was found is kept with it: a
layer version that is deleted later goes on serving the functions that have it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from inglenook import errors
from inglenook.model import function, layer, limits
from inglenook.store import kinds
from inglenook_gateway.operations.resources import Resources


async def applied(
    resources: Resources, spec: function.Spec, params: Mapping[str, Any]
) -> function.Spec:
    """Return `spec` with the `Layers` that a request gives; without any it keeps its own.

    Raises InvalidParameterValueError, and AccessDeniedError for layers of other accounts.
    """
    if (arns := params.get("Layers")) is not None:
        spec = msgspec.structs.replace(spec, layers=await _resolved(resources, arns))
    check_size(spec)
    return spec


async def _resolved(resources: Resources, arns: Sequence[str]) -> tuple[function.Layer, ...]:
    if len(arns) > limits.LAYERS_MAX:
        raise errors.InvalidParameterValueError(
            f"Cannot reference more than {limits.LAYERS_MAX} layers."
        )
    found: list[function.Layer] = []
    seen: dict[str, str] = {}
    for arn in arns:
        found.append(function.Layer(arn=arn, code=await _code(resources, arn)))
        layer_arn = arn.rpartition(":")[0]
        if layer_arn in seen:
            raise errors.InvalidParameterValueError(
                "Two different versions of the same layer are not allowed to be referenced in the "
                f"same function. {seen[layer_arn]} and {arn} are versions of the same layer."
            )
        seen[layer_arn] = arn
    return tuple(found)


async def _code(resources: Resources, arn: str) -> function.Code:
    account = resources.account
    ref = layer.parse(arn, account)
    if ref is None or ref.version is None:
        raise _absent(arn)
    if ref.account != account.id:
        raise not_shared(account.id, arn)
    if ref.region != account.region:
        raise errors.InvalidParameterValueError(
            "Layers are not in the same region as the function. Layers are expected to be in "
            f"region {account.region}."
        )
    name = kinds.layer_version_name(ref.name, ref.version)
    found = await resources.find(kinds.LAYER_VERSION, name)
    if found is None:
        raise _absent(arn)
    return found.value.code


def check_size(spec: function.Spec) -> None:
    """Raise InvalidParameterValueError if code and layers together are too large unzipped."""
    size = spec.code.unzipped_bytes + sum(one.code.unzipped_bytes for one in spec.layers)
    if spec.layers and size > limits.UNZIPPED_BYTES_MAX:
        raise errors.InvalidParameterValueError(
            "Function code combined with layers exceeds the maximum allowed size of "
            f"{limits.UNZIPPED_BYTES_MAX} bytes. The actual size is {size} bytes."
        )


def not_shared(account: str, arn: str) -> errors.AccessDeniedError:
    """Return what Lambda answers for a layer of another account that is not shared with ours."""
    return errors.AccessDeniedError(
        f"User: arn:aws:iam::{account}:root is not authorized to perform: lambda:GetLayerVersion "
        f"on resource: {arn} because no resource-based policy allows the lambda:GetLayerVersion "
        "action"
    )


def _absent(arn: str) -> errors.InvalidParameterValueError:
    return errors.InvalidParameterValueError(f"Layer version {arn} does not exist.")
