"""Destinations of events: dg/invocation-async-retain-records.html.

Against what stands in for SQS, SNS, EventBridge and S3 (moto's server).
"""

import json
from typing import TYPE_CHECKING, Any
from urllib import parse

import platform_process
import pytest
from platform_process import create
from support.aws_services import Services, body, configure
from support.function_log import SOURCE, of, runs, send, so_far, versioned

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = [
    pytest.mark.aws("dg/invocation-async-retain-records.html"),
    pytest.mark.ours("it needs queues that both this test and the platform can reach"),
]


@pytest.fixture(scope="module")
def client(beside_services: platform_process.Platform) -> "LambdaClient":
    return beside_services.client()


def test_the_record_of_a_success(client: "LambdaClient", name: str, services: Services) -> None:
    create(client, name, SOURCE)
    queue = services.queue(name)
    configure(client, name, OnSuccess=queue)
    sent = send(client, name, {"answer": {"x": [1, "é"]}})
    message = services.receive(queue)
    record = body(message)
    assert record.pop("timestamp").endswith("Z")
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": sent, "functionArn": f"{arn}:$LATEST", "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"answer": {"x": [1, "é"]}},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"x": [1, "é"]},
    }  # fmt: skip
    assert "MessageAttributes" not in message


@pytest.mark.parametrize("attempts", [0, 1])
def test_the_record_of_a_failure(
    client: "LambdaClient", name: str, services: Services, attempts: int
) -> None:
    create(client, name, SOURCE)
    queue = services.queue(name)
    configure(client, name, attempts=attempts, OnFailure=queue)
    sent = send(client, name, {"fail": "no good"})
    record = body(services.receive(queue))
    assert record["requestContext"]["requestId"] == sent
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == attempts + 1
    assert record["responseContext"] == {
        "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
    }  # fmt: skip
    assert record["responsePayload"]["errorMessage"] == "no good"
    assert record["responsePayload"]["errorType"] == "ValueError"


def test_a_record_goes_where_the_outcome_belongs(
    client: "LambdaClient", name: str, services: Services
) -> None:
    create(client, name, SOURCE)
    well, badly = services.queue(f"{name}-well"[-80:]), services.queue(f"{name}-badly"[-80:])
    configure(client, name, OnSuccess=well, OnFailure=badly)
    good, bad = send(client, name, {}), send(client, name, {"fail": "no"})
    assert body(services.receive(well))["requestContext"]["requestId"] == good
    assert body(services.receive(badly))["requestContext"]["requestId"] == bad
    assert services.is_empty(well)
    assert services.is_empty(badly)


def test_a_synchronous_call_leaves_no_record(
    client: "LambdaClient", name: str, services: Services
) -> None:
    create(client, name, SOURCE)
    queue = services.queue(name)
    configure(client, name, OnSuccess=queue, OnFailure=queue)
    client.invoke(FunctionName=name)
    client.invoke(FunctionName=name, Payload=b'{"fail": "no"}')
    sent = send(client, name, {})
    assert body(services.receive(queue))["requestContext"]["requestId"] == sent
    assert services.is_empty(queue)


def test_a_topic_is_sent_the_record(client: "LambdaClient", name: str, services: Services) -> None:
    create(client, name, SOURCE)
    topic, heard = services.topic(name[:60])
    configure(client, name, OnSuccess=topic)
    sent = send(client, name, {"answer": 7})
    record = body(services.receive(heard))
    assert (record["requestContext"]["requestId"], record["responsePayload"]) == (sent, 7)


@pytest.mark.parametrize(("event", "kind"), [({}, "Success"), ({"fail": "no"}, "Failure")])
def test_a_bus_is_sent_an_event_with_the_record(
    client: "LambdaClient", name: str, services: Services, event: dict[str, Any], kind: str
) -> None:
    create(client, name, SOURCE)
    bus, queue = services.events.create_event_bus(Name=f"{kind}-bus")["EventBusArn"], ""
    queue = services.queue(f"{kind}-heard")
    pattern = json.dumps({"source": ["lambda"]})
    services.events.put_rule(Name=kind, EventPattern=pattern, EventBusName=f"{kind}-bus")
    services.events.put_targets(
        Rule=kind, EventBusName=f"{kind}-bus", Targets=[{"Id": "1", "Arn": queue}]
    )
    configure(client, name, **{f"On{kind}": bus})
    sent = send(client, name, event)
    heard = body(services.receive(queue))
    assert heard["detail-type"] == f"Lambda Function Invocation Result - {kind}"
    assert heard["detail"]["requestContext"]["requestId"] == sent
    assert heard["resources"] == [bus, heard["detail"]["requestContext"]["functionArn"]]


def test_a_bucket_is_given_an_object_named_by_function_and_time(
    client: "LambdaClient", name: str, services: Services
) -> None:
    create(client, name, SOURCE)
    services.s3.create_bucket(Bucket="failures")
    queue = services.queue(name)
    services.s3.put_bucket_notification_configuration(
        Bucket="failures",
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    configure(client, name, OnFailure="arn:aws:s3:::failures")
    sent = send(client, name, {"fail": "no"})
    while "Records" not in (told := body(services.receive(queue))):
        continue
    key = parse.unquote(told["Records"][0]["s3"]["object"]["key"])
    listed = services.s3.list_objects_v2(Bucket="failures")["Contents"]
    assert [one["Key"] for one in listed] == [key]
    folder, at = key.rsplit("/", 1)
    assert folder.startswith(f"aws/lambda/async/{name}/20")
    assert at.startswith(folder.removeprefix(f"aws/lambda/async/{name}/").replace("/", "-") + "T")
    record = json.loads(services.s3.get_object(Bucket="failures", Key=key)["Body"].read())
    assert record["requestContext"]["requestId"] == sent


def with_recorder(client: "LambdaClient", name: str) -> str:
    """Make the function that records are sent to; return its ARN."""
    recorder = f"{name[:50]}-recorder"
    create(client, recorder, SOURCE)
    return client.get_function_configuration(FunctionName=recorder)["FunctionArn"]


@pytest.mark.parametrize(
    ("outcome", "event"), [("OnSuccess", {"answer": 1}), ("OnFailure", {"fail": "no"})]
)
def test_a_function_gets_the_record_as_an_event_of_its_own(
    client: "LambdaClient", name: str, outcome: str, event: dict[str, Any]
) -> None:
    create(client, name, SOURCE)
    recorder = with_recorder(client, f"{outcome}-{name}")
    configure(client, name, **{outcome: recorder})
    sent = send(client, name, event)
    (run,) = runs(client, recorder.rpartition(":")[2])
    assert run["event"]["requestContext"]["requestId"] == sent
    assert run["event"]["requestPayload"] == event
    assert run["id"] != sent


def test_functions_can_be_chained_by_their_successes(client: "LambdaClient", name: str) -> None:
    last = with_recorder(client, name)
    middle, first = f"{name[:50]}-middle", name
    create(client, middle, SOURCE)
    configure(client, middle, OnSuccess=last)
    create(client, first, SOURCE)
    arn = client.get_function_configuration(FunctionName=middle)["FunctionArn"]
    configure(client, first, OnSuccess=arn)
    sent = send(client, first, {"answer": "here"})
    (run,) = runs(client, last.rpartition(":")[2])
    assert run["event"]["requestPayload"]["requestContext"]["requestId"] == sent
    assert run["event"]["requestPayload"]["responsePayload"] == "here"


def test_the_record_of_an_alias_names_the_alias_and_the_version(
    client: "LambdaClient", name: str, services: Services
) -> None:
    versioned(client, name)
    queue = services.queue(name)
    configure(client, name, OnSuccess=queue, Qualifier="live")
    send(client, name, {}, Qualifier="live")
    record = body(services.receive(queue))
    assert record["requestContext"]["functionArn"].endswith(f":function:{name}:live")
    assert record["responseContext"]["executedVersion"] == "1"


def test_an_event_that_gets_too_old_says_so(
    client: "LambdaClient", name: str, services: Services
) -> None:
    create(client, name, SOURCE)
    queue = services.queue(name)
    client.put_function_event_invoke_config(
        FunctionName=name, MaximumEventAgeInSeconds=60, MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )  # fmt: skip
    sent = send(client, name, {"fail": "no"})
    context = body(services.receive(queue))["requestContext"]
    assert context["condition"] == "EventAgeExceeded"
    assert (context["requestId"], context["approximateInvokeCount"]) == (sent, 1)


@pytest.mark.aws("dg/configuration-concurrency.html")
def test_events_of_a_function_switched_off_are_given_up_at_once(
    client: "LambdaClient", name: str, services: Services
) -> None:
    create(client, name, SOURCE)
    queue = services.queue(name)
    configure(client, name, attempts=2, OnFailure=queue)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    send(client, name, {"a": 1})
    record = body(services.receive(queue))
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record["requestPayload"] == {"a": 1}
    assert "responsePayload" not in record
    assert so_far(client, name) == []


def test_a_record_waits_for_a_queue_that_is_made_later(
    client: "LambdaClient", name: str, services: Services
) -> None:
    create(client, name, SOURCE)
    arn = services.queue("made-later")
    url = services.sqs.get_queue_url(QueueName="made-later")["QueueUrl"]
    services.sqs.delete_queue(QueueUrl=url)
    configure(client, name, OnSuccess=arn)
    sent = send(client, name, {})
    of(client, name, sent)
    services.queue("made-later")
    assert body(services.receive(arn))["requestContext"]["requestId"] == sent


def test_records_outlive_a_platform_that_is_killed_while_their_queue_is_away(
    services: Services, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    away = services.variables | {"INGLENOOK_AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    queue = services.queue("outlived")
    first = platform_process.start(folder, variables=away)
    client = first.client()
    create(client, "outlives", SOURCE)
    configure(client, "outlives", OnSuccess=queue)
    sent = {send(client, "outlives", {"n": n}) for n in range(5)}
    runs(client, "outlives", 5)
    first.kill()
    assert first.process.stdout is not None
    first.process.stdout.close()
    with platform_process.running(folder, variables=services.variables):
        found: set[str] = set()
        while found != sent:
            found.add(body(services.receive(queue))["requestContext"]["requestId"])
