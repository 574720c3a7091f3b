"""From what a spec declares to the parameters of an operation of the Lambda API.

A spec has the members of the API in camelCase, so the service model tells how each is written
there. Keys of maps (environment variables, tags) are the user's and stay as they are.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import botocore.loaders
import botocore.model


@functools.cache
def service_model() -> botocore.model.ServiceModel:
    """Return the model of the Lambda API that botocore has."""
    data = botocore.loaders.Loader().load_service_model("lambda", "service-2")
    return botocore.model.ServiceModel(data, "lambda")


def params(operation: str, spec: Mapping[str, Any], *, only: Iterable[str] | None = None) -> Any:
    """Return the members of a spec that an operation takes, as it takes them.

    `only` are the members of the spec to use. Members that the operation does not know are left
    out: other operations are for them.
    """
    given = spec if only is None else {key: spec[key] for key in only if key in spec}
    return _converted(service_model().operation_model(operation).input_shape, given)


def member(operation: str, name: str) -> str:
    """Return how an operation writes a member of a spec."""
    shape: Any = service_model().operation_model(operation).input_shape
    return next(str(one) for one in shape.members if one.lower() == name.lower())


def _converted(shape: Any, value: Any) -> Any:
    match shape.type_name, value:
        case "structure", Mapping():
            members = {name.lower(): name for name in shape.members}
            return {
                members[key.lower()]: _converted(shape.members[members[key.lower()]], one)
                for key, one in value.items()
                if key.lower() in members and one is not None
            }
        case "list", list():
            return [_converted(shape.member, one) for one in value]
        case "map", Mapping():
            return {key: _converted(shape.value, one) for key, one in value.items()}
        case _:
            return value
