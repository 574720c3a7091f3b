"""Event source mappings: dg/invocation-eventsourcemapping.html.

They are made, shown, changed, listed and deleted; what they do is no matter of this suite yet.
"""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, refused
from support import event_sources
from support.event_sources import Mappings, settings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/invocation-eventsourcemapping.html")

CODE = "def handler(event, context):\n    return 1\n"
STREAM: dict[str, Any] = {
    "BatchSize": 100, "BisectBatchOnFunctionError": False, "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [], "LastProcessingResult": "No records processed",
    "MaximumBatchingWindowInSeconds": 0, "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1, "ParallelizationFactor": 1, "TumblingWindowInSeconds": 0,
}  # fmt: skip
QUEUE: dict[str, Any] = {
    "BatchSize": 10, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0
}  # fmt: skip
OTHER: dict[str, Any] = {"BatchSize": 100, "LastProcessingResult": "No records processed"}
DEFAULTS: dict[str, dict[str, Any]] = {
    "sqs": QUEUE, "fifo": QUEUE, "kinesis": STREAM, "dynamodb": STREAM, "msk": OTHER,
    "kafka": OTHER, "mq": OTHER, "documentdb": OTHER | {"MaximumBatchingWindowInSeconds": 0},
}  # fmt: skip
BY_USER = {"kinesis": "User action", "dynamodb": "User action", "documentdb": "User action"}

every_kind = pytest.mark.parametrize("kind", event_sources.KINDS)


@every_kind
@pytest.mark.aws("api/API_CreateEventSourceMapping.html")
def test_a_new_mapping_shows_what_was_asked_for_and_the_defaults_of_its_source(
    client: "LambdaClient", mappings: Mappings, kind: str
) -> None:
    asked = mappings.request(kind)
    made = mappings.create(kind)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    function = client.get_function_configuration(FunctionName=mappings.function)["FunctionArn"]
    expected = DEFAULTS[kind] | {
        member: value
        for member, value in asked.items()
        if member not in ("FunctionName", "Enabled")
    }
    expected |= {
        "UUID": made["UUID"], "FunctionArn": function,
        "EventSourceMappingArn": function.replace(
            f"function:{mappings.function}", f"event-source-mapping:{made['UUID']}"
        ),
    }  # fmt: skip
    match kind:
        case "msk":
            expected["AmazonManagedKafkaEventSourceConfig"] = {"ConsumerGroupId": made["UUID"]}
        case "kafka":
            expected["SelfManagedKafkaEventSourceConfig"] = {"ConsumerGroupId": made["UUID"]}
        case "documentdb":
            expected["DocumentDBEventSourceConfig"] |= {"FullDocument": "Default"}
    assert settings(made) == expected
    assert made["State"] == "Creating"
    assert made["StateTransitionReason"] == BY_USER.get(kind, "USER_INITIATED")


@every_kind
@pytest.mark.aws("api/API_GetEventSourceMapping.html")
def test_a_mapping_that_is_not_to_be_enabled_is_read_disabled(
    mappings: Mappings, kind: str
) -> None:
    made = mappings.create(kind, Enabled=False)
    got = mappings.get(made)
    assert settings(got) == settings(made)
    assert got["State"] == "Disabled"
    assert got["StateTransitionReason"] == BY_USER.get(kind, "USER_INITIATED")
    assert got["LastModified"] == made["LastModified"]


@every_kind
@pytest.mark.ours("event sources are not polled yet")
def test_a_mapping_that_is_to_be_enabled_says_why_it_is_not(mappings: Mappings, kind: str) -> None:
    got = mappings.get(mappings.create(kind, Enabled=None))
    assert got["State"] == "Disabled"
    assert got["StateTransitionReason"].startswith("Event sources are not polled yet in Inglenook")


@pytest.mark.ours("event sources are not polled yet")
def test_what_was_asked_for_is_kept_while_nothing_polls(mappings: Mappings) -> None:
    made = mappings.create(Enabled=True)
    assert mappings.update(made, Enabled=False)["State"] == "Disabling"
    assert mappings.get(made)["StateTransitionReason"] == "USER_INITIATED"
    assert mappings.update(made, Enabled=True)["State"] == "Updating"
    assert "not polled yet" in mappings.get(made)["StateTransitionReason"]
    assert mappings.update(made, BatchSize=1)["State"] == "Updating"
    assert "not polled yet" in mappings.get(made)["StateTransitionReason"]


@pytest.mark.aws("model:EventSourceMappingConfiguration.LastModified")
def test_times_are_numbers(client: "LambdaClient", mappings: Mappings) -> None:
    made = mappings.create(
        "kinesis", StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1_700_000_000
    )
    bodies: list[bytes] = []

    def keep(response_dict: dict[str, Any], **_: object) -> None:
        bodies.append(response_dict["body"])

    event = "before-parse.lambda.GetEventSourceMapping"
    client.meta.events.register(event, keep)
    mappings.get(made)
    client.meta.events.unregister(event, keep)
    shown = json.loads(bodies[0])
    assert shown["StartingPositionTimestamp"] == 1_700_000_000
    assert datetime.fromtimestamp(shown["LastModified"], tz=UTC) == made["LastModified"]


@pytest.mark.parametrize("kind", ["kinesis", "msk", "kafka", "documentdb"])
@pytest.mark.aws("model:CreateEventSourceMappingRequest.StartingPosition")
def test_a_source_is_read_from_a_point_in_time(mappings: Mappings, kind: str) -> None:
    since = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    made = mappings.create(kind, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=since)
    got = mappings.get(made)
    assert (got["StartingPosition"], got["StartingPositionTimestamp"]) == ("AT_TIMESTAMP", since)


@pytest.mark.parametrize("suffix", ["", ":1", ":live", ":$LATEST"])
@pytest.mark.parametrize("form", ["name", "partial", "arn"])
@pytest.mark.aws("model:CreateEventSourceMappingRequest.FunctionName")
def test_a_function_is_named_in_every_form(
    client: "LambdaClient", mappings: Mappings, form: str, suffix: str
) -> None:
    arn = client.get_function_configuration(FunctionName=mappings.function)["FunctionArn"]
    forms = {"name": mappings.function, "partial": arn.split(":", 4)[4], "arn": arn}
    made = mappings.create(FunctionName=forms[form] + suffix)
    assert made["FunctionArn"] == arn + suffix


@pytest.mark.aws("api/API_UpdateEventSourceMapping.html")
def test_an_update_gives_the_mapping_to_another_function(
    client: "LambdaClient", mappings: Mappings
) -> None:
    made = mappings.create()
    updated = mappings.update(made, FunctionName=f"{mappings.function}:live")
    assert updated["FunctionArn"] == made["FunctionArn"] + ":live"
    mappings.update(made, BatchSize=2)
    assert mappings.get(made)["FunctionArn"] == made["FunctionArn"] + ":live"


@pytest.mark.aws("api/API_UpdateEventSourceMapping.html")
def test_an_update_of_nothing_leaves_all_as_it_is(mappings: Mappings) -> None:
    made = mappings.create("kinesis", BatchSize=7)
    updated = mappings.update(made)
    assert settings(updated) == settings(made)
    assert updated["LastModified"] >= made["LastModified"]


@pytest.mark.aws("api/API_DeleteEventSourceMapping.html")
def test_a_deleted_mapping_is_shown_once_more_and_is_gone(
    client: "LambdaClient", mappings: Mappings
) -> None:
    made = mappings.create()
    deleted = client.delete_event_source_mapping(UUID=made["UUID"])
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert deleted["State"] == "Deleting"
    assert settings(dict(deleted)) == settings(made)
    for operation in (client.get_event_source_mapping, client.delete_event_source_mapping):
        assert refused(operation, UUID=made["UUID"])[:2] == (404, "ResourceNotFoundException")


def test_what_was_deleted_can_be_made_again(client: "LambdaClient", mappings: Mappings) -> None:
    made = mappings.create()
    client.delete_event_source_mapping(UUID=made["UUID"])
    assert mappings.create()["UUID"] != made["UUID"]


@pytest.mark.aws("dg/invocation-eventsourcemapping.html")
def test_a_mapping_outlives_its_function(
    client: "LambdaClient", mappings: Mappings, name: str
) -> None:
    create(client, name, CODE)
    made = mappings.create(FunctionName=name)
    client.delete_function(FunctionName=name)
    assert settings(mappings.get(made)) == settings(made)
    mappings.update(made, BatchSize=5)
    assert mappings.get(made)["BatchSize"] == 5


@pytest.mark.parametrize(
    ("kind", "key", "members"),
    [
        pytest.param("sqs", "2", {}, id="another queue"),
        pytest.param("sqs", "", {"FunctionName": ":live"}, id="an alias"),
        pytest.param("sqs", "", {"FunctionName": ":1"}, id="a version"),
        pytest.param("msk", "", {"Topics": ["sparks"]}, id="another topic"),
        pytest.param("kafka", "2", {}, id="another cluster"),
        pytest.param("mq", "", {"Queues": ["sparks"]}, id="another queue of the broker"),
        pytest.param("documentdb", "", {"DocumentDBEventSourceConfig": {"DatabaseName": "ash"}},
            id="another database"),
    ],
)  # fmt: skip
def test_what_is_no_duplicate_stands_beside_the_first(
    mappings: Mappings, kind: str, key: str, members: dict[str, Any]
) -> None:
    first = mappings.create(kind)
    if suffix := members.get("FunctionName"):
        members = {"FunctionName": mappings.function + suffix}
    second = mappings.create(kind, key=key, **members)
    assert first["UUID"] != second["UUID"]
    assert settings(mappings.get(first)) == settings(first)


@pytest.mark.aws("model:EventSourceMappingConfiguration.FilterCriteria")
def test_filters_that_are_encrypted_are_not_listed(
    client: "LambdaClient", mappings: Mappings
) -> None:
    key = event_sources.arn(client, "kms", "key/hearth")
    criteria = {"Filters": [{"Pattern": '{"body": ["a"]}'}]}
    made = mappings.create(FilterCriteria=criteria, KMSKeyArn=key)
    listed = client.list_event_source_mappings(EventSourceArn=made["EventSourceArn"])
    (shown,) = listed["EventSourceMappings"]
    assert "FilterCriteria" not in shown
    assert shown["KMSKeyArn"] == key
    assert mappings.get(made)["FilterCriteria"] == criteria
    deleted = client.delete_event_source_mapping(UUID=made["UUID"])
    assert deleted["FilterCriteria"] == criteria


@pytest.mark.aws("api/API_ListEventSourceMappings.html")
def test_mappings_are_listed_by_function_by_source_and_by_both(
    client: "LambdaClient", mappings: Mappings, name: str
) -> None:
    create(client, name, CODE)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    first = mappings.create(FunctionName=name)
    second = mappings.create(FunctionName=name, key="2")
    alias = mappings.create(FunctionName=f"{name}:live")

    def listed(**members: Any) -> set[str]:
        found = client.list_event_source_mappings(**members)["EventSourceMappings"]
        return {one["UUID"] for one in found}

    source = {"EventSourceArn": first["EventSourceArn"]}
    assert listed(FunctionName=name) == {first["UUID"], second["UUID"]}
    assert listed(FunctionName=first["FunctionArn"]) == {first["UUID"], second["UUID"]}
    assert listed(FunctionName=f"{name}:live") == {alias["UUID"]}
    assert listed(**source) == {first["UUID"], alias["UUID"]}
    assert listed(FunctionName=name, **source) == {first["UUID"]}
    assert {first["UUID"], second["UUID"], alias["UUID"]} <= listed()
    assert listed(EventSourceArn=first["EventSourceArn"] + "-not") == set()


@pytest.mark.aws("api/API_ListEventSourceMappings.html")
def test_a_listing_shows_whole_mappings(client: "LambdaClient", mappings: Mappings) -> None:
    made = mappings.create("dynamodb", MaximumRetryAttempts=1)
    listed = client.list_event_source_mappings(EventSourceArn=made["EventSourceArn"])
    assert [settings(dict(one)) for one in listed["EventSourceMappings"]] == [settings(made)]


@pytest.mark.aws("model:CreateEventSourceMappingRequest.Tags")
def test_a_mapping_has_tags(client: "LambdaClient", mappings: Mappings) -> None:
    arn = mappings.create(Tags={"team": "hearth", "stage": "test"})["EventSourceMappingArn"]
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "hearth", "stage": "test"}
    client.tag_resource(Resource=arn, Tags={"stage": "live", "more": ""})
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert client.list_tags(Resource=arn)["Tags"] == {"stage": "live", "more": ""}


@pytest.mark.aws("api/API_TagResource.html")
def test_tagging_changes_nothing_that_is_shown(client: "LambdaClient", mappings: Mappings) -> None:
    made = mappings.create()
    before = mappings.get(made)
    client.tag_resource(Resource=made["EventSourceMappingArn"], Tags={"team": "hearth"})
    after = mappings.get(made)
    assert settings(after) == settings(before)
    assert after["LastModified"] == before["LastModified"]
