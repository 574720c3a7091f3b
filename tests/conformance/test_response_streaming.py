"""InvokeWithResponseStream as boto3 sees it: what a stream brings."""

import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from support.streaming_functions import (
    BUFFERED,
    CUSTOM_RUNTIMES,
    MIB,
    function,
    refused,
    said,
    stream,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_InvokeWithResponseStream.html")

STREAMING = "dg/configuration-response-streaming.html"


# What a stream brings.


@pytest.mark.aws("model:InvokeWithResponseStreamResponseEvent.PayloadChunk")
def test_the_pieces_come_in_order(client: "LambdaClient", streaming: str) -> None:
    steps = [["write", f"piece {n};"] for n in range(50)]
    answer = stream(client, streaming, {"steps": steps})
    assert answer.body.decode() == "".join(f"piece {n};" for n in range(50))


@pytest.mark.aws("model:InvokeWithResponseStreamCompleteEvent")
def test_a_stream_that_went_well_completes_without_an_error(
    client: "LambdaClient", streaming: str
) -> None:
    assert stream(client, streaming, {"steps": [["write", "well"]]}).complete == {}


@pytest.mark.aws("model:InvokeResponseStreamUpdate.Payload")
def test_a_payload_is_any_bytes(client: "LambdaClient", streaming: str) -> None:
    answer = stream(client, streaming, {"steps": [["octets"]], "type": "image/png"})
    assert answer.body == bytes(range(256))


def test_a_stream_may_be_empty(client: "LambdaClient", streaming: str) -> None:
    answer = stream(client, streaming, {"steps": []})
    assert (answer.pieces, answer.complete) == ([], {})


@pytest.mark.ours("the function is told to go on through a loopback port")
def test_a_piece_arrives_while_the_function_still_runs(
    client: "LambdaClient", streaming: str
) -> None:
    event = {"steps": [["wait"], ["write", "after"]]}
    response = client.invoke_with_response_stream(FunctionName=streaming, Payload=json.dumps(event))
    events = iter(response["EventStream"])
    port = int(next(events)["PayloadChunk"]["Payload"])
    socket.create_connection(("127.0.0.1", port)).close()
    rest = list(events)
    assert rest[0] == {"PayloadChunk": {"Payload": b"after"}}
    assert rest[1:] == [{"InvokeComplete": {}}]


@pytest.mark.ours("the function is told to go on through a loopback port")
def test_each_piece_arrives_before_the_next_is_written(
    client: "LambdaClient", streaming: str
) -> None:
    response = client.invoke_with_response_stream(
        FunctionName=streaming, Payload=json.dumps({"steps": [["wait"]] * 5})
    )
    ports = []
    for each in response["EventStream"]:
        if "PayloadChunk" in each:
            ports.append(int(each["PayloadChunk"]["Payload"]))
            socket.create_connection(("127.0.0.1", ports[-1])).close()
    assert len(ports) == 5


@pytest.mark.aws(STREAMING)
def test_a_stream_may_exceed_the_limit_of_whole_answers(
    client: "LambdaClient", streaming: str
) -> None:
    answer = stream(client, streaming, {"steps": [["bytes", 7 * MIB, 100_000]]})
    assert answer.body == b"x" * 7 * MIB
    assert answer.complete == {}


@pytest.mark.aws(CUSTOM_RUNTIMES)
def test_the_runtime_is_told_that_its_stream_was_taken(
    client: "LambdaClient", streaming: str
) -> None:
    said(client, streaming)
    stream(client, streaming, {"steps": [["write", "x"]]})
    assert said(client, streaming) == [202]


# The response's head.


@pytest.mark.aws("model:InvokeWithResponseStreamResponse.StatusCode")
def test_the_status_is_200(client: "LambdaClient", streaming: str) -> None:
    assert stream(client, streaming, {"steps": []}).head["StatusCode"] == 200


@pytest.mark.aws("model:InvokeWithResponseStreamResponse.ResponseStreamContentType")
def test_the_content_type_is_that_of_an_event_stream(
    client: "LambdaClient", streaming: str
) -> None:
    head = stream(client, streaming, {"steps": [], "type": "text/html"}).head
    assert head["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"


@pytest.mark.aws("model:InvokeWithResponseStreamResponse.ExecutedVersion")
@pytest.mark.parametrize("qualifier", [None, "$LATEST", "1", "live"])
def test_the_executed_version_is_told(
    client: "LambdaClient", streaming: str, qualifier: str | None
) -> None:
    number = client.publish_version(FunctionName=streaming)["Version"]
    platform_process.wait_published(client, streaming, number)
    with contextlib.suppress(client.exceptions.ResourceConflictException):
        client.create_alias(FunctionName=streaming, Name="live", FunctionVersion=number)
    more = {} if qualifier is None else {"Qualifier": qualifier}
    answer = stream(client, streaming, {"steps": [["write", "x"]]}, **more)
    expected = number if qualifier in {"1", "live"} else "$LATEST"
    assert answer.head["ExecutedVersion"] == expected


def test_the_request_id_is_that_of_the_log(client: "LambdaClient", streaming: str) -> None:
    answer = stream(client, streaming, {"steps": []}, LogType="Tail")
    request_id = answer.head["ResponseMetadata"]["RequestId"]
    assert f"START RequestId: {request_id} " in answer.log


# The log.


@pytest.mark.aws("model:InvokeWithResponseStreamCompleteEvent.LogResult")
def test_the_log_comes_with_the_last_event(client: "LambdaClient", streaming: str) -> None:
    steps = [["write", "a"], ["log", "between the pieces"], ["write", "b"]]
    log = stream(client, streaming, {"steps": steps}, LogType="Tail").log
    assert log.index("START ") < log.index("between the pieces\n") < log.index("REPORT ")


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.LogType")
def test_the_log_does_not_come_unasked(client: "LambdaClient", streaming: str) -> None:
    answer = stream(client, streaming, {"steps": [["log", "quiet"]]}, LogType="None")
    assert "LogResult" not in answer.complete


@pytest.mark.aws("model:InvokeWithResponseStreamCompleteEvent.LogResult")
def test_the_log_of_a_failure_comes_with_it(client: "LambdaClient", streaming: str) -> None:
    answer = stream(client, streaming, {"steps": [["exit", 3]]}, LogType="Tail")
    assert "Runtime exited with error: exit status 3" in answer.log


# Concurrency.


@pytest.mark.aws("dg/lambda-concurrency.html")
def test_a_throttled_stream_is_an_error_before_it_begins(client: "LambdaClient", name: str) -> None:
    platform_process.create(client, name, BUFFERED)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException) as throttled:
        client.invoke_with_response_stream(FunctionName=name)
    answer: dict[str, Any] = dict(throttled.value.response)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


@pytest.mark.ours("the function is told to go on through a loopback port")
def test_a_stream_counts_as_an_execution_until_its_end(client: "LambdaClient", name: str) -> None:
    with function(client, name):
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
        response = client.invoke_with_response_stream(
            FunctionName=name, Payload=json.dumps({"steps": [["wait"]]})
        )
        events = iter(response["EventStream"])
        port = int(next(events)["PayloadChunk"]["Payload"])
        assert refused(client, name)[1] == "TooManyRequestsException"
        socket.create_connection(("127.0.0.1", port)).close()
        assert list(events) == [{"InvokeComplete": {}}]
        assert stream(client, name).body == b"{}"


@pytest.mark.ours("that the environment is the same one")
def test_a_caller_that_hangs_up_does_not_stop_the_function(
    client: "LambdaClient", name: str
) -> None:
    with function(client, name):
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
        response = client.invoke_with_response_stream(
            FunctionName=name,
            Payload=json.dumps({"steps": [["wait"], ["bytes", 5 * MIB, 100_000]]}),
        )
        port = int(next(iter(response["EventStream"]))["PayloadChunk"]["Payload"])
        response["EventStream"].close()
        socket.create_connection(("127.0.0.1", port)).close()
        assert said_in_time(client, name) == [202]


def said_in_time(client: "LambdaClient", name: str) -> Any:
    """Ask what the API has said as soon as the function is free again."""
    while True:
        with contextlib.suppress(client.exceptions.TooManyRequestsException):
            return said(client, name)
