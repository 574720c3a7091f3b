"""Asynchronous invocations: dg/invocation-async.html and dg/invocation-async-error-handling.html.

What a function was given it prints, and its log is read. The minutes between attempts are seconds
on the suite's own platform; nothing here depends on how long they are, only on the order.
"""

import json
from collections.abc import Iterator
from concurrent import futures
from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from platform_process import create, package, refused
from support.function_log import SOURCE, Run, runs, so_far

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/invocation-async-error-handling.html")


def send(client: "LambdaClient", name: str, event: object = None, **members: Any) -> str:
    """Call for an asynchronous invocation; return its request id."""
    if event is not None:
        members["Payload"] = json.dumps(event)
    answer = client.invoke(FunctionName=name, InvocationType="Event", **members)
    assert answer["StatusCode"] == 202
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def of(client: "LambdaClient", name: str, request_id: str, count: int = 1) -> list[Run]:
    """Return the runs of one event, once there are so many."""

    def mine(some: list[Run]) -> list[Run]:
        return [run for run in some if run["id"] == request_id]

    return mine(runs(client, name, lambda some: len(mine(some)) >= count))


@pytest.fixture(scope="module")
def clockwork(client: "LambdaClient") -> Iterator[str]:
    """A function whose events fail, to pass the time by."""
    create(client, "clockwork", SOURCE)
    yield "clockwork"
    client.delete_function(FunctionName="clockwork")


def let_retries_pass(client: "LambdaClient", clockwork: str) -> None:
    """Wait until two retries of an event that is sent now are over: others' would be, too."""
    of(client, clockwork, send(client, clockwork, {"fail": "tick"}), 3)


def ran(client: "LambdaClient", name: str, request_id: str) -> int:
    """Count the runs of one event up to now."""
    return sum(run["id"] == request_id for run in so_far(client, name))


def versioned(client: "LambdaClient", name: str) -> None:
    """Make a function with versions 1 and 2 and the alias `live` for version 1."""
    create(client, name, SOURCE)
    client.publish_version(FunctionName=name)
    client.update_function_code(FunctionName=name, ZipFile=package(SOURCE + "# 2\n"))
    platform_process.wait_updated(client, name)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")


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


@pytest.mark.parametrize("attempts", [0, 1, 2])
def test_a_failed_event_is_run_again_as_often_as_configured_under_one_id(
    client: "LambdaClient", name: str, clockwork: str, attempts: int
) -> None:
    create(client, name, SOURCE)
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=attempts)
    sent = send(client, name, {"fail": "no"})
    of(client, name, sent, attempts + 1)
    let_retries_pass(client, clockwork)
    assert ran(client, name, sent) == attempts + 1


def test_without_a_config_there_are_two_retries(
    client: "LambdaClient", name: str, clockwork: str
) -> None:
    create(client, name, SOURCE)
    sent = send(client, name, {"fail": "no"})
    of(client, name, sent, 3)
    let_retries_pass(client, clockwork)
    assert ran(client, name, sent) == 3


@pytest.mark.parametrize(
    ("event", "members"),
    [({"exit": 3}, {}), ({"sleep": 30}, {"Timeout": 1})],
    ids=["exit", "timeout"],
)
def test_a_runtime_that_fails_is_retried_like_an_error(
    client: "LambdaClient", name: str, event: dict[str, Any], members: dict[str, Any]
) -> None:
    create(client, name, SOURCE, **members)
    assert len(of(client, name, send(client, name, event), 2)) == 2


def test_an_event_that_succeeds_at_its_second_attempt_has_no_third(
    client: "LambdaClient", name: str, clockwork: str
) -> None:
    # It fails as long as the function has no variable.
    source = SOURCE.replace("if 'fail' in told:", "if 'fail' in told and 'WELL' not in os.environ:")
    create(client, name, source)
    sent = send(client, name, {"fail": "once"})
    of(client, name, sent)
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"WELL": "1"}}
    )
    of(client, name, sent, 2)
    let_retries_pass(client, clockwork)
    assert ran(client, name, sent) == 2


@pytest.mark.aws("api/API_PutFunctionEventInvokeConfig.html")
def test_a_changed_config_applies_to_events_that_wait(
    client: "LambdaClient", name: str, clockwork: str
) -> None:
    create(client, name, SOURCE)
    sent = send(client, name, {"fail": "no"})
    of(client, name, sent)
    # Its first retry is on its way by now, or this very change forbids it.
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    let_retries_pass(client, clockwork)
    assert ran(client, name, sent) == 2


@pytest.mark.aws("dg/invocation-async-configuring.html")
@pytest.mark.parametrize("qualifier", ["live", "1"])
def test_a_version_or_alias_has_a_config_of_its_own(
    client: "LambdaClient", name: str, qualifier: str
) -> None:
    versioned(client, name)
    client.put_function_event_invoke_config(
        FunctionName=name, Qualifier=qualifier, MaximumRetryAttempts=0
    )
    once = send(client, name, {"fail": "no"}, Qualifier=qualifier)
    of(client, name, once)
    of(client, name, send(client, name, {"fail": "no"}), 3)
    assert ran(client, name, once) == 1


@pytest.mark.aws("dg/configuration-aliases.html")
def test_an_alias_is_looked_up_at_every_attempt(client: "LambdaClient", name: str) -> None:
    versioned(client, name)
    sent = send(client, name, {"fail": "no"}, Qualifier="live")
    of(client, name, sent)
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    found = of(client, name, sent, 3)
    assert [run["version"] for run in found] == ["1", "2", "2"]
    assert {run["arn"].rpartition(":")[2] for run in found} == {"live"}


@pytest.mark.aws("dg/configuration-concurrency.html")
def test_events_beyond_the_reserved_concurrency_run_later(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, SOURCE)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    sent = {send(client, name, {"sleep": 0.2, "n": n}) for n in range(5)}
    found = runs(client, name, lambda some: {run["id"] for run in some} >= sent)
    # A throttle is no attempt: none of them ran twice.
    assert len(found) == 5


@pytest.mark.aws("dg/configuration-concurrency.html")
def test_a_throttled_event_does_not_use_up_its_retries(client: "LambdaClient", name: str) -> None:
    create(client, name, SOURCE)
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    slow = send(client, name, {"sleep": 1})
    of(client, name, slow)
    waiting = send(client, name, {"n": 2})
    of(client, name, waiting)
    assert [run["id"] for run in so_far(client, name)] == [slow, waiting]


@pytest.mark.aws("dg/configuration-concurrency.html")
@pytest.mark.ours("without a destination AWS need not keep events of a function switched off")
def test_a_function_switched_off_takes_events_and_runs_them_when_it_is_on_again(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, SOURCE)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    sent = send(client, name, {"n": 1})
    status, code, _ = refused(client.invoke, FunctionName=name)
    assert (status, code) == (429, "TooManyRequestsException")
    assert so_far(client, name) == []
    client.delete_function_concurrency(FunctionName=name)
    of(client, name, sent)


@pytest.mark.aws("dg/invocation-async-error-handling.html")
def test_an_event_of_a_deleted_function_is_not_for_its_successor(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, SOURCE)
    lost = send(client, name, {"fail": "no"})
    of(client, name, lost)
    client.delete_function(FunctionName=name)
    create(client, name, SOURCE)
    of(client, name, send(client, name, {"fail": "no"}), 3)
    assert ran(client, name, lost) == 1


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
