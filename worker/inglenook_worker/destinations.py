"""Taking records and dead letters to queues, topics, buses and buckets.

boto3 blocks, so it is used in threads. One client for each service and region, made when first
needed.
"""

import asyncio
import logging
import threading
from concurrent import futures
from typing import Any

import boto3
import botocore.client
import botocore.config
import botocore.exceptions

from inglenook import settings
from inglenook.aio import clock
from inglenook.events import work

logger = logging.getLogger(__name__)

_THREADS = 8
_TIMEOUT_S = 5.0


class DeliveryError(Exception):
    """A destination did not take what was sent to it, for now or for good."""


class Destinations:
    """Deliver over AWS's APIs. To be closed."""

    def __init__(self, options: settings.Aws, region: str) -> None:
        self._endpoint_url = options.endpoint_url or None
        self._region = region
        self._threads = futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="deliver")
        self._session: Any = boto3.session.Session()
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Wait for nobody; what is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def deliver(self, delivery: work.Delivery, body: bytes) -> None:
        """Deliver. Raises DeliveryError."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._deliver, delivery, body)

    def _deliver(self, delivery: work.Delivery, body: bytes) -> None:
        parts = delivery.target.split(":", 5)
        if len(parts) < 6:
            raise DeliveryError(f"{delivery.target} is no ARN of a destination")
        service, region, account, resource = parts[2:]
        try:
            match service:
                case "sqs":
                    self._to_queue(region, account, resource, delivery, body)
                case "sns":
                    self._to_topic(region, delivery, body)
                case "events":
                    self._to_bus(region, delivery, body)
                case "s3":
                    self._to_bucket(resource, delivery, body)
                case _:
                    raise DeliveryError(f"{service} is no service that takes records")
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as exc:
            raise DeliveryError(str(exc)) from exc

    def _to_queue(
        self, region: str, account: str, name: str, delivery: work.Delivery, body: bytes
    ) -> None:
        client = self._client("sqs", region)
        url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        client.send_message(
            QueueUrl=url, MessageBody=body.decode(), MessageAttributes=_attributes(delivery)
        )

    def _to_topic(self, region: str, delivery: work.Delivery, body: bytes) -> None:
        self._client("sns", region).publish(
            TopicArn=delivery.target,
            Message=body.decode(),
            MessageAttributes=_attributes(delivery),
        )

    def _to_bus(self, region: str, delivery: work.Delivery, body: bytes) -> None:
        result = "Success" if delivery.form is work.DeliveryForm.SUCCESS else "Failure"
        answer = self._client("events", region).put_events(
            Entries=[
                {
                    "Time": clock.utc(delivery.made_at),
                    "Source": "lambda",
                    "DetailType": f"Lambda Function Invocation Result - {result}",
                    "Detail": body.decode(),
                    "EventBusName": delivery.target,
                    "Resources": [delivery.target, delivery.function_arn],
                }
            ]
        )
        for entry in answer["Entries"]:
            if "ErrorCode" in entry:
                raise DeliveryError(f"{entry['ErrorCode']}: {entry.get('ErrorMessage', '')}")

    def _to_bucket(self, bucket: str, delivery: work.Delivery, body: bytes) -> None:
        at = clock.utc(delivery.made_at)
        # The request id and not a new one, so that a repeated delivery makes no second object.
        key = (
            f"aws/lambda/async/{delivery.function_name}/{at:%Y/%m/%d}/"
            f"{at:%Y-%m-%dT%H.%M.%S}-{delivery.request_id}"
        )
        self._client("s3", "").put_object(
            Bucket=bucket, Key=key, Body=body, ContentType="application/json"
        )

    def _client(self, service: str, region: str) -> Any:
        key = service, region or self._region
        # Sessions must not make two clients at once.
        with self._lock:
            client = self._clients.get(key)
            if client is None:
                client = self._clients[key] = self._session.client(
                    service,
                    region_name=key[1],
                    endpoint_url=self._endpoint_url,
                    config=botocore.config.Config(
                        connect_timeout=_TIMEOUT_S,
                        read_timeout=_TIMEOUT_S,
                        # The queue does it, durably.
                        retries={"total_max_attempts": 1},
                        s3={"addressing_style": "path"} if self._endpoint_url else {},
                    ),
                )
            return client


def _attributes(delivery: work.Delivery) -> dict[str, Any]:
    return {
        name: {"DataType": kind, "StringValue": value}
        for name, (kind, value) in delivery.attributes.items()
    }
