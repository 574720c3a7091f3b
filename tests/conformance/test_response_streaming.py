"""InvokeWithResponseStream as boto3 sees it, of functions that stream and of others."""

import base64
import contextlib
import io
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from support import streaming_runtime

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_InvokeWithResponseStream.html")

CUSTOM_RUNTIMES = "dg/runtimes-custom.html"
STREAMING = "dg/configuration-response-streaming.html"
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
MIB = 1024 * 1024

BUFFERED = """
def handler(event, context):
    if event.get("fail"):
        raise LookupError(event["fail"])
    return {"got": event}
"""


@dataclass(frozen=True)
class Answer:
    """All that a stream brought."""

    head: dict[str, Any]
    pieces: list[bytes]
    complete: dict[str, str]

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def log(self) -> str:
        return base64.b64decode(self.complete["LogResult"]).decode()


def stream(client: "LambdaClient", name: str, event: object = None, **more: Any) -> Answer:
    """Invoke and read to the end."""
    if event is not None:
        more["Payload"] = json.dumps(event)
    response = client.invoke_with_response_stream(FunctionName=name, **more)
    events = list(response["EventStream"])
    assert [list(each) for each in events] == [
        *[["PayloadChunk"]] * (len(events) - 1),
        ["InvokeComplete"],
    ]
    return Answer(
        head={key: value for key, value in response.items() if key != "EventStream"},
        pieces=[each["PayloadChunk"]["Payload"] for each in events[:-1]],
        complete=dict(events[-1]["InvokeComplete"]),
    )


def said(client: "LambdaClient", name: str) -> Any:
    """Return what the Runtime API has told the function."""
    return invoke(client, name, {"answer": "said"})


def invoke(client: "LambdaClient", name: str, event: object) -> Any:
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def refused(client: "LambdaClient", name: str, **more: Any) -> tuple[int, str, str]:
    return platform_process.refused(client.invoke_with_response_stream, FunctionName=name, **more)


@contextlib.contextmanager
def function(client: "LambdaClient", name: str, **members: Any) -> Iterator[str]:
    """A function that streams what its event tells it to."""
    code = platform_process.package({"bootstrap": streaming_runtime.SOURCE})
    members = {"Runtime": "provided.al2023", "Timeout": 30, **members}
    platform_process.create(client, name, code, **members)
    try:
        yield name
    finally:
        client.delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def streaming(client: "LambdaClient") -> Iterator[str]:
    with function(client, "response-streaming") as created:
        yield created


@pytest.fixture(scope="module")
def hasty(client: "LambdaClient") -> Iterator[str]:
    """The same with a timeout of a second."""
    with function(client, "response-streaming-hasty", Timeout=1) as created:
        yield created


@pytest.fixture(scope="module")
def buffered(client: "LambdaClient") -> Iterator[str]:
    platform_process.create(client, "response-buffered", BUFFERED)
    yield "response-buffered"
    client.delete_function(FunctionName="response-buffered")


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
    platform_process.wait_active(client, streaming)
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


# Errors of the function.


@pytest.mark.aws(CUSTOM_RUNTIMES)
def test_an_error_midway_comes_after_the_pieces_that_were_written(
    client: "LambdaClient", streaming: str
) -> None:
    error = '{"errorType": "Custom.Broken", "errorMessage": "midway"}'
    answer = stream(
        client,
        streaming,
        {
            "steps": [["write", "before"]],
            "trailers": [[ERROR_TYPE, "Custom.Broken"], [ERROR_BODY, {"base64": error}]],
        },
    )
    assert answer.body == b"before"
    assert answer.complete == {"ErrorCode": "Custom.Broken", "ErrorDetails": error}


@pytest.mark.aws(CUSTOM_RUNTIMES)
def test_an_error_midway_may_have_a_type_alone(client: "LambdaClient", streaming: str) -> None:
    answer = stream(
        client,
        streaming,
        {"steps": [["write", "before"]], "trailers": [[ERROR_TYPE, "Runtime.Custom"]]},
    )
    assert answer.complete["ErrorCode"] == "Runtime.Custom"


@pytest.mark.aws(CUSTOM_RUNTIMES)
def test_an_error_midway_need_not_be_json(client: "LambdaClient", streaming: str) -> None:
    trailers = [[ERROR_TYPE, "Function.Text"], [ERROR_BODY, {"base64": "just wörds"}]]
    answer = stream(client, streaming, {"steps": [["write", "x"]], "trailers": trailers})
    assert answer.complete["ErrorDetails"] == "just wörds"


@pytest.mark.aws(CUSTOM_RUNTIMES)
def test_other_trailers_mean_nothing(client: "LambdaClient", streaming: str) -> None:
    trailers = [["X-Checksum", "12345"]]
    answer = stream(client, streaming, {"steps": [["write", "x"]], "trailers": trailers})
    assert answer.complete == {}


@pytest.mark.aws(CUSTOM_RUNTIMES)
def test_a_runtime_that_reported_an_error_midway_goes_on(
    client: "LambdaClient", streaming: str
) -> None:
    said(client, streaming)
    stream(client, streaming, {"steps": [], "trailers": [[ERROR_TYPE, "Custom.Broken"]]})
    assert said(client, streaming) == [202]


@pytest.mark.aws(CUSTOM_RUNTIMES)
def test_an_error_instead_of_a_stream_is_told_by_the_last_event_alone(
    client: "LambdaClient", streaming: str
) -> None:
    error = {"errorType": "Custom.Early", "errorMessage": "nothing was written"}
    answer = stream(client, streaming, {"fail": ["Custom.Early", error]})
    assert (answer.pieces, answer.head["StatusCode"]) == ([], 200)
    assert answer.complete["ErrorCode"] == "Custom.Early"
    assert json.loads(answer.complete["ErrorDetails"]) == error


@pytest.mark.aws(CUSTOM_RUNTIMES)
@pytest.mark.parametrize("step", ["error", "response"])
def test_once_a_stream_has_begun_nothing_else_can_be_answered(
    client: "LambdaClient", streaming: str, step: str
) -> None:
    said(client, streaming)
    answer = stream(client, streaming, {"steps": [["write", "a"], [step], ["write", "b"]]})
    assert (answer.body, answer.complete) == (b"ab", {})
    assert said(client, streaming) == [403, 202]


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (["exit", 7], "Runtime exited with error: exit status 7"),
        (["kill"], "Runtime exited with error: signal: killed"),
        (["exit", 0], "Runtime exited without providing a reason"),
        (["close"], "Response is truncated"),
    ],
)
def test_a_stream_that_breaks_off_is_truncated(
    client: "LambdaClient", streaming: str, last: list[object], why: str
) -> None:
    answer = stream(client, streaming, {"steps": [["write", "some"], last]})
    assert answer.body == b"some"
    assert answer.complete["ErrorCode"] == "Runtime.TruncatedResponse"
    assert why in json.loads(answer.complete["ErrorDetails"])["errorMessage"]


def test_what_a_dying_process_wrote_arrives_whole(client: "LambdaClient", streaming: str) -> None:
    answer = stream(client, streaming, {"steps": [["bytes", 3 * MIB, 70_000], ["exit", 1]]})
    assert answer.body == b"x" * 3 * MIB
    assert answer.complete["ErrorCode"] == "Runtime.TruncatedResponse"


def test_after_a_death_midway_the_function_can_be_invoked_again(
    client: "LambdaClient", streaming: str
) -> None:
    stream(client, streaming, {"steps": [["write", "some"], ["kill"]]})
    assert stream(client, streaming, {"steps": [["write", "again"]]}).body == b"again"


def test_a_death_before_the_first_byte_is_an_exit(client: "LambdaClient", streaming: str) -> None:
    answer = stream(client, streaming, {"steps": [["exit", 5]]})
    assert answer.pieces == []
    assert answer.complete["ErrorCode"] == "Runtime.ExitError"


@pytest.mark.aws("dg/configuration-timeout.html")
@pytest.mark.parametrize("written", ["", "some"])
def test_the_timeout_counts_until_the_end_of_the_stream(
    client: "LambdaClient", hasty: str, written: str
) -> None:
    answer = stream(client, hasty, {"steps": [["write", written], ["sleep", 20]]})
    assert answer.body.decode() == written
    assert answer.complete["ErrorCode"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in answer.complete["ErrorDetails"]


# Functions that do not stream, and callers that do not.


@pytest.mark.aws(STREAMING)
def test_a_python_function_is_streamed_as_one_piece(client: "LambdaClient", buffered: str) -> None:
    answer = stream(client, buffered, {"n": 1})
    assert [json.loads(piece) for piece in answer.pieces] == [{"got": {"n": 1}}]


@pytest.mark.aws(STREAMING)
def test_a_large_answer_of_a_python_function_arrives_whole(
    client: "LambdaClient", buffered: str
) -> None:
    event = {"text": "y" * 5_000_000}
    assert json.loads(stream(client, buffered, event).body) == {"got": event}


@pytest.mark.aws("model:InvokeWithResponseStreamCompleteEvent.ErrorDetails")
def test_a_python_functions_exception_is_in_the_last_event(
    client: "LambdaClient", buffered: str
) -> None:
    answer = stream(client, buffered, {"fail": "so"})
    assert answer.pieces == []
    details = json.loads(answer.complete["ErrorDetails"])
    assert (answer.complete["ErrorCode"], details["errorMessage"]) == ("LookupError", "so")


@pytest.mark.aws(CUSTOM_RUNTIMES)
def test_a_custom_runtime_that_does_not_stream_gives_its_answer(
    client: "LambdaClient", streaming: str
) -> None:
    assert json.loads(stream(client, streaming, {"answer": {"a": [1]}}).body) == {"a": [1]}


@pytest.mark.aws("api/API_Invoke.html")
def test_invoke_gathers_what_a_function_streams(client: "LambdaClient", streaming: str) -> None:
    event = {"steps": [["write", '"one '], ["write", 'answer"']]}
    assert invoke(client, streaming, event) == "one answer"


@pytest.mark.aws("api/API_Invoke.html")
def test_invoke_takes_a_streams_error_for_the_functions(
    client: "LambdaClient", streaming: str
) -> None:
    error = '{"errorType": "Custom.Broken"}'
    event = {
        "steps": [["write", "lost"]],
        "trailers": [[ERROR_TYPE, "Custom.Broken"], [ERROR_BODY, {"base64": error}]],
    }
    answer = client.invoke(FunctionName=streaming, Payload=json.dumps(event))
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"].read().decode() == error


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_invoke_gathers_no_more_than_an_answer_may_have(
    client: "LambdaClient", streaming: str
) -> None:
    answer = invoke(client, streaming, {"steps": [["bytes", 7 * MIB, 100_000]]})
    assert answer == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        "(6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }


# What is asked.


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.Payload")
def test_an_absent_payload_is_an_empty_object(client: "LambdaClient", streaming: str) -> None:
    assert stream(client, streaming).body == b"{}"


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.Payload")
def test_a_payload_may_be_a_file(client: "LambdaClient", buffered: str) -> None:
    file = io.BytesIO(b'{"from": "a file"}')
    answer = stream(client, buffered, Payload=file)
    assert json.loads(answer.body) == {"got": {"from": "a file"}}


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.ClientContext")
def test_the_client_context_reaches_the_function(client: "LambdaClient", streaming: str) -> None:
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    answer = stream(client, streaming, {"answer": "context"}, ClientContext=context)
    assert json.loads(answer.body) == {"custom": {"k": "v"}}


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.InvocationType")
def test_a_dry_run_runs_nothing(client: "LambdaClient", streaming: str) -> None:
    said(client, streaming)
    response = client.invoke_with_response_stream(
        FunctionName=streaming, InvocationType="DryRun", Payload='{"fail": ["X", {}]}'
    )
    assert response["StatusCode"] == 204
    assert said(client, streaming) == []


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.InvocationType")
@pytest.mark.parametrize(
    ("member", "value", "choices"),
    [
        ("InvocationType", "Event", "[RequestResponse, DryRun]"),
        ("LogType", "Head", "[None, Tail]"),
    ],
)
def test_unknown_choices_are_refused(
    client: "LambdaClient", streaming: str, member: str, value: str, choices: str
) -> None:
    status, code, message = refused(client, streaming, **{member: value})
    assert (status, code) == (400, "ValidationException")
    assert f"Value '{value}' at '{member[0].lower()}{member[1:]}'" in message
    assert choices in message


def test_a_function_that_is_not_there_is_not_found(client: "LambdaClient") -> None:
    status, code, message = refused(client, "absent-stream")
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message.startswith("Function not found: arn:")
    assert message.endswith(":function:absent-stream:$LATEST")


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.Qualifier")
def test_a_qualifier_that_is_not_there_is_not_found(client: "LambdaClient", streaming: str) -> None:
    status, code, message = refused(client, streaming, Qualifier="nowhere")
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message.endswith(":function:response-streaming:nowhere")


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.Qualifier")
def test_two_qualifiers_that_differ_are_refused(client: "LambdaClient", streaming: str) -> None:
    status, code, message = refused(client, f"{streaming}:one", Qualifier="two")
    assert (status, code) == (400, "InvalidParameterValueException")
    assert "does not match the specified qualifier" in message


def test_a_payload_that_is_not_json_is_refused(client: "LambdaClient", streaming: str) -> None:
    status, code, _ = refused(client, streaming, Payload=b"{not json")
    assert (status, code) == (400, "InvalidRequestContentException")


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_payload_over_the_limit_is_refused(client: "LambdaClient", streaming: str) -> None:
    status, code, message = refused(client, streaming, Payload=b'"' + b"z" * 6_291_456 + b'"')
    assert (status, code) == (413, "RequestTooLargeException")
    assert message.startswith("6291458 byte payload is too large")


def test_existence_is_checked_before_the_payload(client: "LambdaClient") -> None:
    _, code, _ = refused(client, "absent-stream", Payload=b"{not json")
    assert code == "ResourceNotFoundException"


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.ClientContext")
def test_a_client_context_that_is_not_json_is_refused(
    client: "LambdaClient", streaming: str
) -> None:
    status, code, _ = refused(client, streaming, ClientContext="bm8ganNvbg==")
    assert (status, code) == (400, "InvalidRequestContentException")


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
