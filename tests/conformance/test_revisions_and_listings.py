"""RevisionIds and their preconditions, and the pages of listings: api/API_ListFunctions.html."""

from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, package, refused, wait_published, wait_updated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_ListFunctions.html")

CODE = "def handler(event, context):\n    return 1\n"
OTHER = "def handler(event, context):\n    return 2\n"
STALE = "00000000-0000-0000-0000-000000000000"


def revision(client: "LambdaClient", name: str, **members: Any) -> str:
    return client.get_function_configuration(FunctionName=name, **members)["RevisionId"]


@pytest.mark.aws("api/API_FunctionConfiguration.html")
def test_reading_changes_no_revision(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    before = revision(client, name)
    client.get_function(FunctionName=name)
    client.invoke(FunctionName=name)
    client.list_versions_by_function(FunctionName=name)
    assert revision(client, name) == before


@pytest.mark.aws("api/API_UpdateFunctionConfiguration.html")
def test_an_update_has_a_revision_when_it_begins_and_another_when_it_ends(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, CODE)
    before = revision(client, name)
    begun = client.update_function_configuration(FunctionName=name, Timeout=9)["RevisionId"]
    wait_updated(client, name)
    assert len({before, begun, revision(client, name)}) == 3


@pytest.mark.aws("api/API_PublishVersion.html")
def test_publishing_changes_the_revision_of_latest(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    before = revision(client, name)
    published = client.publish_version(FunctionName=name)
    after = revision(client, name)
    assert len({before, after, published["RevisionId"]}) == 3
    # Nothing has changed since: the same version again, and no other revision.
    wait_published(client, name, "1")
    again = client.publish_version(FunctionName=name, Description="ignored")
    assert (again["Version"], again["Description"]) == ("1", "")
    assert again["RevisionId"] == revision(client, name, Qualifier="1")
    assert revision(client, name) == after


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        pytest.param("update_function_code", {"ZipFile": package(OTHER)},
            marks=pytest.mark.aws("model:UpdateFunctionCodeRequest.RevisionId")),
        pytest.param("update_function_configuration", {"Timeout": 9},
            marks=pytest.mark.aws("model:UpdateFunctionConfigurationRequest.RevisionId")),
        pytest.param("publish_version", {},
            marks=pytest.mark.aws("model:PublishVersionRequest.RevisionId")),
    ],
)  # fmt: skip
def test_only_what_has_the_revision_that_was_seen_is_changed(
    client: "LambdaClient", name: str, operation: str, members: dict[str, Any]
) -> None:
    create(client, name, CODE)
    call = getattr(client, operation)
    status, code, message = refused(call, FunctionName=name, RevisionId=STALE, **members)
    assert (status, code) == (412, "PreconditionFailedException")
    assert message == (
        "The Revision Id provided does not match the latest Revision Id. Call the "
        "GetFunction/GetAlias API to retrieve the latest Revision Id"
    )
    call(FunctionName=name, RevisionId=revision(client, name), **members)


@pytest.mark.aws("model:UpdateFunctionCodeRequest.DryRun")
def test_a_dry_run_has_the_same_preconditions(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    status, code, _ = refused(
        client.update_function_code, FunctionName=name, ZipFile=package(OTHER), DryRun=True,
        RevisionId=STALE,
    )  # fmt: skip
    assert (status, code) == (412, "PreconditionFailedException")


@pytest.mark.parametrize(
    "operation", ["list_functions", "list_versions_by_function", "list_aliases"]
)
@pytest.mark.aws("model:MaxListItems")
def test_there_are_bounds_to_a_page(client: "LambdaClient", name: str, operation: str) -> None:
    create(client, name, CODE)
    members = {} if operation == "list_functions" else {"FunctionName": name}
    status, code, message = refused(getattr(client, operation), MaxItems=10001, **members)
    assert (status, code) == (400, "ValidationException")
    assert message == (
        "1 validation error detected: Value '10001' at 'maxItems' failed to satisfy constraint: "
        "Member must have value less than or equal to 10000"
    )


@pytest.mark.aws("model:FunctionVersion")
def test_there_is_one_value_of_function_version(client: "LambdaClient") -> None:
    status, code, message = refused(client.list_functions, FunctionVersion="LATEST")
    assert (status, code) == (400, "ValidationException")
    assert message.endswith("Member must satisfy enum value set: [ALL]")


@pytest.mark.aws("model:ListFunctionsRequest.FunctionVersion")
def test_all_versions_are_listed_with_their_arns(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    pages = client.get_paginator("list_functions").paginate(FunctionVersion="ALL")
    found = [one for page in pages for one in page["Functions"] if one["FunctionName"] == name]
    assert [one["FunctionArn"] for one in found] == [f"{arn}:$LATEST", f"{arn}:1"]
    assert not {"State", "LastUpdateStatus", "RuntimeVersionConfig"} & set().union(*found)


@pytest.mark.aws("api/API_ListVersionsByFunction.html")
def test_versions_are_listed_in_pages_by_their_numbers(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    for timeout in (4, 5, 6):
        client.update_function_configuration(FunctionName=name, Timeout=timeout)
        wait_updated(client, name)
        client.publish_version(FunctionName=name)
    pages = client.get_paginator("list_versions_by_function").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 3}
    )
    versions = [[one["Version"] for one in page["Versions"]] for page in pages]
    assert versions == [["$LATEST", "1", "2"], ["3"]]
