"""Event sources of every kind, by ARNs that nothing stands behind, and mappings of them."""

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

import platform_process

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Members = dict[str, Any]

REAL_ONLY = "AWS looks the event source up"
"""Why a case that makes a mapping is skipped where the sources would have to be real."""

_SECRET = "arn:aws:secretsmanager:{region}:{account}:secret:hearth-abcdef"
_REQUESTS: dict[str, Members] = {
    "sqs": {"EventSourceArn": "arn:aws:sqs:{region}:{account}:{key}"},
    "fifo": {"EventSourceArn": "arn:aws:sqs:{region}:{account}:{key}.fifo"},
    "kinesis": {
        "EventSourceArn": "arn:aws:kinesis:{region}:{account}:stream/{key}",
        "StartingPosition": "LATEST",
    },
    "dynamodb": {
        "EventSourceArn": (
            "arn:aws:dynamodb:{region}:{account}:table/{key}/stream/2026-11-21T13:46:00.123"
        ),
        "StartingPosition": "TRIM_HORIZON",
    },
    "msk": {
        "EventSourceArn": "arn:aws:kafka:{region}:{account}:cluster/{key}/5a8e-7",
        "Topics": ["embers"],
        "StartingPosition": "LATEST",
    },
    "kafka": {
        "SelfManagedEventSource": {
            "Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["{key}.example.com:9092"]}
        },
        "Topics": ["embers"],
        "StartingPosition": "LATEST",
        "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": _SECRET}],
    },
    "mq": {
        "EventSourceArn": "arn:aws:mq:{region}:{account}:broker:{key}:b-24cacbb4",
        "Queues": ["embers"],
        "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": _SECRET}],
    },
    "documentdb": {
        "EventSourceArn": "arn:aws:rds:{region}:{account}:cluster:{key}",
        "StartingPosition": "LATEST",
        "DocumentDBEventSourceConfig": {"DatabaseName": "hearth"},
        "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": _SECRET}],
    },
}
KINDS = tuple(_REQUESTS)


def arn(client: "LambdaClient", service: str, resource: str) -> str:
    """Return an ARN of the account and region that the suite speaks to."""
    return f"arn:aws:{service}:{client.meta.region_name}:{platform_process.ACCOUNT}:{resource}"


class Mappings:
    """Mappings made for one test, all of one function unless told otherwise.

    None of them is enabled unless it is asked to be.
    """

    def __init__(self, client: "LambdaClient", function: str) -> None:
        self.client: Any = client
        self.function = function
        self._key = f"hearth-{uuid.uuid4().hex[:12]}"
        self._made: list[str] = []

    def request(self, kind: str, *, key: str = "", **members: Any) -> Members:
        """Return the members that make a mapping; `key` tells several sources of a test apart.

        A member that is None is left out.
        """
        values = {
            "region": self.client.meta.region_name,
            "account": platform_process.ACCOUNT,
            "key": self._key + key,
        }
        filled: Members = _filled(_REQUESTS[kind], values)
        whole = {"FunctionName": self.function, "Enabled": False} | filled | members
        return {member: value for member, value in whole.items() if value is not None}

    def create(self, kind: str = "sqs", *, key: str = "", **members: Any) -> Members:
        """Make a mapping; it is deleted when the test is over."""
        made = self.client.create_event_source_mapping(**self.request(kind, key=key, **members))
        self._made.append(made["UUID"])
        return dict(made)

    def get(self, made: Members) -> Members:
        return dict(self.client.get_event_source_mapping(UUID=made["UUID"]))

    def update(self, made: Members, **members: Any) -> Members:
        return dict(self.client.update_event_source_mapping(UUID=made["UUID"], **members))

    def clean_up(self) -> None:
        for each in self._made:
            with contextlib.suppress(self.client.exceptions.ResourceNotFoundException):
                self.client.delete_event_source_mapping(UUID=each)


def settings(shown: Members) -> Members:
    """Return what an answer shows of a mapping itself, not of its state."""
    volatile = ("ResponseMetadata", "State", "StateTransitionReason", "LastModified")
    return {member: value for member, value in shown.items() if member not in volatile}


def _filled(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item, values) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    return value.format(**values)
