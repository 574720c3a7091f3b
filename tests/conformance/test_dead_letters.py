"""Dead-letter queues and topics: dg/invocation-async-retain-records.html.

Against what stands in for SQS and SNS (moto's server).
"""

from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from platform_process import create
from support.aws_services import Services, body, configure
from support.function_log import SOURCE, send

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = [
    pytest.mark.aws("dg/invocation-async-retain-records.html"),
    pytest.mark.ours("it needs queues that both this test and the platform can reach"),
]


@pytest.fixture(scope="module")
def client(beside_services: platform_process.Platform) -> "LambdaClient":
    return beside_services.client()


def dead_letters(to: str) -> dict[str, Any]:
    return {"DeadLetterConfig": {"TargetArn": to}}


def test_a_dead_letter_queue_gets_the_event_with_the_error(
    client: "LambdaClient", name: str, services: Services
) -> None:
    queue = services.queue(name)
    create(client, name, SOURCE, **dead_letters(queue))
    configure(client, name)
    sent = send(client, name, {"fail": "no good", "a": 1})
    message = services.receive(queue)
    assert body(message) == {"fail": "no good", "a": 1}
    attributes = {
        key: (value["DataType"], value["StringValue"])
        for key, value in message["MessageAttributes"].items()
    }
    assert attributes == {
        "RequestID": ("String", sent),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "no good"),
    }


def test_a_dead_letter_topic_gets_it_too(
    client: "LambdaClient", name: str, services: Services
) -> None:
    topic, heard = services.topic(name[:60])
    create(client, name, SOURCE, **dead_letters(topic))
    configure(client, name)
    sent = send(client, name, {"fail": "no"})
    message = services.receive(heard)
    assert body(message) == {"fail": "no"}
    assert message["MessageAttributes"]["RequestID"]["StringValue"] == sent


def test_dead_letters_and_a_destination_both_get_theirs(
    client: "LambdaClient", name: str, services: Services
) -> None:
    letters, records = services.queue("both-letters"), services.queue("both-records")
    create(client, name, SOURCE, **dead_letters(letters))
    configure(client, name, OnFailure=records)
    sent = send(client, name, {"fail": "no"})
    assert body(services.receive(letters)) == {"fail": "no"}
    assert body(services.receive(records))["requestContext"]["requestId"] == sent


def test_a_success_is_no_dead_letter(client: "LambdaClient", name: str, services: Services) -> None:
    letters, records = services.queue("no-letters"), services.queue("success-records")
    create(client, name, SOURCE, **dead_letters(letters))
    configure(client, name, OnSuccess=records)
    send(client, name, {})
    services.receive(records)
    assert services.is_empty(letters)


def test_a_version_has_the_dead_letter_queue_that_it_was_published_with(
    client: "LambdaClient", name: str, services: Services
) -> None:
    old, new = services.queue("old-letters"), services.queue("new-letters")
    create(client, name, SOURCE, **dead_letters(old))
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, **dead_letters(new))
    platform_process.wait_updated(client, name)
    for qualifier, letters in (("1", old), ("$LATEST", new)):
        configure(client, name, Qualifier=qualifier)
        send(client, name, {"fail": qualifier}, Qualifier=qualifier)
        assert body(services.receive(letters)) == {"fail": qualifier}


def test_a_dead_letter_of_a_function_switched_off_tells_why(
    client: "LambdaClient", name: str, services: Services
) -> None:
    queue = services.queue(name)
    create(client, name, SOURCE, **dead_letters(queue))
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    send(client, name, {"a": 1})
    attributes = services.receive(queue)["MessageAttributes"]
    assert attributes.keys() == {"RequestID", "ErrorMessage"}
    assert "zero reserved concurrent executions" in attributes["ErrorMessage"]["StringValue"]
