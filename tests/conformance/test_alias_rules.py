"""What aliases may be and how they change: dg/configuration-aliases.html."""

from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, refused, wait_updated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/configuration-aliases.html")

CODE = "def handler(event, context):\n    return 1\n"
INVALID = (400, "InvalidParameterValueException")
NOT_FOUND = (404, "ResourceNotFoundException")
HALF: Any = {"AdditionalVersionWeights": {"2": 0.5}}


@pytest.fixture
def two(client: "LambdaClient", name: str) -> str:
    """A function with versions 1 and 2."""
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Timeout=9)
    wait_updated(client, name)
    client.publish_version(FunctionName=name)
    return name


@pytest.mark.aws("api/API_CreateAlias.html")
def test_a_new_alias_shows_what_it_was_given(client: "LambdaClient", two: str) -> None:
    made = client.create_alias(
        FunctionName=two, Name="live", FunctionVersion="1", Description="d", RoutingConfig=HALF
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["Name"], made["FunctionVersion"], made["Description"]) == ("live", "1", "d")
    assert made["RoutingConfig"] == HALF
    got = client.get_alias(FunctionName=two, Name="live")
    assert got | {"ResponseMetadata": None} == made | {"ResponseMetadata": None}  # type: ignore[operator]


@pytest.mark.aws("model:AliasConfiguration.RoutingConfig")
def test_an_alias_without_weights_shows_none(client: "LambdaClient", two: str) -> None:
    made = client.create_alias(FunctionName=two, Name="live", FunctionVersion="1")
    assert "RoutingConfig" not in made
    assert made["Description"] == ""


@pytest.mark.aws("api/API_CreateAlias.html")
def test_an_alias_is_created_once(client: "LambdaClient", two: str) -> None:
    made = client.create_alias(FunctionName=two, Name="live", FunctionVersion="1")
    status, code, message = refused(
        client.create_alias, FunctionName=two, Name="live", FunctionVersion="2"
    )
    assert (status, code) == (409, "ResourceConflictException")
    assert message == f"Alias already exists: {made['AliasArn']}"


@pytest.mark.parametrize(
    ("members", "kept"),
    [
        pytest.param({"FunctionVersion": "1"}, {"Description": "d", "RoutingConfig": HALF},
            id="version"),
        pytest.param({"Description": "e"}, {"FunctionVersion": "1", "RoutingConfig": HALF},
            id="description"),
        pytest.param({"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.25}}},
            {"FunctionVersion": "1", "Description": "d"}, id="weights"),
    ],
)  # fmt: skip
@pytest.mark.aws("api/API_UpdateAlias.html")
def test_an_update_changes_what_it_gives_and_nothing_else(
    client: "LambdaClient", two: str, members: dict[str, Any], kept: dict[str, Any]
) -> None:
    made = client.create_alias(
        FunctionName=two, Name="live", FunctionVersion="1", Description="d", RoutingConfig=HALF
    )
    updated: Any = client.update_alias(FunctionName=two, Name="live", **members)
    expected = members | kept
    assert {member: updated[member] for member in expected} == expected
    assert updated["RevisionId"] != made["RevisionId"]


@pytest.mark.aws("model:AliasRoutingConfiguration.AdditionalVersionWeights")
def test_weights_are_cleared_by_an_empty_map(client: "LambdaClient", two: str) -> None:
    client.create_alias(FunctionName=two, Name="live", FunctionVersion="1", RoutingConfig=HALF)
    updated = client.update_alias(
        FunctionName=two, Name="live", RoutingConfig={"AdditionalVersionWeights": {}}
    )
    assert "RoutingConfig" not in updated
    assert "RoutingConfig" not in client.get_alias(FunctionName=two, Name="live")


@pytest.mark.parametrize(
    ("members", "expected", "text"),
    [
        pytest.param({"FunctionVersion": "$LATEST"}, INVALID,
            "$LATEST is not supported for an alias pointing to more than 1 version", id="latest"),
        pytest.param({"FunctionVersion": "2"}, INVALID,
            "Function version 2 is already included in routing configuration.", id="same"),
        pytest.param({"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1, "3": 0.1}}}, INVALID,
            "Number of items in AdditionalVersionWeights cannot be greater than 1", id="three"),
        pytest.param({"RoutingConfig": {"AdditionalVersionWeights": {"9": 0.1}}}, NOT_FOUND,
            ":9", id="absent-weight"),
        pytest.param({"FunctionVersion": "9"}, NOT_FOUND, ":9", id="absent"),
        pytest.param({"RoutingConfig": {"AdditionalVersionWeights": {"2": 1.1}}},
            (400, "ValidationException"), "less than or equal to 1",
            marks=pytest.mark.aws("model:Weight"), id="weight"),
        pytest.param({"RevisionId": "00000000-0000-0000-0000-000000000000"},
            (412, "PreconditionFailedException"), "The Revision Id provided does not match the "
            "latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision "
            "Id", marks=pytest.mark.aws("model:UpdateAliasRequest.RevisionId"), id="revision"),
    ],
)  # fmt: skip
def test_an_update_that_cannot_be_changes_nothing(
    client: "LambdaClient", two: str,
    members: dict[str, Any], expected: tuple[int, str], text: str,
) -> None:  # fmt: skip
    made = client.create_alias(
        FunctionName=two, Name="live", FunctionVersion="1", RoutingConfig=HALF
    )
    status, code, message = refused(client.update_alias, FunctionName=two, Name="live", **members)
    assert (status, code) == expected
    assert text in message
    got = client.get_alias(FunctionName=two, Name="live")
    assert (got["RevisionId"], got["FunctionVersion"]) == (made["RevisionId"], "1")


@pytest.mark.parametrize("operation", ["get_alias", "update_alias"])
def test_an_alias_that_is_not_there_is_named_in_the_error(
    client: "LambdaClient", two: str, operation: str
) -> None:
    arn = client.get_function_configuration(FunctionName=two)["FunctionArn"]
    status, code, message = refused(getattr(client, operation), FunctionName=two, Name="none")
    assert (status, code) == NOT_FOUND
    assert message == f"Cannot find alias arn: {arn}:none"


@pytest.mark.aws("api/API_DeleteAlias.html")
def test_an_alias_is_deleted_as_often_as_asked(client: "LambdaClient", two: str) -> None:
    client.create_alias(FunctionName=two, Name="live", FunctionVersion="1")
    for _ in range(2):
        deleted = client.delete_alias(FunctionName=two, Name="live")
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204


@pytest.mark.aws("api/API_DeleteFunction.html")
def test_a_version_with_a_weight_cannot_be_deleted(client: "LambdaClient", two: str) -> None:
    client.create_alias(FunctionName=two, Name="live", FunctionVersion="1", RoutingConfig=HALF)
    status, code, message = refused(client.delete_function, FunctionName=two, Qualifier="2")
    assert (status, code) == (409, "ResourceConflictException")
    assert message == "Unable to delete version because the following aliases reference it: [live]"


@pytest.mark.parametrize("alias", ["12", "a.b", "x" * 129])
@pytest.mark.aws("model:Alias")
def test_a_name_that_no_alias_can_have_is_refused(
    client: "LambdaClient", two: str, alias: str
) -> None:
    status, code, message = refused(
        client.create_alias, FunctionName=two, Name=alias, FunctionVersion="1"
    )
    assert (status, code) == (400, "ValidationException")
    assert "at 'name' failed to satisfy constraint" in message


@pytest.mark.aws("api/API_ListAliases.html")
def test_aliases_are_listed_by_version_and_in_pages(client: "LambdaClient", two: str) -> None:
    for alias, version in (("a", "1"), ("b", "2"), ("c", "1")):
        client.create_alias(FunctionName=two, Name=alias, FunctionVersion=version)
    pages = list(
        client.get_paginator("list_aliases").paginate(
            FunctionName=two, FunctionVersion="1", PaginationConfig={"PageSize": 1}
        )
    )
    assert [[one["Name"] for one in page["Aliases"]] for page in pages] == [["a"], ["c"]]


@pytest.mark.aws("api/API_CreateAlias.html")
def test_an_alias_changes_no_revision_of_its_function(client: "LambdaClient", two: str) -> None:
    before = client.get_function_configuration(FunctionName=two)["RevisionId"]
    client.create_alias(FunctionName=two, Name="live", FunctionVersion="1")
    client.delete_alias(FunctionName=two, Name="live")
    assert client.get_function_configuration(FunctionName=two)["RevisionId"] == before
