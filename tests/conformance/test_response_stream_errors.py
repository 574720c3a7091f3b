"""InvokeWithResponseStream of functions that fail before their stream or midway."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from support.streaming_functions import (
    CUSTOM_RUNTIMES,
    ERROR_BODY,
    ERROR_TYPE,
    MIB,
    function,
    said,
    stream,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_InvokeWithResponseStream.html")

STREAMING = "dg/configuration-response-streaming.html"


@pytest.fixture(scope="module")
def short(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[str]:
    """A function with a timeout of a second."""
    with function(client, named("short"), Timeout=1) as created:
        yield created


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
    assert (answer.body, answer.complete["ErrorCode"]) == (b"some", "Runtime.TruncatedResponse")
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
    client: "LambdaClient", short: str, written: str
) -> None:
    answer = stream(client, short, {"steps": [["write", written], ["sleep", 20]]})
    assert answer.body.decode() == written
    assert answer.complete["ErrorCode"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in answer.complete["ErrorDetails"]
