"""Code signing configs: dg/configuration-codesigning.html, api/API_CreateCodeSigningConfig.html."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from platform_process import create, package, refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/configuration-codesigning.html")

CODE = "def handler(event, context):\n    return 1\n"
Make = Callable[..., dict[str, Any]]


def profile(number: int) -> str:
    account, region = platform_process.ACCOUNT, platform_process.REGION
    return f"arn:aws:signer:{region}:{account}:/signing-profiles/hearth/{number}"


def publishers(*numbers: int) -> Any:
    return {"SigningProfileVersionArns": [profile(number) for number in numbers]}


@pytest.fixture
def make(client: "LambdaClient") -> Iterator[Make]:
    """Make configs; those that are left over are deleted afterwards."""
    made: list[str] = []

    def one(**members: Any) -> dict[str, Any]:
        members = {"AllowedPublishers": publishers(1)} | members
        config: Any = client.create_code_signing_config(**members)["CodeSigningConfig"]
        made.append(config["CodeSigningConfigArn"])
        return dict(config)

    yield one
    for arn in made:
        for function in _functions_of(client, arn):
            client.delete_function_code_signing_config(FunctionName=function)
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            client.delete_code_signing_config(CodeSigningConfigArn=arn)


def _functions_of(client: "LambdaClient", arn: str) -> list[str]:
    try:
        found = client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)
    except client.exceptions.ResourceNotFoundException:
        return []
    return found["FunctionArns"]


@pytest.fixture
def absent(make: Make, client: "LambdaClient") -> str:
    """The ARN of a config that was deleted."""
    arn: str = make()["CodeSigningConfigArn"]
    client.delete_code_signing_config(CodeSigningConfigArn=arn)
    return arn


@pytest.mark.aws("api/API_CreateCodeSigningConfig.html")
def test_a_new_config_warns_unless_it_is_told_to_enforce(make: Make) -> None:
    config = make()
    assert config["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    assert config["AllowedPublishers"] == publishers(1)
    assert config["CodeSigningConfigArn"].endswith(
        f":code-signing-config:{config['CodeSigningConfigId']}"
    )
    assert config["CodeSigningConfigId"].startswith("csc-")


@pytest.mark.aws("api/API_GetCodeSigningConfig.html")
def test_a_config_is_read_as_it_was_made(client: "LambdaClient", make: Make) -> None:
    config = make(
        Description="d", AllowedPublishers=publishers(1, 2),
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
    )  # fmt: skip
    arn = config["CodeSigningConfigArn"]
    got = client.get_code_signing_config(CodeSigningConfigArn=arn)
    assert got["CodeSigningConfig"] == config
    assert config["Description"] == "d"
    assert config["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Enforce"}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("Description", "another"),
        ("AllowedPublishers", publishers(3)),
        ("CodeSigningPolicies", {"UntrustedArtifactOnDeployment": "Enforce"}),
    ],
)
@pytest.mark.aws("api/API_UpdateCodeSigningConfig.html")
def test_an_update_changes_what_it_gives_and_nothing_else(
    client: "LambdaClient", make: Make, member: str, value: Any
) -> None:
    config = make(Description="one")
    arn = config["CodeSigningConfigArn"]
    members: Any = {member: value}
    updated: Any = client.update_code_signing_config(CodeSigningConfigArn=arn, **members)
    expected = config | {member: value}
    changed = updated["CodeSigningConfig"]
    assert changed | {"LastModified": ""} == expected | {"LastModified": ""}
    assert client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"] == changed


@pytest.mark.aws("api/API_ListCodeSigningConfigs.html")
def test_configs_are_listed_in_pages(client: "LambdaClient", make: Make) -> None:
    made = {make()["CodeSigningConfigId"] for _ in range(3)}
    pages = list(
        client.get_paginator("list_code_signing_configs").paginate(PaginationConfig={"PageSize": 2})
    )
    assert all(len(page["CodeSigningConfigs"]) <= 2 for page in pages)
    listed = [one["CodeSigningConfigId"] for page in pages for one in page["CodeSigningConfigs"]]
    assert made <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        pytest.param("get_code_signing_config", {},
            marks=pytest.mark.aws("api/API_GetCodeSigningConfig.html")),
        pytest.param("update_code_signing_config", {"Description": "x"},
            marks=pytest.mark.aws("api/API_UpdateCodeSigningConfig.html")),
        pytest.param("delete_code_signing_config", {},
            marks=pytest.mark.aws("api/API_DeleteCodeSigningConfig.html")),
        pytest.param("list_functions_by_code_signing_config", {},
            marks=pytest.mark.aws("api/API_ListFunctionsByCodeSigningConfig.html")),
    ],
)  # fmt: skip
def test_a_config_that_is_not_there_is_not_found(
    client: "LambdaClient", absent: str, operation: str, members: dict[str, Any]
) -> None:
    call = getattr(client, operation)
    status, code, message = refused(call, CodeSigningConfigArn=absent, **members)
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message == f"The Lambda code signing configuration {absent} can not be found."


@pytest.mark.aws("api/API_PutFunctionCodeSigningConfig.html")
def test_a_function_is_given_a_config_and_shows_it(
    client: "LambdaClient", make: Make, name: str
) -> None:
    create(client, name, CODE)
    arn = make()["CodeSigningConfigArn"]
    put = client.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=arn)
    assert (put["CodeSigningConfigArn"], put["FunctionName"]) == (arn, name)
    got = client.get_function_code_signing_config(FunctionName=name)
    assert (got["CodeSigningConfigArn"], got["FunctionName"]) == (arn, name)


@pytest.mark.aws("model:CreateFunctionRequest.CodeSigningConfigArn")
def test_a_function_is_created_with_a_config(client: "LambdaClient", make: Make, name: str) -> None:
    arn = make()["CodeSigningConfigArn"]
    create(client, name, CODE, CodeSigningConfigArn=arn)
    got = client.get_function_code_signing_config(FunctionName=name)
    assert got["CodeSigningConfigArn"] == arn


@pytest.mark.aws("api/API_CreateFunction.html")
def test_a_function_is_not_created_with_a_config_that_is_not_there(
    client: "LambdaClient", absent: str, name: str
) -> None:
    status, code, message = refused(
        client.create_function, FunctionName=name, Runtime=platform_process.RUNTIME,
        Role=platform_process.ROLE, Handler="app.handler", Code={"ZipFile": package(CODE)},
        CodeSigningConfigArn=absent,
    )  # fmt: skip
    assert (status, code) == (404, "CodeSigningConfigNotFoundException")
    assert absent in message
    assert refused(client.get_function, FunctionName=name)[0] == 404


@pytest.mark.aws("api/API_PutFunctionCodeSigningConfig.html")
def test_a_config_that_is_not_there_cannot_be_given(
    client: "LambdaClient", absent: str, name: str
) -> None:
    create(client, name, CODE)
    status, code, message = refused(
        client.put_function_code_signing_config, FunctionName=name, CodeSigningConfigArn=absent
    )
    assert (status, code) == (404, "CodeSigningConfigNotFoundException")
    assert message == (
        "The code signing configuration cannot be found. Check that the provided configuration is "
        f"not deleted: {absent}."
    )


@pytest.mark.aws("api/API_PutFunctionCodeSigningConfig.html")
def test_a_function_that_is_not_there_cannot_be_given_a_config(
    client: "LambdaClient", make: Make, name: str
) -> None:
    arn = make()["CodeSigningConfigArn"]
    status, code, message = refused(
        client.put_function_code_signing_config, FunctionName=name, CodeSigningConfigArn=arn
    )
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message.endswith(f":function:{name}")


@pytest.mark.aws("api/API_GetFunctionCodeSigningConfig.html")
def test_a_function_without_a_config_shows_none(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    got = client.get_function_code_signing_config(FunctionName=name)
    assert not {"CodeSigningConfigArn", "FunctionName"} & got.keys()


@pytest.mark.aws("api/API_DeleteFunctionCodeSigningConfig.html")
def test_a_config_is_taken_from_a_function_as_often_as_asked(
    client: "LambdaClient", make: Make, name: str
) -> None:
    create(client, name, CODE, CodeSigningConfigArn=make()["CodeSigningConfigArn"])
    for _ in range(2):
        deleted = client.delete_function_code_signing_config(FunctionName=name)
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "CodeSigningConfigArn" not in client.get_function_code_signing_config(FunctionName=name)


@pytest.mark.aws("api/API_ListFunctionsByCodeSigningConfig.html")
def test_the_functions_of_a_config_are_listed(
    client: "LambdaClient", make: Make, name: str
) -> None:
    arn = make()["CodeSigningConfigArn"]
    other = make()["CodeSigningConfigArn"]
    create(client, name, CODE, CodeSigningConfigArn=arn)
    listed = client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)
    function_arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    assert listed["FunctionArns"] == [function_arn]
    assert _functions_of(client, other) == []


@pytest.mark.aws("api/API_DeleteCodeSigningConfig.html")
def test_a_config_in_use_cannot_be_deleted(client: "LambdaClient", make: Make, name: str) -> None:
    arn = make()["CodeSigningConfigArn"]
    create(client, name, CODE, CodeSigningConfigArn=arn)
    status, code, _ = refused(client.delete_code_signing_config, CodeSigningConfigArn=arn)
    assert (status, code) == (409, "ResourceConflictException")
    client.delete_function_code_signing_config(FunctionName=name)
    deleted = client.delete_code_signing_config(CodeSigningConfigArn=arn)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204


@pytest.mark.aws("api/API_DeleteCodeSigningConfig.html")
def test_a_deleted_function_uses_no_config(client: "LambdaClient", make: Make, name: str) -> None:
    arn = make()["CodeSigningConfigArn"]
    create(client, name, CODE, CodeSigningConfigArn=arn)
    client.delete_function(FunctionName=name)
    client.delete_code_signing_config(CodeSigningConfigArn=arn)
    assert refused(client.get_code_signing_config, CodeSigningConfigArn=arn)[0] == 404


@pytest.mark.aws("api/API_TagResource.html")
def test_a_config_has_tags(client: "LambdaClient", make: Make) -> None:
    arn = make(Tags={"team": "hearth", "stage": "test"})["CodeSigningConfigArn"]
    client.tag_resource(Resource=arn, Tags={"stage": "live", "more": ""})
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert client.list_tags(Resource=arn)["Tags"] == {"stage": "live", "more": ""}


@pytest.mark.aws("api/API_ListTags.html")
def test_a_config_that_is_not_there_has_no_tags(client: "LambdaClient", absent: str) -> None:
    assert refused(client.list_tags, Resource=absent)[:2] == (404, "ResourceNotFoundException")


@pytest.mark.parametrize(
    ("members", "text"),
    [
        pytest.param({"AllowedPublishers": publishers(*range(21))},
            "Member must have length less than or equal to 20",
            marks=pytest.mark.aws("model:SigningProfileVersionArns"), id="publishers"),
        pytest.param({"AllowedPublishers": {"SigningProfileVersionArns": ["hearth"]}},
            "regular expression pattern", marks=pytest.mark.aws("model:Arn"), id="publisher"),
        pytest.param({"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Ignore"}},
            "Member must satisfy enum value set: [Warn, Enforce]",
            marks=pytest.mark.aws("model:CodeSigningPolicy"), id="policy"),
        pytest.param({"Description": "x" * 257},
            "Member must have length less than or equal to 256",
            marks=pytest.mark.aws("model:Description"), id="description"),
    ],
)  # fmt: skip
def test_a_config_that_cannot_be_is_refused(
    client: "LambdaClient", members: dict[str, Any], text: str
) -> None:
    request = {"AllowedPublishers": publishers(1)} | members
    status, code, message = refused(client.create_code_signing_config, **request)
    assert (status, code) == (400, "ValidationException")
    assert text in message
