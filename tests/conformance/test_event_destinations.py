"""Destinations of asynchronous invocations: dg/invocation-async-retain-records.html."""

from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/invocation-async-retain-records.html")

CODE = "def handler(event, context):\n    return event\n"
NO_DESTINATIONS: dict[str, Any] = {"OnSuccess": {}, "OnFailure": {}}
INVALID = (
    "The provided destination config DestinationConfig(onSuccess={}, onFailure={}) is invalid."
)


def arn(client: "LambdaClient", name: str) -> str:
    return client.get_function_configuration(FunctionName=name)["FunctionArn"]


def sqs(client: "LambdaClient", name: str) -> str:
    """Return the ARN of a queue. No record is sent there."""
    return arn(client, name).replace(":lambda:", ":sqs:").replace(f"function:{name}", "queue")


@pytest.mark.parametrize(
    ("outcome", "service"),
    [
        ("OnSuccess", "sqs"), ("OnSuccess", "sns"), ("OnFailure", "sqs"), ("OnFailure", "sns"),
    ],
)  # fmt: skip
@pytest.mark.ours("the queue and the topic do not exist; AWS also asks whether the role may send")
def test_queues_and_topics_are_destinations(
    client: "LambdaClient", name: str, outcome: str, service: str
) -> None:
    create(client, name, CODE)
    target = sqs(client, name).replace(":sqs:", f":{service}:")
    made: Any = client.put_function_event_invoke_config(
        FunctionName=name,
        DestinationConfig={outcome: {"Destination": target}},  # type: ignore[misc]
    )
    assert made["DestinationConfig"] == NO_DESTINATIONS | {outcome: {"Destination": target}}


@pytest.mark.ours("the bus does not exist; AWS also asks whether the role may send")
def test_an_event_bus_is_a_destination(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    bus = sqs(client, name).replace(":sqs:", ":events:").replace(":queue", ":event-bus/default")
    made = client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": bus}}
    )
    assert made["DestinationConfig"]["OnSuccess"] == {"Destination": bus}


@pytest.mark.ours("the bucket does not exist; AWS also asks whether the role may write")
def test_a_bucket_is_for_failures_only(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    bucket = "arn:aws:s3:::bucket"
    made = client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": bucket}}
    )
    assert made["DestinationConfig"]["OnFailure"] == {"Destination": bucket}
    assert refused(
        client.put_function_event_invoke_config,
        FunctionName=name,
        DestinationConfig={"OnSuccess": {"Destination": bucket}},
    ) == (
        400,
        "InvalidParameterValueException",
        INVALID.format(f"OnSuccess(destination={bucket})", "null"),
    )


@pytest.mark.parametrize("outcome", ["OnSuccess", "OnFailure"])
@pytest.mark.parametrize("qualifier", ["", ":live"])
def test_another_function_is_a_destination(
    client: "LambdaClient", name: str, outcome: str, qualifier: str
) -> None:
    other = name[:54] + "-other"
    create(client, name, CODE)
    try:
        create(client, other, CODE)
        client.publish_version(FunctionName=other)
        client.create_alias(FunctionName=other, Name="live", FunctionVersion="1")
        target = arn(client, other) + qualifier
        made: Any = client.put_function_event_invoke_config(
            FunctionName=name,
            DestinationConfig={outcome: {"Destination": target}},  # type: ignore[misc]
        )
    finally:
        client.delete_function(FunctionName=other)
    assert made["DestinationConfig"] == NO_DESTINATIONS | {outcome: {"Destination": target}}


@pytest.mark.parametrize("outcome", ["OnSuccess", "OnFailure"])
def test_a_function_is_no_destination_for_itself(
    client: "LambdaClient", name: str, outcome: str
) -> None:
    create(client, name, CODE)
    assert refused(
        client.put_function_event_invoke_config,
        FunctionName=name, DestinationConfig={outcome: {"Destination": arn(client, name)}},
    ) == (
        400, "InvalidParameterValueException",
        "You can't specify the function as a destination for itself.",
    )  # fmt: skip


def test_a_function_that_is_not_there_is_no_destination(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    gone = arn(client, name).replace(f":{name}", ":does-not-exist")
    assert refused(
        client.put_function_event_invoke_config,
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": gone}},
    ) == (
        400, "InvalidParameterValueException", f"The destination ARN {gone} is invalid.",
    )  # fmt: skip


def test_other_services_are_no_destinations(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    target = arn(client, name).replace(":lambda:", ":iam:")
    assert refused(
        client.put_function_event_invoke_config,
        FunctionName=name,
        DestinationConfig={"OnFailure": {"Destination": target}},
    ) == (
        400,
        "InvalidParameterValueException",
        INVALID.format("null", f"OnFailure(destination={target})"),
    )


@pytest.mark.parametrize("kind", ["sqs", "sns"])
def test_queues_and_topics_in_order_are_no_destinations(
    client: "LambdaClient", name: str, kind: str
) -> None:
    create(client, name, CODE)
    target = sqs(client, name).replace(":sqs:", f":{kind}:") + ".fifo"
    status, error, _ = refused(
        client.put_function_event_invoke_config,
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": target}},
    )  # fmt: skip
    assert (status, error) == (400, "InvalidParameterValueException")


@pytest.mark.aws("model:DestinationArn")
def test_a_destination_is_an_arn(client: "LambdaClient", name: str) -> None:
    status, error, message = refused(
        client.put_function_event_invoke_config,
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": "queue"}},
    )  # fmt: skip
    assert (status, error) == (400, "ValidationException")
    assert "Value 'queue' at 'destinationConfig.onFailure.destination'" in message


@pytest.mark.parametrize("outcome", ["OnSuccess", "OnFailure"])
def test_no_destination_counts_as_said(client: "LambdaClient", name: str, outcome: str) -> None:
    create(client, name, CODE)
    made: Any = client.put_function_event_invoke_config(
        FunctionName=name,
        DestinationConfig={outcome: {}},  # type: ignore[misc]
    )
    assert made["DestinationConfig"] == NO_DESTINATIONS
    assert "MaximumRetryAttempts" not in made
