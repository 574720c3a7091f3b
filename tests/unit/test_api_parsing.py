import contextlib
from typing import Any
from urllib import parse as urls

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from support import shape_values

from inglenook import errors
from inglenook_gateway.api import parsing, routes

ROUTER = routes.Router(shape_values.service())


def route_and_parse(request: Any) -> tuple[str, dict[str, Any]]:
    url = urls.urlsplit(request.url)
    query = routes.split_query(url.query)
    match = ROUTER.match(request.method, url.path, query)
    operation = shape_values.service().operation_model(match.operation)
    labels = dict(zip(match.label_names, match.labels, strict=True))
    # HTTP libraries send header text as UTF-8 or Latin-1; the codec sees what aiohttp decodes.
    headers = CIMultiDict(
        (key, value.decode() if isinstance(value, bytes) else value)
        for key, value in request.headers.items()
    )
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    return match.operation, parsing.parse(operation, labels, query, headers, body)


@pytest.mark.parametrize("make", [shape_values.minimal, shape_values.full])
@pytest.mark.parametrize("name", shape_values.operations())
def test_what_botocore_sends_is_routed_and_parsed_back(name: str, make: Any) -> None:
    operation = shape_values.service().operation_model(name)
    params = {} if operation.input_shape is None else make(operation.input_shape)
    request = shape_values.request(operation, params)
    routed, parsed = route_and_parse(request)
    assert routed == name
    assert parsed == _as_sent(operation, params)


def _as_sent(operation: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Return what is left of the parameters on the wire.

    An empty list has no place in a query, and botocore sends `{}` for an absent structure that is
    the payload.
    """
    shape = operation.input_shape
    if shape is None:
        return params
    sent = {
        name: value
        for name, value in params.items()
        if value != [] or shape.members[name].serialization.get("location") != "querystring"
    }
    payload = shape.serialization.get("payload")
    if payload is not None and shape.members[payload].type_name == "structure":
        sent.setdefault(payload, {})
    return sent


def test_the_model_has_no_feature_that_the_codec_lacks() -> None:
    service = shape_values.service()
    known = {None, "uri", "querystring", "header", "statusCode"}
    for name in service.shape_names:
        shape = service.shape_for(name)
        if shape.type_name == "structure":
            assert not getattr(shape, "is_tagged_union", False), name
            assert not getattr(shape, "is_document_type", False), name
            for member in shape.members.values():
                assert member.serialization.get("location") in known, name
                assert "jsonvalue" not in member.serialization, name
                if member.serialization.get("location") == "header":
                    assert member.type_name in {"string", "boolean", "integer", "long"}, name


def parse_body(operation: str, body: bytes) -> dict[str, Any]:
    found = shape_values.service().operation_model(operation)
    return parsing.parse(found, {"FunctionName": "f"}, [], {}, body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"Timeout": "3"}', "STRING_VALUE can not be converted to an Integer"),
        (b'{"Timeout": 3.5}', "DECIMAL_VALUE can not be converted to an Integer"),
        (b'{"Timeout": 3000000000}', "NUMBER_VALUE can not be converted to an Integer"),
        (b'{"Timeout": true}', "TRUE_VALUE can not be converted to an Integer"),
        (b'{"Description": 1}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"Description": false}', "FALSE_VALUE can not be converted to a String"),
        (b'{"Description": []}', "Start of list found where not expected"),
        (b'{"Layers": {}}', "Start of structure or map found where not expected"),
        (b'{"Layers": "x"}', "Unexpected field type"),
        (b'{"Environment": [1]}', "Start of list found where not expected"),
        (b'{"Environment": {"Variables": 1}}', "Unexpected field type"),
        (b'{"Layers": [1]}', "NUMBER_VALUE can not be converted to a String"),
        (b"[]", "Start of list found where not expected"),
        (b"null", "Unexpected field type"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_as_aws_words_it(body: bytes, message: str) -> None:
    with pytest.raises(errors.SerializationError) as caught:
        parse_body("UpdateFunctionConfiguration", body)
    assert caught.value.message == message


@pytest.mark.parametrize("size", [0, 1, 196_607, 196_608, 196_609, 3_000_001])
def test_a_blob_of_any_size_comes_out_as_it_went_in(size: int) -> None:
    blob = bytes(index * index % 251 for index in range(1000)) * (size // 1000 + 1)
    body = msgspec.json.encode({"ZipFile": blob[:size]})
    assert parse_body("UpdateFunctionCode", body)["ZipFile"] == blob[:size]


_PIECE = "YWJj" * 65_536


@pytest.mark.parametrize(
    "value",
    [
        *("!", "YQ", "YQ==\n!", "ü", "=", "YQ===", "YQ==YQ=="),
        *(_PIECE + "!", _PIECE[:-4] + "YQ==" + "YWJj", _PIECE + "=", _PIECE + "Y"),
    ],
    ids=lambda value: f"{len(value)} {value[-4:]!r}",
)
def test_a_blob_that_is_not_base64_is_refused(value: str) -> None:
    body = msgspec.json.encode({"ZipFile": value})
    with pytest.raises(errors.SerializationError, match="can not be converted to a Blob"):
        parse_body("UpdateFunctionCode", body)


@pytest.mark.parametrize(
    "body", [b"{", b"{]", b'"\xff"', b"[" * 100_000, b'{"Timeout": 1e999}', b"{} x"]
)
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(errors.SerializationError, match="Could not parse request body into json"):
        parse_body("UpdateFunctionConfiguration", body)


@pytest.mark.parametrize("text", [b'"\\ud800"', b'"\\ud800\\u0041"', b'"\\udc00"'])
def test_no_lone_surrogate_gets_past_parsing(text: bytes) -> None:
    with pytest.raises(errors.SerializationError):
        parse_body("UpdateFunctionConfiguration", b'{"Description": ' + text + b"}")


def test_null_and_unknown_members_are_absent() -> None:
    body = b'{"Timeout": null, "Layers": ["a", null], "Nonsense": 1}'
    parsed = parse_body("UpdateFunctionConfiguration", body)
    assert parsed == {"FunctionName": "f", "Layers": ["a", None]}


def test_an_absent_body_is_an_empty_one() -> None:
    assert parse_body("UpdateFunctionConfiguration", b"") == {"FunctionName": "f"}
    assert parse_body("Invoke", b"") == {"FunctionName": "f"}
    assert parse_body("InvokeAsync", b"") == {"FunctionName": "f", "InvokeArgs": b""}


@pytest.mark.parametrize("value", ["x", "", "1.5", "99999999999", "٣", "1_0", " 1", "--1"])
def test_text_that_is_no_number_is_refused(value: str) -> None:
    operation = shape_values.service().operation_model("ListFunctions")
    with pytest.raises(errors.SerializationError, match="STRING_VALUE can not be converted"):
        parsing.parse(operation, {}, [("MaxItems", value)], {}, b"")


@pytest.mark.parametrize(
    "value", ["2026-11-21T13:46:01Z", "2026-11-21T14:46:01+01:00", "1795268761"]
)
def test_a_time_in_the_query_is_read_in_any_format(value: str) -> None:
    operation = shape_values.service().operation_model("ListDurableExecutionsByFunction")
    query = [("StartedAfter", value)]
    parsed = parsing.parse(operation, {"FunctionName": "f"}, query, {}, b"")
    assert parsed["StartedAfter"] == shape_values.AT


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_MEMBERS = sorted(
    shape_values.service().operation_model("CreateEventSourceMapping").input_shape.members
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(_MEMBERS), _JSON, max_size=4))
def test_any_json_is_parsed_or_refused(document: dict[str, Any]) -> None:
    operation = shape_values.service().operation_model("CreateEventSourceMapping")
    body = msgspec.json.encode(document)
    with contextlib.suppress(errors.SerializationError):
        assert parsing.parse(operation, {}, [], {}, body).keys() <= document.keys()
