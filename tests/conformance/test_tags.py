"""Tags of functions: dg/configuration-tags.html."""

from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from platform_process import create, package, refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/configuration-tags.html")

CODE = "def handler(event, context):\n    return 1\n"
INVALID = (400, "InvalidParameterValueException")
NOT_FOUND = (404, "ResourceNotFoundException")
MANY = {f"key-{number}": "" for number in range(51)}


def created(client: "LambdaClient", name: str, **members: Any) -> str:
    create(client, name, CODE, **members)
    return client.get_function_configuration(FunctionName=name)["FunctionArn"]


def test_a_function_without_tags_shows_none(client: "LambdaClient", name: str) -> None:
    arn = created(client, name)
    assert client.list_tags(Resource=arn)["Tags"] == {}
    assert "Tags" not in client.get_function(FunctionName=name)


@pytest.mark.aws("api/API_TagResource.html")
def test_tags_are_added_to_those_that_are_there(client: "LambdaClient", name: str) -> None:
    arn = created(client, name, Tags={"team": "hearth", "stage": "test"})
    tagged = client.tag_resource(Resource=arn, Tags={"stage": "live", "more": ""})
    assert tagged["ResponseMetadata"]["HTTPStatusCode"] == 204
    expected = {"team": "hearth", "stage": "live", "more": ""}
    assert client.list_tags(Resource=arn)["Tags"] == expected
    assert client.get_function(FunctionName=name)["Tags"] == expected


@pytest.mark.aws("api/API_UntagResource.html")
def test_tags_are_removed_by_their_keys(client: "LambdaClient", name: str) -> None:
    arn = created(client, name, Tags={"team": "hearth", "stage": "test"})
    client.untag_resource(Resource=arn, TagKeys=["stage", "never-there"])
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "hearth"}


@pytest.mark.aws("api/API_GetFunction.html")
def test_tags_belong_to_all_versions(client: "LambdaClient", name: str) -> None:
    arn = created(client, name)
    client.publish_version(FunctionName=name)
    client.tag_resource(Resource=arn, Tags={"team": "hearth"})
    assert client.get_function(FunctionName=name, Qualifier="1")["Tags"] == {"team": "hearth"}


@pytest.mark.aws("api/API_TagResource.html")
def test_tagging_changes_nothing_that_runs(client: "LambdaClient", name: str) -> None:
    arn = created(client, name)
    before = client.get_function_configuration(FunctionName=name)
    client.tag_resource(Resource=arn, Tags={"team": "hearth"})
    after = client.get_function_configuration(FunctionName=name)
    assert after["LastModified"] == before["LastModified"]
    assert after["LastUpdateStatus"] == "Successful"


@pytest.mark.parametrize("qualifier", ["1", "live", "$LATEST"])
def test_versions_and_aliases_have_no_tags(
    client: "LambdaClient", name: str, qualifier: str
) -> None:
    arn = created(client, name)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    status, code, message = refused(
        client.tag_resource, Resource=f"{arn}:{qualifier}", Tags={"team": "hearth"}
    )
    assert (status, code) == INVALID
    assert message == (
        "Tags on function aliases and versions are not supported. Please specify a function ARN."
    )


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        pytest.param("list_tags", {}, marks=pytest.mark.aws("api/API_ListTags.html")),
        pytest.param("tag_resource", {"Tags": {"team": "hearth"}},
            marks=pytest.mark.aws("api/API_TagResource.html")),
        pytest.param("untag_resource", {"TagKeys": ["team"]},
            marks=pytest.mark.aws("api/API_UntagResource.html")),
    ],
)  # fmt: skip
def test_what_is_not_there_has_no_tags(
    client: "LambdaClient", name: str, operation: str, members: dict[str, Any]
) -> None:
    arn = created(client, name)
    status, code, message = refused(getattr(client, operation), Resource=arn + "-not", **members)
    assert (status, code) == NOT_FOUND
    assert message == "The resource you requested does not exist."


def test_there_are_fifty_tags_at_most(client: "LambdaClient", name: str) -> None:
    fifty = dict(list(MANY.items())[:50])
    arn = created(client, name, Tags=fifty)
    status, code, message = refused(client.tag_resource, Resource=arn, Tags={"one": "more"})
    assert (status, code, message) == (*INVALID, "Number of tags exceeds resource tag limit.")
    client.tag_resource(Resource=arn, Tags={"key-0": "again"})
    assert client.list_tags(Resource=arn)["Tags"] == fifty | {"key-0": "again"}


@pytest.mark.aws("api/API_CreateFunction.html")
def test_a_function_is_not_created_with_more(client: "LambdaClient", name: str) -> None:
    status, code, message = refused(
        client.create_function, FunctionName=name, Role=platform_process.ROLE, Tags=MANY,
        Runtime=platform_process.RUNTIME, Handler="app.handler", Code={"ZipFile": package(CODE)},
    )  # fmt: skip
    assert (status, code, message) == (*INVALID, "Number of tags exceeds resource tag limit.")
    assert refused(client.get_function, FunctionName=name)[0] == 404


@pytest.mark.aws("api/API_TagResource.html")
def test_no_tags_at_all_cannot_be_given(client: "LambdaClient", name: str) -> None:
    arn = created(client, name)
    status, code, message = refused(client.tag_resource, Resource=arn, Tags={})
    assert (status, code) == INVALID
    assert message == "An error occurred and the request cannot be processed."


@pytest.mark.aws("model:UntagResourceRequest.TagKeys")
def test_no_keys_at_all_cannot_be_given(client: "LambdaClient", name: str) -> None:
    arn = created(client, name)
    status, code, message = refused(client.untag_resource, Resource=arn, TagKeys=[])
    assert (status, code) == (400, "ValidationException")
    assert message == (
        "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member "
        "must not be null"
    )


@pytest.mark.aws("model:TaggableResource")
def test_what_has_tags_is_named_by_its_arn(client: "LambdaClient", name: str) -> None:
    created(client, name)
    status, code, message = refused(client.list_tags, Resource=name)
    assert (status, code) == (400, "ValidationException")
    assert f"Value '{name}' at 'resource' failed to satisfy constraint" in message
