from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore import awsrequest, parsers
from botocore import eventstream as boto_eventstream
from support import shape_values

from inglenook_gateway.api import eventstream, serializing, timestamps


def read_as_boto_does(operation: Any, wire: serializing.Wire) -> dict[str, Any]:
    response = {
        "status_code": wire.status,
        "headers": awsrequest.HeadersDict(wire.headers),
        "body": wire.body,
        "context": {"operation_name": operation.name},
    }
    if operation.has_streaming_output or operation.has_event_stream_output:
        response["body"] = _Stream(wire.body)
    found = parsers.create_parser("rest-json").parse(response, operation.output_shape)
    del found["ResponseMetadata"]
    payload = operation.output_shape and operation.output_shape.serialization.get("payload")
    if operation.has_event_stream_output:
        found[payload] = list(found[payload])
    elif operation.has_streaming_output:
        found[payload] = found[payload].data
    return found


class _Stream:
    """What urllib3's response is to botocore, as far as its parsers ask."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def stream(self) -> Any:
        middle = len(self.data) // 2
        return iter([self.data[:middle], self.data[middle:]])

    def close(self) -> None: ...


@pytest.mark.parametrize("make", [shape_values.minimal, shape_values.full])
@pytest.mark.parametrize("name", shape_values.operations())
def test_what_is_serialized_botocore_reads_back(name: str, make: Any) -> None:
    operation = shape_values.service().operation_model(name)
    output = {} if operation.output_shape is None else make(operation.output_shape)
    _fit(operation, output)
    wire = serializing.serialize(operation, output)
    expected = {"StatusCode": wire.status} if name == "DeleteFunction" else {}
    if name.startswith("Invoke"):
        expected["Status" if name == "InvokeAsync" else "StatusCode"] = wire.status
        if name == "Invoke":
            expected["Payload"] = b""
        if name == "InvokeWithResponseStream":
            expected |= {"EventStream": [], "ResponseStreamContentType": eventstream.CONTENT_TYPE}
    assert read_as_boto_does(operation, wire) == expected | output


def _fit(operation: Any, output: dict[str, Any]) -> None:
    """Replace what the generator does not know: a status, texts for headers, and events."""
    members = {} if operation.output_shape is None else operation.output_shape.members
    for name, member in members.items():
        location = member.serialization.get("location")
        if name in output and location == "statusCode":
            output[name] = 202
        elif name in output and location == "header" and "enum" not in member.metadata:
            output[name] = "text"
        elif name in output and member.serialization.get("eventstream"):
            output[name] = [{event: value} for event, value in output[name].items()]


def test_members_that_are_none_are_left_out() -> None:
    operation = shape_values.service().operation_model("GetAlias")
    output = {"Name": "a", "Description": None, "RoutingConfig": {"AdditionalVersionWeights": None}}
    assert serializing.serialize(operation, output).body == b'{"Name":"a","RoutingConfig":{}}'


def test_a_member_that_the_model_lacks_is_a_mistake() -> None:
    service = shape_values.service()
    with pytest.raises(ValueError, match="Nonsense"):
        serializing.serialize(service.operation_model("GetAlias"), {"Nonsense": 1})
    nested = {"RoutingConfig": {"Nonsense": 1}}
    with pytest.raises(ValueError, match="Nonsense"):
        serializing.serialize(service.operation_model("GetAlias"), nested)
    with pytest.raises(ValueError, match="no output"):
        serializing.serialize(service.operation_model("DeleteAlias"), {"Name": "a"})


def test_the_status_is_the_models_unless_the_output_has_one() -> None:
    service = shape_values.service()
    created = serializing.serialize(service.operation_model("CreateFunction"), {})
    assert (created.status, created.body) == (201, b"{}")
    deleted = serializing.serialize(service.operation_model("DeleteFunction"), {"StatusCode": 204})
    assert deleted == serializing.Wire(status=204, headers={}, body=b"")


def test_a_payload_is_written_as_it_is() -> None:
    operation = shape_values.service().operation_model("Invoke")
    output = {"StatusCode": 200, "Payload": b"\x00not json", "ExecutedVersion": "$LATEST"}
    wire = serializing.serialize(operation, output)
    assert wire.body == b"\x00not json"
    assert wire.headers == {
        "X-Amz-Executed-Version": "$LATEST",
        "Content-Type": "application/json",
    }


def test_an_event_is_framed_as_botocore_reads_it() -> None:
    framed = eventstream.event("PayloadChunk", "application/octet-stream", b"\x00\xff")
    buffer = boto_eventstream.EventStreamBuffer()
    buffer.add_data(framed)
    message = next(buffer)
    assert message.payload == b"\x00\xff"
    assert message.headers == {
        ":event-type": "PayloadChunk",
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    }


@pytest.mark.parametrize(
    ("fmt", "written"),
    [
        (timestamps.Format.EPOCH, 1795268761.25),
        (timestamps.Format.ISO, "2026-11-21T13:46:01.250Z"),
        (timestamps.Format.HTTP, "Sat, 21 Nov 2026 13:46:01 GMT"),
    ],
)
def test_a_time_is_written_in_each_format_and_in_utc(fmt: Any, written: Any) -> None:
    there = timezone(timedelta(hours=2))
    at = datetime(2026, 11, 21, 15, 46, 1, 250_000, tzinfo=there)
    assert timestamps.write(at, fmt) == written
    if isinstance(written, str):
        read = timestamps.read_text(written)
        assert abs(read - at) < timedelta(seconds=1)
        assert read.tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="not a point in time"):
        timestamps.write(datetime(2026, 11, 21), timestamps.Format.EPOCH)  # noqa: DTZ001
