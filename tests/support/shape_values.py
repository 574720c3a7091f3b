"""Values for the shapes of the Lambda service model: the least that fits one, and everything.

They fit the shapes' types, not their constraints. Shared by the tests of the codec.
"""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import botocore
from botocore import awsrequest, model, serialize

from inglenook_gateway.api import service_model

AT = datetime(2026, 11, 21, 13, 46, 1, tzinfo=UTC)


@cache
def service() -> model.ServiceModel:
    return service_model.load()


def operations() -> list[str]:
    return list(service().operation_names)


def minimal(shape: model.Shape) -> Any:
    """Return a value with the required members alone, and empty containers."""
    if isinstance(shape, model.StructureShape):
        return {name: minimal(shape.members[name]) for name in shape.required_members}
    if isinstance(shape, model.ListShape):
        return []
    if isinstance(shape, model.MapShape):
        return {}
    return _scalar(shape, "m")


def full(shape: model.Shape, depth: int = 0) -> Any:
    """Return a value with every member, and two elements in every container."""
    assert depth < 30, "the model has no recursive shapes"
    if isinstance(shape, model.StructureShape):
        return {name: full(member, depth + 1) for name, member in shape.members.items()}
    if isinstance(shape, model.ListShape):
        return [full(shape.member, depth + 1), full(shape.member, depth + 1)]
    if isinstance(shape, model.MapShape):
        return {key: full(shape.value, depth + 1) for key in ("a", "b/ü c")}
    return _scalar(shape, "a:b/c d+e%&=?ü€😀")


def _scalar(shape: model.Shape, text: str) -> Any:
    if "enum" in shape.metadata:
        return shape.metadata["enum"][-1]
    values = {
        "string": text,
        "integer": 2**31 - 1,
        "long": -(2**63),
        "double": 0.25,
        "boolean": len(text) > 1,
        "timestamp": AT,
        "blob": b"\x00\xff{}" + text.encode(),
    }
    return values[shape.type_name]


def request(
    operation: model.OperationModel, params: dict[str, Any]
) -> awsrequest.AWSPreparedRequest:
    """Build the request that botocore would send."""
    built = serialize.create_serializer("rest-json", include_validation=False)
    as_dict = built.serialize_to_request(params, operation)
    awsrequest.prepare_request_dict(as_dict, endpoint_url="http://127.0.0.1:3001")
    prepared: awsrequest.AWSPreparedRequest = awsrequest.create_request_object(as_dict).prepare()
    return prepared


def examples() -> list[tuple[str, dict[str, Any]]]:
    """Return AWS's own examples of requests."""
    path = Path(botocore.__file__).parent / "data/lambda/2015-03-31/examples-1.json"
    by_operation = json.loads(path.read_text())["examples"]
    return [
        (operation, example.get("input", {}))
        for operation, found in by_operation.items()
        for example in found
    ]
