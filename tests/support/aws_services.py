"""AWS's other services, by moto's server, within reach of this process and of a platform."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import platform_process
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Message = dict[str, Any]


class Services:
    """What stands in for AWS's other services."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.sqs: Any = self._client("sqs")
        self.sns: Any = self._client("sns")
        self.s3: Any = self._client("s3")
        self.events: Any = self._client("events")

    @property
    def variables(self) -> dict[str, str]:
        """The settings of a platform that uses these services, its minutes made seconds."""
        return platform_process.CREDENTIALS | {
            "INGLENOOK_WORKER_TIME_SCALE": "60",
            "INGLENOOK_AWS_ENDPOINT_URL": self.endpoint,
        }

    def _client(self, service: Any) -> Any:
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip

    def queue(self, name: str) -> str:
        """Make a queue; return its ARN."""
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn: str = attributes["Attributes"]["QueueArn"]
        return arn

    def topic(self, name: str) -> tuple[str, str]:
        """Make a topic and a queue that gets its messages; return their ARNs."""
        topic, queue = self.sns.create_topic(Name=name)["TopicArn"], self.queue(f"{name}-heard")
        self.sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=queue,
            Attributes={"RawMessageDelivery": "true"},
        )  # fmt: skip
        return topic, queue

    def receive(self, queue: str) -> Message:
        """Wait for the next message of a queue and delete it."""
        url = self.sqs.get_queue_url(QueueName=queue.rpartition(":")[2])["QueueUrl"]
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            answer = self.sqs.receive_message(
                QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"]
            )
            for message in answer.get("Messages", ()):
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found: Message = message
                return found
        raise AssertionError(f"no message in {queue}")

    def is_empty(self, queue: str) -> bool:
        url = self.sqs.get_queue_url(QueueName=queue.rpartition(":")[2])["QueueUrl"]
        return "Messages" not in self.sqs.receive_message(QueueUrl=url)


@contextlib.contextmanager
def running() -> Iterator[Services]:
    """Serve until the block ends."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Services(f"http://{host}:{port}")
    finally:
        server.stop()


def configure(client: "LambdaClient", name: str, *, attempts: int = 0, **destinations: str) -> None:
    """Set a config with destinations by their names in the API."""
    qualifier = {"Qualifier": destinations.pop("Qualifier")} if "Qualifier" in destinations else {}
    config: Any = {key: {"Destination": arn} for key, arn in destinations.items()}
    client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=attempts, DestinationConfig=config, **qualifier
    )


def body(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message["Body"])
    return found
