"""InvokeWithResponseStream of functions that do not stream, Invoke of those that do, bad calls."""

import base64
import io
import json
from typing import TYPE_CHECKING

import pytest
from support.streaming_functions import (
    CUSTOM_RUNTIMES,
    ERROR_BODY,
    ERROR_TYPE,
    MIB,
    invoke,
    refused,
    said,
    stream,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_InvokeWithResponseStream.html")

STREAMING = "dg/configuration-response-streaming.html"


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


def test_a_function_that_is_not_there_is_not_found(client: "LambdaClient", name: str) -> None:
    status, code, message = refused(client, name)
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message.startswith("Function not found: arn:")
    assert message.endswith(f":function:{name}:$LATEST")


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.Qualifier")
def test_a_qualifier_that_is_not_there_is_not_found(client: "LambdaClient", streaming: str) -> None:
    status, code, message = refused(client, streaming, Qualifier="nowhere")
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message.endswith(f":function:{streaming}:nowhere")


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


def test_existence_is_checked_before_the_payload(client: "LambdaClient", name: str) -> None:
    _, code, _ = refused(client, name, Payload=b"{not json")
    assert code == "ResourceNotFoundException"


@pytest.mark.aws("model:InvokeWithResponseStreamRequest.ClientContext")
def test_a_client_context_that_is_not_json_is_refused(
    client: "LambdaClient", streaming: str
) -> None:
    status, code, _ = refused(client, streaming, ClientContext="bm8ganNvbg==")
    assert (status, code) == (400, "InvalidRequestContentException")
