"""From a request to the parameters of its operation, keyed by the model's member names.

Values come out as Python's own: text, numbers, booleans, `bytes` for blobs, UTC-aware `datetime`s,
lists and dicts. JSON `null` is an absent member, and so is anything the model does not know. What
has the wrong type is refused with `SerializationException` in AWS's words; whether a value is
*allowed* is the business of `validation`. An absent body is an empty one.
"""

import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from botocore import model

from inglenook import errors
from inglenook_gateway.api import timestamps

_BASE64_PIECE = 256 * 1024
"""Of a text in base64, how much is decoded at a time: no other thread runs meanwhile, and the whole
of a large package would hold up the loop for a fifth of a second. A multiple of four."""
_PIECE_BYTES = _BASE64_PIECE // 4 * 3
_BOOLEANS = {"true": True, "false": False}
_INTEGER_BITS = {"integer": 31, "long": 63}
_NAMES = {
    "string": "a String",
    "integer": "an Integer",
    "long": "a Long",
    "double": "a Double",
    "float": "a Float",
    "boolean": "a Boolean",
    "blob": "a Blob",
    "timestamp": "a Date",
}


def parse(
    operation: model.OperationModel,
    labels: Mapping[str, str],
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes | bytearray,
) -> dict[str, Any]:
    """Collect the members of the operation's input from everywhere in the request.

    Raises `SerializationError`.
    """
    shape = operation.input_shape
    if not isinstance(shape, model.StructureShape):
        return {}
    params: dict[str, Any] = {}
    in_body = {}
    for name, member in shape.members.items():
        key = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case "uri":
                params[name] = _from_text(member, labels[key])
            case "querystring":
                _add_from_query(params, name, member, [v for k, v in query if k == key])
            case "header":
                if key in headers:
                    params[name] = _from_text(member, _header(headers[key]))
            case _:
                in_body[name] = member
    _add_from_body(params, shape, in_body, body)
    return params


def _add_from_body(
    params: dict[str, Any],
    shape: model.StructureShape,
    members: Mapping[str, model.Shape],
    body: bytes | bytearray,
) -> None:
    payload = shape.serialization.get("payload")
    if payload is not None and members[payload].type_name == "blob":
        if body or payload in shape.required_members:
            params[payload] = bytes(body)
    elif body and payload is not None:
        params[payload] = _from_json(members[payload], _decode(body))
    elif body and members:
        params.update(_members(members, _decode(body)))


def _header(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise errors.SerializationError("A request header is not valid UTF-8") from exc
    return value


def _add_from_query(
    params: dict[str, Any], name: str, member: model.Shape, values: list[str]
) -> None:
    if not values:
        return
    if isinstance(member, model.ListShape):
        params[name] = [_from_text(member.member, value) for value in values]
    else:
        params[name] = _from_text(member, values[0])


def _decode(body: bytes | bytearray) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise errors.SerializationError(f"Could not parse request body into json: {exc}") from exc


def _from_text(shape: model.Shape, text: str) -> object:
    """Read a value from a place that has only text: the path, the query, a header."""
    try:
        match shape.type_name:
            case "string":
                return text
            case "integer" | "long":
                return _within_bits(shape, _integer(text))
            case "timestamp":
                return timestamps.read_text(text)
            case "boolean" if text.lower() in _BOOLEANS:
                return _BOOLEANS[text.lower()]
            case _:
                pass
    except ValueError as exc:
        raise _inconvertible("STRING_VALUE", shape) from exc
    raise _inconvertible("STRING_VALUE", shape)


def _integer(text: str) -> int:
    # `int` alone would take what Java does not: spaces, underscores, other scripts' digits.
    if not (text.isascii() and text.removeprefix("-").isdecimal()):
        raise ValueError(text)
    return int(text)


def _within_bits(shape: model.Shape, value: int) -> int:
    bound = 1 << _INTEGER_BITS[shape.type_name]
    if not -bound <= value < bound:
        raise ValueError(value)
    return value


def _from_json(shape: model.Shape, value: object) -> Any:
    if isinstance(shape, model.StructureShape):
        return _members(shape.members, value)
    if isinstance(shape, model.ListShape):
        if not isinstance(value, list):
            raise _misplaced(value)
        # A null among the elements stays, for validation to refuse in its own words.
        return [None if item is None else _from_json(shape.member, item) for item in value]
    if isinstance(shape, model.MapShape):
        if not isinstance(value, dict):
            raise _misplaced(value)
        return {
            key: None if item is None else _from_json(shape.value, item)
            for key, item in value.items()
        }
    return _scalar(shape, value)


def _members(members: Mapping[str, model.Shape], value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _misplaced(value)
    found = {}
    for name, member in members.items():
        item = value.get(member.serialization.get("name", name))
        if item is not None:
            found[name] = _from_json(member, item)
    return found


def _scalar(shape: model.Shape, value: object) -> object:
    try:
        match shape.type_name, value:
            case ("string", str()) | ("boolean", bool()):
                return value
            case (("integer" | "long"), int()) if not isinstance(value, bool):
                return _within_bits(shape, value)
            case (("double" | "float"), int() | float()) if not isinstance(value, bool):
                return float(value)
            case "blob", str():
                return _from_base64(value)
            case "timestamp", _:
                return _point_in_time(shape, value)
            case _:
                pass
    except (ValueError, OverflowError, binascii.Error) as exc:
        raise _inconvertible(_token(value), shape) from exc
    if isinstance(value, list | dict):
        raise _misplaced(value)
    raise _inconvertible(_token(value), shape)


def _from_base64(text: str) -> bytes:
    """Decode strictly. Raises `binascii.Error`, or `ValueError` for what is not even ASCII."""
    pieces = []
    for at in range(0, len(text), _BASE64_PIECE):
        piece = binascii.a2b_base64(text[at : at + _BASE64_PIECE], strict_mode=True)
        if len(piece) < _PIECE_BYTES and at + _BASE64_PIECE < len(text):
            raise binascii.Error("Excess data after padding")
        pieces.append(piece)
    return b"".join(pieces)


def _point_in_time(shape: model.Shape, value: object) -> datetime:
    if timestamps.format_of(shape.serialization, "body") is timestamps.Format.EPOCH:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return timestamps.read_number(value)
    elif isinstance(value, str):
        return timestamps.read_text(value)
    raise ValueError(value)


def _token(value: object) -> str:
    match value:
        case bool():
            return "TRUE_VALUE" if value else "FALSE_VALUE"
        case int():
            return "NUMBER_VALUE"
        case float():
            return "DECIMAL_VALUE"
        case _:
            return "STRING_VALUE"


def _inconvertible(token: str, shape: model.Shape) -> errors.SerializationError:
    wanted = _NAMES.get(shape.type_name, shape.type_name)
    return errors.SerializationError(f"{token} can not be converted to {wanted}")


def _misplaced(value: object) -> errors.SerializationError:
    match value:
        case list():
            return errors.SerializationError("Start of list found where not expected")
        case dict():
            return errors.SerializationError("Start of structure or map found where not expected")
        case _:
            return errors.SerializationError("Unexpected field type")
