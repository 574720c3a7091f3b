"""Event source mappings: every member is kept as it was given, and changed by an update."""

from typing import Any

import pytest
from support import event_sources
from support.event_sources import Mappings, settings

pytestmark = pytest.mark.aws("api/API_UpdateEventSourceMapping.html")

CHANGES: list[Any] = [
    ("sqs", {"BatchSize": 3}),
    ("sqs", {"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 300}),
    ("sqs", {"FunctionResponseTypes": ["ReportBatchItemFailures"]}),
    ("sqs", {"ScalingConfig": {"MaximumConcurrency": 2}}),
    ("sqs", {"MetricsConfig": {"Metrics": ["EventCount"]}}),
    ("sqs", {"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/hearth"}),
    ("sqs", {"ProvisionedPollerConfig": {"MinimumPollers": 5, "MaximumPollers": 10_000}}),
    ("fifo", {"BatchSize": 1, "FilterCriteria": {"Filters": [{"Pattern": '{"body": ["a"]}'}]}}),
    ("kinesis", {"ParallelizationFactor": 10, "TumblingWindowInSeconds": 900}),
    ("kinesis", {"MaximumRecordAgeInSeconds": 60, "MaximumRetryAttempts": 0}),
    ("kinesis", {"BisectBatchOnFunctionError": True}),
    ("dynamodb", {"MaximumRecordAgeInSeconds": 604_800, "MaximumRetryAttempts": 10_000}),
    ("dynamodb", {"DestinationConfig": {"OnFailure": {
        "Destination": "arn:aws:sqs:us-east-1:000000000000:ash"}}}),
    ("kinesis", {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::ash"}}}),
    ("kafka", {"DestinationConfig": {"OnFailure": {"Destination": "kafka://ash"}}}),
    ("kafka", {"MaximumBatchingWindowInSeconds": 1, "LoggingConfig": {"SystemLogLevel": "WARN"}}),
    ("kafka", {"SourceAccessConfigurations": [
        {"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"},
        {"Type": "VPC_SECURITY_GROUP", "URI": "security_group:sg-1"}]}),
    ("msk", {"MetricsConfig": {"Metrics": ["EventCount", "ErrorCount", "KafkaMetrics"]}}),
    ("msk", {"ProvisionedPollerConfig": {
        "MinimumPollers": 1, "MaximumPollers": 2000, "PollerGroupName": "hearth"}}),
    ("mq", {"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 0}),
    ("documentdb", {"DocumentDBEventSourceConfig": {
        "DatabaseName": "hearth", "CollectionName": "logs", "FullDocument": "UpdateLookup"}}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "members"), CHANGES)
@pytest.mark.aws("api/API_UpdateEventSourceMapping.html")
def test_an_update_changes_what_it_names_and_nothing_else(
    mappings: Mappings, kind: str, members: dict[str, Any]
) -> None:
    made = mappings.create(kind)
    updated = mappings.update(made, **members)
    assert updated["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert updated["State"] == "Updating"
    assert settings(updated) == settings(made) | members
    assert settings(mappings.get(made)) == settings(made) | members


@pytest.mark.parametrize(("kind", "members"), CHANGES)
@pytest.mark.aws("api/API_CreateEventSourceMapping.html")
def test_a_mapping_is_made_with_the_same_members(
    mappings: Mappings, kind: str, members: dict[str, Any]
) -> None:
    made = mappings.create(kind, **members)
    assert {member: mappings.get(made)[member] for member in members} == members


@pytest.mark.parametrize(
    ("kind", "member", "value", "cleared"),
    [
        ("sqs", "ScalingConfig", {"MaximumConcurrency": 7}, {}),
        ("sqs", "FilterCriteria", {"Filters": [{"Pattern": '{"body": ["a"]}'}]}, {}),
        ("sqs", "FilterCriteria", {"Filters": [{"Pattern": '{"body": ["a"]}'}]}, {"Filters": []}),
        ("sqs", "KMSKeyArn", "arn:aws:kms:us-east-1:000000000000:key/hearth", ""),
        ("sqs", "MetricsConfig", {"Metrics": ["EventCount"]}, {"Metrics": []}),
        ("msk", "ProvisionedPollerConfig", {"MinimumPollers": 1, "MaximumPollers": 2}, {}),
        ("msk", "LoggingConfig", {"SystemLogLevel": "INFO"}, {}),
        ("kafka", "DestinationConfig", {"OnFailure": {"Destination": "kafka://ash"}}, {}),
    ],
)
@pytest.mark.aws("api/API_UpdateEventSourceMapping.html")
def test_an_empty_member_clears_what_was_set(
    mappings: Mappings, kind: str, member: str, value: Any, cleared: Any
) -> None:
    made = mappings.create(kind, **{member: value})
    assert made[member] == value
    mappings.update(made, **{member: cleared})
    assert member not in mappings.get(made)


@pytest.mark.aws("model:OnFailure.Destination")
def test_the_destination_of_a_stream_is_cleared_by_an_empty_one(mappings: Mappings) -> None:
    destination = {"OnFailure": {"Destination": "arn:aws:s3:::ash"}}
    made = mappings.create("kinesis", DestinationConfig=destination)
    mappings.update(made, DestinationConfig={"OnFailure": {"Destination": ""}})
    assert mappings.get(made)["DestinationConfig"] == {"OnFailure": {}}


@pytest.mark.aws("model:ProvisionedPollerConfig.MaximumPollers")
@pytest.mark.parametrize(("kind", "least"), [("sqs", 2), ("msk", 1), ("kafka", 1)])
def test_pollers_that_are_not_given_are_as_many_as_by_default(
    mappings: Mappings, kind: str, least: int
) -> None:
    made = mappings.create(kind, ProvisionedPollerConfig={"MinimumPollers": 4})
    assert made["ProvisionedPollerConfig"] == {"MinimumPollers": 4, "MaximumPollers": 200}
    other = mappings.create(kind, key="2", ProvisionedPollerConfig={"MaximumPollers": 9})
    assert other["ProvisionedPollerConfig"] == {"MinimumPollers": least, "MaximumPollers": 9}


@pytest.mark.aws("model:AmazonManagedKafkaEventSourceConfig.ConsumerGroupId")
def test_a_consumer_group_is_named_when_the_mapping_is_made(mappings: Mappings) -> None:
    config = {"ConsumerGroupId": "hearth"}
    made = mappings.create("msk", AmazonManagedKafkaEventSourceConfig=config)
    assert mappings.get(made)["AmazonManagedKafkaEventSourceConfig"] == config


@pytest.mark.aws("model:SelfManagedKafkaEventSourceConfig.ConsumptionMode")
def test_a_share_group_retries_nothing_by_default(mappings: Mappings) -> None:
    made = mappings.create(
        "kafka", StartingPosition=None,
        SelfManagedKafkaEventSourceConfig={"ConsumptionMode": "Queue"},
    )  # fmt: skip
    assert made["MaximumRetryAttempts"] == 0
    assert made["SelfManagedKafkaEventSourceConfig"]["ConsumptionMode"] == "Queue"


@pytest.mark.aws("model:KafkaSchemaRegistryConfig.SchemaRegistryURI")
def test_a_schema_registry_is_kept_and_taken_away(mappings: Mappings) -> None:
    registry = {
        "SchemaRegistryURI": "https://registry.example.com", "EventRecordFormat": "JSON",
        "AccessConfigs": [{"Type": "BASIC_AUTH", "URI": event_sources.arn(
            mappings.client, "secretsmanager", "secret:hearth")}],
        "SchemaValidationConfigs": [{"Attribute": "KEY"}, {"Attribute": "VALUE"}],
    }  # fmt: skip
    made = mappings.create(
        "msk", ProvisionedPollerConfig={"MinimumPollers": 1},
        AmazonManagedKafkaEventSourceConfig={"SchemaRegistryConfig": registry},
    )  # fmt: skip
    config = {"ConsumerGroupId": made["UUID"]}
    assert made["AmazonManagedKafkaEventSourceConfig"] == config | {
        "SchemaRegistryConfig": registry
    }
    mappings.update(made, AmazonManagedKafkaEventSourceConfig={})
    assert "SchemaRegistryConfig" in mappings.get(made)["AmazonManagedKafkaEventSourceConfig"]
    mappings.update(made, AmazonManagedKafkaEventSourceConfig={"SchemaRegistryConfig": {}})
    assert mappings.get(made)["AmazonManagedKafkaEventSourceConfig"] == config


@pytest.mark.parametrize(
    "pattern",
    [
        '{"body": ["a", 1, -2.5, true, null, ""]}',
        '{"body": {"a": {"b": [{"prefix": "x"}, {"suffix": "y"}]}}}',
        '{"body": {"n": [{"numeric": ["=", 5]}, {"numeric": [">", 0, "<=", 5]}]}}',
        '{"body": {"n": [{"exists": false}], "m": [{"exists": true}]}}',
        '{"body": {"n": [{"anything-but": ["a", "b"]}], "m": [{"anything-but": "c"}]}}',
        '{"body": {"n": [{"anything-but": {"prefix": "a"}}]}}',
        '{"body": {"n": [{"equals-ignore-case": "a"}]}}',
        '{"$or": [{"body": ["a"]}, {"messageAttributes": {"k": {"stringValue": ["v"]}}}]}',
    ],
)
@pytest.mark.aws("dg/invocation-eventfiltering.html")
def test_filters_are_kept_to_the_letter(mappings: Mappings, pattern: str) -> None:
    criteria = {"Filters": [{"Pattern": pattern}, {"Pattern": '{"body": ["b"]}'}]}
    made = mappings.create(FilterCriteria=criteria)
    assert mappings.get(made)["FilterCriteria"] == criteria
