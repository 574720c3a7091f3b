"""What the members of an event source mapping must be together, and that there is one of each.

dg/invocation-eventsourcemapping.html and the pages of the sources.
"""

from typing import Any

import pytest
from platform_process import refused
from support.event_sources import Mappings, settings

pytestmark = pytest.mark.aws("api/API_CreateEventSourceMapping.html")

INVALID = (400, "InvalidParameterValueException")
REGISTRY = {
    "SchemaRegistryURI": "https://r.example.com", "EventRecordFormat": "JSON",
    "SchemaValidationConfigs": [{"Attribute": "KEY"}],
}  # fmt: skip


def access(*types: str) -> dict[str, Any]:
    return {"SourceAccessConfigurations": [{"Type": each, "URI": "secret"} for each in types]}


def failure(destination: str) -> dict[str, Any]:
    return {"DestinationConfig": {"OnFailure": {"Destination": destination}}}


@pytest.mark.parametrize(
    ("kind", "members", "text"),
    [
        pytest.param("fifo", {"BatchSize": 11}, "BatchSize",
            marks=pytest.mark.aws("dg/services-sqs-parameters.html")),
        pytest.param("fifo", {"MaximumBatchingWindowInSeconds": 1}, "Batching window is not",
            marks=pytest.mark.aws("dg/services-sqs-parameters.html")),
        pytest.param("kinesis", {"MaximumRecordAgeInSeconds": 59}, "MaximumRecordAgeInSeconds",
            marks=pytest.mark.aws(
                "model:EventSourceMappingConfiguration.MaximumRecordAgeInSeconds")),
        pytest.param("dynamodb", {"MaximumRecordAgeInSeconds": 0}, "MaximumRecordAgeInSeconds",
            marks=pytest.mark.aws(
                "model:EventSourceMappingConfiguration.MaximumRecordAgeInSeconds")),
        pytest.param("sqs", {"ProvisionedPollerConfig": {"MinimumPollers": 1}}, "MinimumPollers",
            marks=pytest.mark.aws("model:ProvisionedPollerConfig.MinimumPollers")),
        pytest.param("sqs", {"ProvisionedPollerConfig": {"MinimumPollers": 9, "MaximumPollers": 8}},
            "MaximumPollers", marks=pytest.mark.aws("model:ProvisionedPollerConfig")),
        pytest.param("msk", {"ProvisionedPollerConfig": {"MaximumPollers": 2001}},
            "MaximumPollers",
            marks=pytest.mark.aws("model:ProvisionedPollerConfig.MaximumPollers")),
        pytest.param("sqs", {"ProvisionedPollerConfig": {"PollerGroupName": "hearth"}},
            "PollerGroupName",
            marks=pytest.mark.aws("model:ProvisionedPollerConfig.PollerGroupName")),
        pytest.param("sqs", {"ProvisionedPollerConfig": {"MinimumPollers": 2},
            "ScalingConfig": {"MaximumConcurrency": 2}}, "MaximumConcurrency",
            marks=pytest.mark.aws("dg/services-sqs-scaling.html")),
        pytest.param("sqs", {"MetricsConfig": {"Metrics": ["KafkaMetrics"]}}, "KafkaMetrics",
            marks=pytest.mark.aws("model:EventSourceMappingMetricsConfig.Metrics")),
        pytest.param("kinesis", {"MetricsConfig": {"Metrics": ["EventCount", "ErrorCount"]}},
            "ErrorCount", marks=pytest.mark.aws("model:EventSourceMappingMetricsConfig.Metrics")),
        pytest.param("msk", access("VIRTUAL_HOST"), "VIRTUAL_HOST",
            marks=pytest.mark.aws("model:SourceAccessConfiguration.Type")),
        pytest.param("msk", access("SASL_SCRAM_512_AUTH", "SASL_SCRAM_256_AUTH"),
            "SASL_SCRAM_256_AUTH", marks=pytest.mark.aws("model:SourceAccessConfiguration.Type")),
        pytest.param("mq", access("BASIC_AUTH", "VPC_SUBNET"), "VPC_SUBNET",
            marks=pytest.mark.aws("model:SourceAccessConfiguration.Type")),
        pytest.param("documentdb", {"DocumentDBEventSourceConfig": {"CollectionName": "logs"}},
            "databaseName", marks=pytest.mark.aws("model:DocumentDBEventSourceConfig")),
        pytest.param("msk", {"AmazonManagedKafkaEventSourceConfig": {
            "SchemaRegistryConfig": REGISTRY}}, "ProvisionedPollerConfig",
            marks=pytest.mark.aws("dg/services-consume-kafka-events.html")),
        pytest.param("kafka", {"ProvisionedPollerConfig": {"MinimumPollers": 1},
            "SelfManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": {
                "SchemaRegistryURI": "https://r.example.com"}}}, "SchemaValidationConfigs",
            marks=pytest.mark.aws("dg/services-consume-kafka-events.html")),
        pytest.param("kafka", {"SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}},
            "StartingPosition is not supported",
            marks=pytest.mark.aws("model:SelfManagedKafkaEventSourceConfig.ConsumptionMode")),
        pytest.param("kafka", {"StartingPosition": None, "MaximumBatchingWindowInSeconds": 1,
            "SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}},
            "MaximumBatchingWindowInSeconds is not supported",
            marks=pytest.mark.aws("model:SelfManagedKafkaEventSourceConfig.ConsumptionMode")),
        pytest.param("kafka", {"StartingPosition": None, "MaximumRetryAttempts": -1,
            "SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}},
            "MaximumRetryAttempts -1 is not supported",
            marks=pytest.mark.aws("model:CreateEventSourceMappingRequest.MaximumRetryAttempts")),
    ],
)  # fmt: skip
def test_members_that_do_not_go_together_are_refused(
    mappings: Mappings, kind: str, members: dict[str, Any], text: str
) -> None:
    request = mappings.request(kind, **members)
    status, code, message = refused(mappings.client.create_event_source_mapping, **request)
    assert (status, code) == INVALID
    assert text in message


@pytest.mark.parametrize(
    ("kind", "members", "text"),
    [
        ("kinesis", {"DestinationConfig": {
            "OnSuccess": {"Destination": "arn:aws:sqs:us-east-1:000000000000:ash"}}},
            "Unsupported DestinationConfig parameter for given event source mapping type."),
        ("kinesis", {"DestinationConfig": {"OnFailure": {}}},
            "The Destination field is required for an OnFailure configuration."),
        ("kinesis", failure("arn:aws:lambda:us-east-1:000000000000:function:f"),
            "onFailure=OnFailure(destination=arn:aws:lambda:us-east-1:000000000000:function:f)"),
        ("dynamodb", failure("arn:aws:sqs:us-east-1:000000000000:ash.fifo"), "ash.fifo)"),
        ("dynamodb", failure("kafka://ash"), "kafka://ash"),
    ],
)  # fmt: skip
@pytest.mark.aws("model:DestinationConfig")
def test_records_do_not_go_where_they_cannot(
    mappings: Mappings, kind: str, members: dict[str, Any], text: str
) -> None:
    request = mappings.request(kind, **members)
    status, code, message = refused(mappings.client.create_event_source_mapping, **request)
    assert (status, code) == INVALID
    assert text in message


@pytest.mark.parametrize(
    "pattern",
    [
        "", "{", "1", "[]", "{}", '{"body": "a"}', '{"body": []}', '{"body": {}}',
        '{"body": [["a"]]}', '{"body": [{}]}', '{"body": [{"like": "a"}]}',
        '{"body": [{"prefix": 1}]}', '{"body": [{"prefix": "a", "suffix": "b"}]}',
        '{"body": [{"numeric": [">", "1"]}]}', '{"body": [{"numeric": [">", 1, ">=", 2]}]}',
        '{"body": [{"numeric": ["!", 1]}]}', '{"body": [{"exists": "yes"}]}',
        '{"body": [{"anything-but": []}]}', '{"$or": {"body": ["a"]}}', '{"body": [NaN]}',
    ],
)  # fmt: skip
@pytest.mark.aws("dg/invocation-eventfiltering.html")
def test_what_is_no_filter_pattern_is_refused(mappings: Mappings, pattern: str) -> None:
    criteria = {"Filters": [{"Pattern": '{"body": ["a"]}'}, {"Pattern": pattern}]}
    request = mappings.request("sqs", FilterCriteria=criteria)
    answer = refused(mappings.client.create_event_source_mapping, **request)
    assert answer == (*INVALID, "Invalid filter pattern definition.")


@pytest.mark.aws("dg/invocation-eventfiltering.html")
def test_there_are_five_filters_at_most(mappings: Mappings) -> None:
    filters = [{"Pattern": f'{{"body": ["{number}"]}}'} for number in range(6)]
    request = mappings.request("sqs", FilterCriteria={"Filters": filters})
    assert refused(mappings.client.create_event_source_mapping, **request)[:2] == INVALID
    made = mappings.create(FilterCriteria={"Filters": filters[:5]})
    assert made["FilterCriteria"] == {"Filters": filters[:5]}


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("sqs", {"ParallelizationFactor": 1}),
        ("sqs", {"BatchSize": 11}),
        ("kinesis", {"ScalingConfig": {}}),
        ("kinesis", {"MaximumRecordAgeInSeconds": 1}),
        ("msk", {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "other"}}),
        ("kafka", {"SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Stream"}}),
        ("mq", access("BASIC_AUTH", "VIRTUAL_HOST")),
        ("documentdb", {"FilterCriteria": {"Filters": [{"Pattern": "["}]}}),
    ],
)
@pytest.mark.aws("api/API_UpdateEventSourceMapping.html")
def test_an_update_that_cannot_be_changes_nothing(
    mappings: Mappings, kind: str, members: dict[str, Any]
) -> None:
    made = mappings.create(kind)
    before = mappings.get(made)
    update = mappings.client.update_event_source_mapping
    assert refused(update, UUID=made["UUID"], **members)[:2] == INVALID
    after = mappings.get(made)
    assert settings(after) == settings(before)
    assert after["LastModified"] == before["LastModified"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("sqs", 'An event source mapping with SQS arn (" {source} ") and function (" {name} ") '),
        ("kinesis", 'The event source arn (" {source} ") and function (" {name} ") provided '),
        ("dynamodb", 'The event source arn (" {source} ") and function (" {name} ") provided '),
        ("msk", 'An event source mapping with event source ("{source}"), function ("{arn}"), '),
        ("kafka", 'An event source mapping with event source ("'),
        ("mq", 'The event source arn (" {source} ") and function (" {name} ") provided '),
        ("documentdb", 'The event source arn (" {source} ") and function (" {name} ") provided '),
    ],
)
def test_a_second_mapping_of_the_same_is_refused_with_the_first_ones_uuid(
    mappings: Mappings, kind: str, text: str
) -> None:
    made = mappings.create(kind)
    request = mappings.request(kind, BatchSize=1)
    status, code, message = refused(mappings.client.create_event_source_mapping, **request)
    assert (status, code) == (409, "ResourceConflictException")
    assert message.startswith(
        text.format(
            source=made.get("EventSourceArn"), name=mappings.function, arn=made["FunctionArn"]
        )
    )
    assert message.endswith(
        f"Please update or delete the existing mapping with UUID {made['UUID']}"
    )


@pytest.mark.aws("api/API_UpdateEventSourceMapping.html")
def test_a_mapping_is_not_given_to_a_function_that_has_the_same(mappings: Mappings) -> None:
    first = mappings.create(FunctionName=f"{mappings.function}:live")
    second = mappings.create()
    status, code, message = refused(
        mappings.client.update_event_source_mapping, UUID=second["UUID"],
        FunctionName=f"{mappings.function}:live",
    )  # fmt: skip
    assert (status, code) == (409, "ResourceConflictException")
    assert message.endswith(first["UUID"])
    same = mappings.update(first, FunctionName=f"{mappings.function}:live")
    assert same["FunctionArn"] == first["FunctionArn"]
