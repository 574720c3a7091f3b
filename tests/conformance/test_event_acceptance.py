"""Which events are accepted, and how: api/API_Invoke.html, dg/invocation-async.html."""

import json
from concurrent import futures
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, refused
from support.function_log import SOURCE, of, runs, send, versioned

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/invocation-async.html")


@pytest.mark.aws("api/API_Invoke.html")
@pytest.mark.parametrize("log_type", ["None", "Tail"])
def test_the_answer_tells_nothing_of_the_function(
    client: "LambdaClient", name: str, log_type: Any
) -> None:
    create(client, name, SOURCE)
    answer = client.invoke(FunctionName=name, InvocationType="Event", LogType=log_type)
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    assert not {"ExecutedVersion", "FunctionError", "LogResult"} & answer.keys()


@pytest.mark.aws("dg/invocation-async.html")
def test_the_event_runs_under_the_request_id_that_was_answered(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, SOURCE)
    request_id = send(client, name, {"a": ["é", 1.5]})
    (run,) = of(client, name, request_id)
    assert run["event"] == {"a": ["é", 1.5]}


@pytest.mark.aws("model:InvocationRequest.Payload")
def test_no_payload_is_an_empty_event(client: "LambdaClient", name: str) -> None:
    create(client, name, SOURCE)
    (run,) = of(client, name, send(client, name))
    assert run["event"] == {}


@pytest.mark.aws("api/API_Invoke.html")
def test_the_client_context_is_for_synchronous_calls_only(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, SOURCE)
    context = "eyJjdXN0b20iOiB7ImEiOiAiYiJ9fQ=="
    assert (
        json.loads(client.invoke(FunctionName=name, ClientContext=context)["Payload"].read())
        is None
    )
    send(client, name, ClientContext=context)
    assert [run["context"] for run in runs(client, name, 2)] == [{"a": "b"}, None]


@pytest.mark.aws("model:InvocationRequest.FunctionName")
@pytest.mark.parametrize("form", ["{arn}", "{account}:function:{name}", "{name}:1", "{arn}:live"])
def test_every_form_of_a_name_is_taken(client: "LambdaClient", name: str, form: str) -> None:
    versioned(client, name)
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    called = form.format(arn=arn, name=name, account=arn.split(":")[4])
    (run,) = of(client, name, send(client, called))
    qualifier = called.rpartition(":")[2]
    assert run["arn"] == (f"{arn}:{qualifier}" if qualifier in {"1", "live"} else arn)


@pytest.mark.aws("model:InvocationRequest.Qualifier")
@pytest.mark.parametrize(("qualifier", "version"), [("1", "1"), ("2", "2"), ("$LATEST", "$LATEST")])
def test_the_version_that_was_asked_for_runs(
    client: "LambdaClient", name: str, qualifier: str, version: str
) -> None:
    versioned(client, name)
    (run,) = of(client, name, send(client, name, Qualifier=qualifier))
    assert run["version"] == version
    assert run["arn"].endswith(f":{name}:{qualifier}")


@pytest.mark.aws("model:InvalidRequestContentException")
@pytest.mark.parametrize(
    "payload", [b"{", b"plain", b'"\xff"'], ids=["cut off", "text", "not UTF-8"]
)
def test_what_is_not_json_is_refused_before_it_is_accepted(
    client: "LambdaClient", name: str, payload: bytes
) -> None:
    create(client, name, SOURCE)
    status, code, message = refused(
        client.invoke, FunctionName=name, InvocationType="Event", Payload=payload
    )
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: ")


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_an_event_may_have_a_mebibyte(client: "LambdaClient", name: str) -> None:
    create(client, name, SOURCE)
    (run,) = of(client, name, send(client, name, "x" * (1024 * 1024 - 2)))
    assert run["event"] == 1024 * 1024 - 2


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_larger_event_is_refused_although_a_synchronous_call_may_have_it(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, "def handler(event, context):\n    return len(event)\n")
    payload = json.dumps("x" * (1024 * 1024 - 1))
    status, code, _ = refused(
        client.invoke, FunctionName=name, InvocationType="Event", Payload=payload
    )
    assert (status, code) == (413, "RequestTooLargeException")
    assert client.invoke(FunctionName=name, Payload=payload)["Payload"].read() == b"1048575"


@pytest.mark.aws("model:ResourceNotFoundException")
@pytest.mark.parametrize("qualifier", ["$LATEST", "7", "absent"])
def test_a_function_or_qualifier_that_is_not_there(
    client: "LambdaClient", name: str, qualifier: str
) -> None:
    if qualifier != "$LATEST":
        create(client, name, SOURCE)
    status, code, message = refused(
        client.invoke, FunctionName=name, InvocationType="Event", Qualifier=qualifier, Payload=b"{"
    )
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message.endswith(f"function:{name}:{qualifier}")


@pytest.mark.aws("dg/invocation-async.html")
def test_many_events_at_once_all_run(client: "LambdaClient", name: str) -> None:
    create(client, name, SOURCE)
    with futures.ThreadPoolExecutor(16) as pool:
        sent = set(pool.map(lambda n: send(client, name, {"n": n}), range(200)))
    assert len(sent) == 200
    found = runs(client, name, lambda some: {run["id"] for run in some} >= sent)
    assert {run["event"]["n"] for run in found} == set(range(200))


@pytest.mark.aws("api/API_InvokeAsync.html")
def test_the_deprecated_operation_runs_an_event_as_well(client: "LambdaClient", name: str) -> None:
    create(client, name, SOURCE)
    answer = client.invoke_async(FunctionName=name, InvokeArgs=b'{"a": 1}')
    assert answer["Status"] == 202
    (run,) = of(client, name, answer["ResponseMetadata"]["RequestId"])
    assert run["event"] == {"a": 1}


@pytest.mark.slow_on_aws("a failed event is retried after a minute")
@pytest.mark.aws("api/API_InvokeAsync.html")
def test_the_deprecated_operation_retries_as_well(client: "LambdaClient", name: str) -> None:
    create(client, name, SOURCE)
    answer = client.invoke_async(FunctionName=name, InvokeArgs=b'{"fail": "no"}')
    of(client, name, answer["ResponseMetadata"]["RequestId"], 2)


@pytest.mark.aws("api/API_InvokeAsync.html")
def test_the_deprecated_operation_has_a_limit_of_its_own(client: "LambdaClient", name: str) -> None:
    create(client, name, SOURCE)
    client.invoke_async(FunctionName=name, InvokeArgs=json.dumps("x" * (256 * 1024 - 2)))
    assert runs(client, name)[0]["event"] == 256 * 1024 - 2
    status, _, _ = refused(
        client.invoke_async, FunctionName=name, InvokeArgs=json.dumps("x" * (256 * 1024 - 1))
    )
    assert status == 413


@pytest.mark.aws("api/API_InvokeAsync.html")
@pytest.mark.parametrize(
    ("exists", "args", "expected"),
    [
        (True, b"{", (400, "InvalidRequestContentException")),
        (False, b"{}", (404, "ResourceNotFoundException")),
        (False, b"{", (404, "ResourceNotFoundException")),
    ],
)
def test_what_the_deprecated_operation_refuses(
    client: "LambdaClient", name: str, args: bytes, expected: tuple[int, str], *, exists: bool
) -> None:
    if exists:
        create(client, name, SOURCE)
    assert refused(client.invoke_async, FunctionName=name, InvokeArgs=args)[:2] == expected
