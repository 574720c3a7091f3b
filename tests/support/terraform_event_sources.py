"""More of `terraform_resources`: event source mappings.

Only those with `enabled = false`. The provider ends its wait for one that is to be enabled when it
reads Disabled, and shows the difference at every plan: that is how it learns that nothing polls.
"""

import time
from typing import TYPE_CHECKING, Any

import platform_process
from support import event_sources
from support.terraform_resources import CODE, State, unless_gone

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_READY_WITHIN_S = 60
_UNDER_WAY = ("Creating", "Enabling", "Disabling", "Updating", "Deleting")


class EventSourceMapping:
    """aws_lambda_event_source_mapping. Its UUID is its id, and it does not go with its function."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self.client: Any = client
        self.id = ""
        platform_process.create(client, name, CODE)
        self._function = client.get_function_configuration(FunctionName=name)["FunctionArn"]
        self._source = event_sources.arn(client, "sqs", name)
        self.planned: State = {
            "enabled": False, "function_arn": self._function, "event_source_arn": self._source,
            "batch_size": 10, "maximum_batching_window_in_seconds": 0, "filter_criteria": [],
            "function_response_types": [], "scaling_config": None, "metrics_config": None,
            "kms_key_arn": None, "topics": [], "queues": [], "starting_position": None,
            "destination_config": None, "tags": {"team": "hearth"},
        }  # fmt: skip
        self.changed = self.planned | {
            "batch_size": 100, "maximum_batching_window_in_seconds": 5,
            "filter_criteria": ['{"body": ["warm"]}'], "scaling_config": 2,
            "function_response_types": ["ReportBatchItemFailures"], "tags": {"team": "corner"},
        }  # fmt: skip

    def create(self) -> None:
        made = self.client.create_event_source_mapping(
            Enabled=False, FunctionName=self._function, EventSourceArn=self._source, BatchSize=10,
            Tags=self.planned["tags"],
        )  # fmt: skip
        self.id = made["UUID"]
        self._settle()

    def _settle(self) -> State | None:
        """Wait as the provider does, until nothing is under way; None once the mapping is gone."""
        until = time.monotonic() + _READY_WITHIN_S
        while (found := self._found()) is not None and found["State"] in _UNDER_WAY:
            assert time.monotonic() < until, found
        return found

    def _found(self) -> State | None:
        return unless_gone(self.client.get_event_source_mapping, UUID=self.id)

    def read(self) -> State | None:
        found = self._found()
        if found is None:
            return None
        filters = found.get("FilterCriteria", {}).get("Filters", [])
        arn = found["EventSourceMappingArn"]
        return {
            "enabled": found["State"] in ("Enabled", "Enabling"),
            "function_arn": found["FunctionArn"],
            "event_source_arn": found["EventSourceArn"],
            "batch_size": found["BatchSize"],
            "maximum_batching_window_in_seconds": found["MaximumBatchingWindowInSeconds"],
            "filter_criteria": [each["Pattern"] for each in filters],
            "function_response_types": found["FunctionResponseTypes"],
            "scaling_config": found.get("ScalingConfig", {}).get("MaximumConcurrency"),
            "metrics_config": found.get("MetricsConfig"),
            "kms_key_arn": found.get("KMSKeyArn"),
            "topics": found.get("Topics", []),
            "queues": found.get("Queues", []),
            "starting_position": found.get("StartingPosition"),
            "destination_config": found.get("DestinationConfig"),
            "tags": self.client.list_tags(Resource=arn)["Tags"],
        }

    def update(self) -> None:
        updated = self.client.update_event_source_mapping(
            UUID=self.id, BatchSize=100, MaximumBatchingWindowInSeconds=5,
            FilterCriteria={"Filters": [{"Pattern": '{"body": ["warm"]}'}]},
            FunctionResponseTypes=["ReportBatchItemFailures"],
            ScalingConfig={"MaximumConcurrency": 2},
        )  # fmt: skip
        self._settle()
        arn = updated["EventSourceMappingArn"]
        self.client.tag_resource(Resource=arn, Tags=self.changed["tags"])

    def delete(self) -> None:
        if self.id:
            unless_gone(self.client.delete_event_source_mapping, UUID=self.id)
            assert self._settle() is None
