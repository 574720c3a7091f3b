"""From an operation's output, keyed by the model's member names, to the response on the wire.

Members that are None are left out. The status is the output's own status member if it has one, or
what the model says. A member that the model does not have is a mistake in the caller and raises
`ValueError`, so that nothing is silently lost.
"""

import base64
import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from botocore import model

from inglenook_gateway.api import eventstream, timestamps

JSON = "application/json"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """A response, ready to be sent."""

    status: int
    headers: dict[str, str]
    """Including the content type when there is a body."""
    body: bytes


def serialize(operation: model.OperationModel, output: Mapping[str, Any]) -> Wire:
    """Write the output of an operation in its modelled form."""
    status = operation.http.get("responseCode", 200)
    shape = operation.output_shape
    if not isinstance(shape, model.StructureShape):
        if output:
            raise ValueError(f"{operation.name} has no output, not {sorted(output)}")
        return Wire(status=status, headers={}, body=b"")
    headers: dict[str, str] = {}
    in_body = {}
    for name, value in _present(shape, output):
        member = shape.members[name]
        match member.serialization.get("location"):
            case "statusCode":
                status = value
            case "header":
                headers[member.serialization.get("name", name)] = _text(member, value)
            case _:
                in_body[name] = value
    content_type, body = _body(shape, in_body)
    if status == 204:
        return Wire(status=status, headers=headers, body=b"")
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = content_type
    return Wire(status=status, headers=headers, body=body)


def _present(shape: model.StructureShape, value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    unknown = value.keys() - shape.members.keys()
    if unknown:
        raise ValueError(f"{shape.name} has no members {sorted(unknown)}")
    return [(name, item) for name, item in value.items() if item is not None]


def _body(shape: model.StructureShape, members: Mapping[str, Any]) -> tuple[str, bytes]:
    payload = shape.serialization.get("payload")
    if payload is None:
        return JSON, msgspec.json.encode(_plain(shape, members))
    member, value = shape.members[payload], members.get(payload)
    if isinstance(member, model.StructureShape) and member.serialization.get("eventstream"):
        events = (
            _event(member, name, item)
            for whole in value or ()
            for name, item in _present(member, whole)
        )
        return eventstream.CONTENT_TYPE, b"".join(events)
    return JSON, b"" if value is None else _raw(member, value)


def _event(stream: model.StructureShape, name: str, value: Mapping[str, Any]) -> bytes:
    shape = stream.members[name]
    if not isinstance(shape, model.StructureShape):
        raise ValueError(f"{stream.name}.{name} is not an event")  # noqa: TRY004 - the model's fault
    for member_name, member in shape.members.items():
        if member.serialization.get("eventpayload"):
            kind = "application/octet-stream" if member.type_name == "blob" else JSON
            return eventstream.event(name, kind, _raw(member, value.get(member_name, b"")))
    return eventstream.event(name, JSON, msgspec.json.encode(_plain(shape, value)))


def _raw(member: model.Shape, value: Any) -> bytes:
    """Write a payload: blobs and text as they are, anything else as JSON."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        return value.encode()
    return msgspec.json.encode(_plain(member, value))


def _plain(shape: model.Shape, value: Any) -> Any:
    """Turn a value into what JSON has."""
    if isinstance(shape, model.StructureShape):
        return {
            shape.members[name].serialization.get("name", name): _plain(shape.members[name], item)
            for name, item in _present(shape, value)
        }
    if isinstance(shape, model.ListShape):
        return [_plain(shape.member, item) for item in value]
    if isinstance(shape, model.MapShape):
        return {key: _plain(shape.value, item) for key, item in value.items()}
    match shape.type_name:
        case "timestamp":
            return _written(shape, value, "body")
        case "blob":
            return base64.b64encode(value).decode()
        case _:
            return value


def _text(shape: model.Shape, value: Any) -> str:
    match shape.type_name:
        case "timestamp":
            return str(_written(shape, value, "header"))
        case "boolean":
            return "true" if value else "false"
        case _:
            return str(value)


def _written(shape: model.Shape, value: datetime, location: str) -> str | float:
    return timestamps.write(value, timestamps.format_of(shape.serialization, location))
