"""Event source mappings that cannot be: api/API_CreateEventSourceMapping.html.

Most texts are recorded answers'; where none is known, only the error and what it names is compared.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import refused
from support.event_sources import Mappings, settings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_CreateEventSourceMapping.html")

INVALID = (400, "InvalidParameterValueException")
VALIDATION = (400, "ValidationException")
NOT_FOUND = (404, "ResourceNotFoundException")
UNKNOWN = "12345678-1234-1234-1234-123456789012"
UNSUPPORTED = "Unsupported '{}' parameter for given event source mapping type."
NO_DESTINATION = "Unsupported DestinationConfig parameter for given event source mapping type."
NO_POSITION = (
    "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
    "Member must not be null."
)
NOT_ON_SQS = "StartingPosition is not valid for SQS event sources."
OLD = datetime(2026, 1, 2, tzinfo=UTC)


def refusal(mappings: Mappings, kind: str, **members: Any) -> tuple[int, str, str]:
    request = mappings.request(kind, **members)
    return refused(mappings.client.create_event_source_mapping, **request)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        pytest.param("get_event_source_mapping", {},
            marks=pytest.mark.aws("api/API_GetEventSourceMapping.html")),
        pytest.param("update_event_source_mapping", {"BatchSize": 1},
            marks=pytest.mark.aws("api/API_UpdateEventSourceMapping.html")),
        pytest.param("delete_event_source_mapping", {},
            marks=pytest.mark.aws("api/API_DeleteEventSourceMapping.html")),
    ],
)  # fmt: skip
def test_a_mapping_that_is_not_there_is_not_found(
    client: "LambdaClient", operation: str, members: dict[str, Any]
) -> None:
    status, code, message = refused(getattr(client, operation), UUID=UNKNOWN, **members)
    assert (status, code) == NOT_FOUND
    assert message == "The resource you requested does not exist."


@pytest.mark.aws("model:GetEventSourceMappingRequest.UUID")
def test_what_is_no_uuid_is_refused(unchecked: "LambdaClient") -> None:
    status, code, message = refused(unchecked.get_event_source_mapping, UUID="hearth")
    assert (status, code) == VALIDATION
    assert "Member must have length greater than or equal to 36" in message


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"EventSourceArn": None}, id="none"),
        pytest.param({"EventSourceArn": "arn:aws:sns:us-east-1:000000000000:t"}, id="topic"),
        pytest.param({"EventSourceArn": "arn:aws:s3:::bucket"}, id="bucket"),
        pytest.param({"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/t",
            "StartingPosition": "LATEST"}, id="table"),
        pytest.param({"EventSourceArn": "arn:aws:rds:us-east-1:000000000000:db:d"}, id="database"),
    ],
)  # fmt: skip
@pytest.mark.aws("model:CreateEventSourceMappingRequest.EventSourceArn")
def test_what_is_no_event_source_is_not_recognised(
    anywhere: Mappings, members: dict[str, Any]
) -> None:
    assert refusal(anywhere, "sqs", **members) == (*INVALID, "Unrecognized event source.")


@pytest.mark.parametrize("suffix", ["-not", ":gone", ":99"])
@pytest.mark.aws("model:CreateEventSourceMappingRequest.FunctionName")
def test_a_function_has_to_be_there(mappings: Mappings, suffix: str) -> None:
    answer = refusal(mappings, "sqs", FunctionName=mappings.function + suffix)
    assert answer == (*INVALID, "Function does not exist")


@pytest.mark.aws("api/API_UpdateEventSourceMapping.html")
def test_a_mapping_is_not_given_to_a_function_that_is_not_there(mappings: Mappings) -> None:
    made = mappings.create()
    status, code, message = refused(
        mappings.client.update_event_source_mapping, UUID=made["UUID"], FunctionName="not-there"
    )
    assert (status, code, message) == (*INVALID, "Function does not exist")
    assert settings(mappings.get(made)) == settings(made)


@pytest.mark.parametrize(
    ("kind", "members", "text"),
    [
        ("kinesis", {"StartingPosition": None}, NO_POSITION),
        ("dynamodb", {"StartingPosition": None}, NO_POSITION),
        ("kinesis", {"StartingPositionTimestamp": OLD},
            "Timestamp only valid with StartingPosition AT_TIMESTAMP"),
        ("dynamodb", {"StartingPositionTimestamp": OLD},
            "Timestamp only valid with StartingPosition AT_TIMESTAMP"),
        ("sqs", {"StartingPosition": "LATEST"}, NOT_ON_SQS),
        ("sqs", {"StartingPositionTimestamp": OLD}, NOT_ON_SQS),
        ("fifo", {"StartingPosition": "TRIM_HORIZON"}, NOT_ON_SQS),
        ("mq", {"StartingPosition": "LATEST"}, UNSUPPORTED.format("startingPosition")),
    ],
)  # fmt: skip
@pytest.mark.aws("model:CreateEventSourceMappingRequest.StartingPosition")
def test_where_to_start_has_to_fit_the_source(
    mappings: Mappings, kind: str, members: dict[str, Any], text: str
) -> None:
    assert refusal(mappings, kind, **members) == (*INVALID, text)


@pytest.mark.aws("model:CreateEventSourceMappingRequest.StartingPosition")
def test_the_stream_of_a_table_is_not_read_from_a_point_in_time(mappings: Mappings) -> None:
    request = mappings.request(
        "dynamodb", StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=OLD
    )
    answer = refused(mappings.client.create_event_source_mapping, **request)
    text = f"Unsupported starting position for arn type: {request['EventSourceArn']}"
    assert answer == (*INVALID, text)


@pytest.mark.parametrize("timestamp", [None, datetime.now(UTC) + timedelta(days=2)])
@pytest.mark.aws("model:CreateEventSourceMappingRequest.StartingPositionTimestamp")
def test_a_point_in_time_has_to_be_given_and_past(
    mappings: Mappings, timestamp: datetime | None
) -> None:
    status, code, message = refusal(
        mappings, "kinesis", StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=timestamp
    )
    assert (status, code) == INVALID
    assert "StartingPositionTimestamp" in message


@pytest.mark.parametrize(
    ("kind", "members", "path", "constraint"),
    [
        ("sqs", {"BatchSize": 0}, "batchSize", "greater than or equal to 1"),
        ("sqs", {"BatchSize": 10_001}, "batchSize", "less than or equal to 10000"),
        ("sqs", {"MaximumBatchingWindowInSeconds": 301}, "maximumBatchingWindowInSeconds",
            "less than or equal to 300"),
        ("sqs", {"ScalingConfig": {"MaximumConcurrency": 1}}, "scalingConfig.maximumConcurrency",
            "greater than or equal to 2"),
        ("sqs", {"ScalingConfig": {"MaximumConcurrency": 1001}},
            "scalingConfig.maximumConcurrency", "less than or equal to 1000"),
        ("sqs", {"FunctionResponseTypes": ["All"]}, "functionResponseTypes",
            "enum value set: [ReportBatchItemFailures]"),
        ("sqs", {"MetricsConfig": {"Metrics": ["EventCount"] * 4}}, "metricsConfig.metrics",
            "length less than or equal to 3"),
        ("sqs", {"KMSKeyArn": "hearth"}, "kMSKeyArn", "regular expression pattern"),
        ("sqs", {"EventSourceArn": "hearth"}, "eventSourceArn", "regular expression pattern"),
        ("kinesis", {"ParallelizationFactor": 0}, "parallelizationFactor", "or equal to 1"),
        ("kinesis", {"ParallelizationFactor": 11}, "parallelizationFactor", "or equal to 10"),
        ("kinesis", {"TumblingWindowInSeconds": 901}, "tumblingWindowInSeconds", "equal to 900"),
        ("kinesis", {"MaximumRetryAttempts": -2}, "maximumRetryAttempts", "or equal to -1"),
        ("kinesis", {"MaximumRetryAttempts": 10_001}, "maximumRetryAttempts", "equal to 10000"),
        ("kinesis", {"MaximumRecordAgeInSeconds": 604_801}, "maximumRecordAgeInSeconds",
            "less than or equal to 604800"),
        ("kinesis", {"StartingPosition": "0"}, "startingPosition", "enum value set: ["),
        ("kinesis", {"DestinationConfig": {"OnFailure": {"Destination": "ash"}}},
            "destinationConfig.onFailure.destination", "regular expression pattern"),
        ("msk", {"Topics": ["a", "b"]}, "topics", "length less than or equal to 1"),
        ("msk", {"ProvisionedPollerConfig": {"MinimumPollers": 201}},
            "provisionedPollerConfig.minimumPollers", "less than or equal to 200"),
        ("kafka", {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["x"]}}},
            "selfManagedEventSource.endpoints", "regular expression pattern"),
        ("documentdb", {"DocumentDBEventSourceConfig": {"DatabaseName": "a.b"}},
            "documentDBEventSourceConfig.databaseName", "regular expression pattern"),
    ],
)  # fmt: skip
@pytest.mark.aws("model:CreateEventSourceMappingRequest")
def test_a_member_out_of_its_range_is_refused(
    anywhere: Mappings,
    unchecked: "LambdaClient",
    kind: str,
    members: dict[str, Any],
    path: str,
    constraint: str,
) -> None:
    request = anywhere.request(kind, **members)
    status, code, message = refused(unchecked.create_event_source_mapping, **request)
    assert (status, code) == VALIDATION
    assert f"at '{path}" in message
    assert constraint in message


@pytest.mark.aws("dg/services-sqs-parameters.html")
def test_a_large_batch_of_a_queue_needs_a_window(mappings: Mappings) -> None:
    text = (
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater "
        "than 10"
    )
    assert refusal(mappings, "sqs", BatchSize=11) == (*INVALID, text)
    made = mappings.create(BatchSize=11, MaximumBatchingWindowInSeconds=1)
    update = mappings.client.update_event_source_mapping
    answer = refused(update, UUID=made["UUID"], MaximumBatchingWindowInSeconds=0)
    assert answer == (*INVALID, text)
    assert settings(mappings.get(made)) == settings(made)


@pytest.mark.parametrize(
    ("kind", "member", "text"),
    [
        ("sqs", "ParallelizationFactor", UNSUPPORTED.format("parallelizationFactor")),
        ("sqs", "TumblingWindowInSeconds", UNSUPPORTED.format("tumblingWindowInSeconds")),
        ("sqs", "MaximumRetryAttempts", UNSUPPORTED.format("maximumRetryAttempts")),
        ("sqs", "MaximumRecordAgeInSeconds", UNSUPPORTED.format("maximumRecordAgeInSeconds")),
        ("sqs", "BisectBatchOnFunctionError", UNSUPPORTED.format("bisectBatchOnFunctionError")),
        ("sqs", "DestinationConfig", NO_DESTINATION),
        ("sqs", "Topics", UNSUPPORTED.format("topics")),
        ("sqs", "LoggingConfig", UNSUPPORTED.format("loggingConfig")),
        ("kinesis", "Queues", UNSUPPORTED.format("queues")),
        ("kinesis", "ScalingConfig", UNSUPPORTED.format("scalingConfig")),
        ("kinesis", "ProvisionedPollerConfig", UNSUPPORTED.format("provisionedPollerConfig")),
        ("dynamodb", "SourceAccessConfigurations",
            UNSUPPORTED.format("sourceAccessConfigurations")),
        ("dynamodb", "SelfManagedEventSource", UNSUPPORTED.format("selfManagedEventSource")),
        ("msk", "ScalingConfig", UNSUPPORTED.format("scalingConfig")),
        ("msk", "SelfManagedKafkaEventSourceConfig",
            UNSUPPORTED.format("selfManagedKafkaEventSourceConfig")),
        ("kafka", "AmazonManagedKafkaEventSourceConfig",
            UNSUPPORTED.format("amazonManagedKafkaEventSourceConfig")),
        ("kafka", "ParallelizationFactor", UNSUPPORTED.format("parallelizationFactor")),
        ("mq", "FunctionResponseTypes", UNSUPPORTED.format("functionResponseTypes")),
        ("mq", "DocumentDBEventSourceConfig", UNSUPPORTED.format("documentDBEventSourceConfig")),
        ("documentdb", "MaximumRetryAttempts", UNSUPPORTED.format("maximumRetryAttempts")),
    ],
)  # fmt: skip
def test_a_member_that_the_source_does_not_take_is_refused(
    mappings: Mappings, kind: str, member: str, text: str
) -> None:
    value = {
        "ParallelizationFactor": 1, "TumblingWindowInSeconds": 0, "MaximumRetryAttempts": 1,
        "MaximumRecordAgeInSeconds": 60, "BisectBatchOnFunctionError": False, "Topics": ["embers"],
        "Queues": ["embers"], "LoggingConfig": {"SystemLogLevel": "INFO"},
        "ScalingConfig": {"MaximumConcurrency": 2}, "FunctionResponseTypes": [],
        "ProvisionedPollerConfig": {"MinimumPollers": 2},
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::ash"}},
        "DocumentDBEventSourceConfig": {"DatabaseName": "hearth"},
        "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": "secret"}],
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k:9092"]}},
        "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "hearth"},
        "AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "hearth"},
    }[member]  # fmt: skip
    assert refusal(mappings, kind, **{member: value}) == (*INVALID, text)


@pytest.mark.parametrize(
    ("kind", "member", "path"),
    [
        ("msk", "Topics", "topics"),
        ("kafka", "Topics", "topics"),
        ("kafka", "SourceAccessConfigurations", "sourceAccessConfigurations"),
        ("mq", "Queues", "queues"),
        ("mq", "SourceAccessConfigurations", "sourceAccessConfigurations"),
        ("documentdb", "DocumentDBEventSourceConfig", "documentDBEventSourceConfig"),
        ("documentdb", "SourceAccessConfigurations", "sourceAccessConfigurations"),
    ],
)
def test_a_member_that_the_source_needs_has_to_be_there(
    mappings: Mappings, kind: str, member: str, path: str
) -> None:
    answer = refusal(mappings, kind, **{member: None})
    assert answer == (*INVALID, f"Required '{path}' parameter is missing.")


@pytest.mark.aws("model:CreateEventSourceMappingRequest.Tags")
def test_a_mapping_is_not_made_with_too_many_tags(mappings: Mappings) -> None:
    tags = {f"key-{number}": "" for number in range(51)}
    answer = refusal(mappings, "sqs", Tags=tags)
    assert answer == (*INVALID, "Number of tags exceeds resource tag limit.")


@pytest.mark.aws("api/API_ListTags.html")
def test_a_mapping_that_is_not_there_has_no_tags(client: "LambdaClient", mapped: str) -> None:
    arn = client.get_function_configuration(FunctionName=mapped)["FunctionArn"]
    gone = arn.replace(f"function:{mapped}", f"event-source-mapping:{UNKNOWN}")
    assert refused(client.list_tags, Resource=gone)[:2] == NOT_FOUND
