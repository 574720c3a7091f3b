"""Versions and aliases: dg/configuration-versions.html, dg/configuration-aliases.html."""

import asyncio
import collections
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import platform_process
import pytest
from platform_process import ACCOUNT, REGION, create, package, refused, wait_published, wait_updated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/configuration-versions.html")


def code(answer: int) -> str:
    return f"def handler(event, context):\n    return [{answer}, context.function_version]\n"


def two_versions(client: "LambdaClient", name: str) -> None:
    """Make a function whose version 1 answers 1, version 2 and $LATEST answer 2."""
    create(client, name, code(1))
    client.publish_version(FunctionName=name, Description="first")
    client.update_function_code(FunctionName=name, ZipFile=package(code(2)))
    wait_updated(client, name)
    client.publish_version(FunctionName=name)
    for version in ("1", "2"):
        wait_published(client, name, version)


def invoke(client: "LambdaClient", name: str, qualifier: str) -> tuple[object, str]:
    response = client.invoke(FunctionName=name, Qualifier=qualifier)
    return json.loads(response["Payload"].read()), response["ExecutedVersion"]


def test_a_version_stays_as_it_was_published(client: "LambdaClient", name: str) -> None:
    two_versions(client, name)
    assert invoke(client, name, "1") == ([1, "1"], "1")
    assert invoke(client, name, "2") == ([2, "2"], "2")
    assert invoke(client, name, "$LATEST") == ([2, "$LATEST"], "$LATEST")
    first = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert first["Description"] == "first"
    assert first["FunctionArn"].endswith(f":function:{name}:1")
    listed = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [each["Version"] for each in listed] == ["$LATEST", "1", "2"]
    assert listed[0]["FunctionArn"].endswith(":$LATEST")


@pytest.mark.aws("model:PublishVersionRequest.CodeSha256")
def test_publishing_other_code_than_expected_is_refused(client: "LambdaClient", name: str) -> None:
    create(client, name, code(1))
    status, error, message = refused(client.publish_version, FunctionName=name, CodeSha256="x" * 43)
    assert (status, error) == (400, "InvalidParameterValueException")
    assert message.startswith(f"CodeSHA256 ({'x' * 43}) is different from current CodeSHA256")


def test_numbers_are_not_used_twice(client: "LambdaClient", name: str) -> None:
    two_versions(client, name)
    client.delete_function(FunctionName=name, Qualifier="2")
    assert refused(client.invoke, FunctionName=name, Qualifier="2")[0] == 404
    client.update_function_configuration(FunctionName=name, Description="changed")
    wait_updated(client, name)
    assert client.publish_version(FunctionName=name)["Version"] == "3"


@pytest.mark.aws("dg/configuration-aliases.html")
def test_an_alias_points_to_a_version_until_it_is_moved(client: "LambdaClient", name: str) -> None:
    two_versions(client, name)
    made = client.create_alias(FunctionName=name, Name="live", FunctionVersion="1", Description="d")
    assert made["AliasArn"].endswith(f":function:{name}:live")
    assert invoke(client, name, "live") == ([1, "1"], "1")
    moved = client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert moved["RevisionId"] != made["RevisionId"]
    assert invoke(client, name, "live") == ([2, "2"], "2")
    assert client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "2"
    listed = client.list_aliases(FunctionName=name, FunctionVersion="2")["Aliases"]
    assert [each["Name"] for each in listed] == ["live"]
    client.delete_alias(FunctionName=name, Name="live")
    assert refused(client.get_alias, FunctionName=name, Name="live")[:2] == (
        404, "ResourceNotFoundException",
    )  # fmt: skip
    assert refused(client.invoke, FunctionName=name, Qualifier="live")[0] == 404


@pytest.mark.aws("dg/python-context.html")
def test_the_invoked_arn_is_qualified_as_asked(client: "LambdaClient", name: str) -> None:
    create(client, name, "def handler(event, context):\n    return context.invoked_function_arn\n")
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    wait_published(client, name, "1")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    for form in ("", ":live", ":1"):
        response = client.invoke(FunctionName=name + form)
        assert json.loads(response["Payload"].read()) == arn + form


@pytest.mark.aws("dg/configuring-alias-routing.html")
def test_weights_send_invocations_to_both_versions(client: "LambdaClient", name: str) -> None:
    two_versions(client, name)
    client.create_alias(
        FunctionName=name, Name="split", FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )  # fmt: skip
    # By chance all go the same way once in 10^12 times.
    seen = {invoke(client, name, "split")[1] for _ in range(40)}
    assert seen == {"1", "2"}


@pytest.mark.ours("ten thousand invocations, which nobody has signed")
def test_weights_split_the_invocations_exactly_as_asked(
    client: "LambdaClient", platform: platform_process.Platform, name: str
) -> None:
    two_versions(client, name)
    client.create_alias(
        FunctionName=name, Name="split", FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.6}},
    )  # fmt: skip
    counts: collections.Counter[str] = collections.Counter()

    async def drive() -> None:
        url = f"{platform.endpoint}/2015-03-31/functions/{name}/invocations?Qualifier=split"
        async with aiohttp.ClientSession() as session:

            async def calls(many: int) -> None:
                for _ in range(many):
                    async with session.post(url, data=b"{}") as response:
                        assert response.status == 200
                        version = response.headers["X-Amz-Executed-Version"]
                        number = int(version)
                        assert await response.json() == [number, version]
                        counts[version] += 1

            await asyncio.gather(*(calls(1000) for _ in range(10)))

    asyncio.run(drive())
    assert sum(counts.values()) == 10_000
    assert abs(counts["1"] / 10_000 - 0.4) <= 0.01, counts


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"FunctionVersion": "9"}, (404, "ResourceNotFoundException")),
        ({"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}},
         (400, "InvalidParameterValueException")),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}},
         (400, "InvalidParameterValueException")),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 1.5}}}, (400, "ValidationException")),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1, "3": 0.1}}},
         (400, "InvalidParameterValueException")),
    ],
)  # fmt: skip
@pytest.mark.aws("api/API_CreateAlias.html")
def test_aliases_that_cannot_be_are_refused(
    client: "LambdaClient", name: str, members: dict[str, Any], expected: tuple[int, str]
) -> None:
    two_versions(client, name)
    request = {"FunctionName": name, "Name": "a", "FunctionVersion": "1"} | members
    status, error, message = refused(client.create_alias, **request)
    assert (status, error) == expected, message


@pytest.mark.aws("api/API_DeleteFunction.html")
def test_a_version_with_an_alias_cannot_be_deleted(client: "LambdaClient", name: str) -> None:
    two_versions(client, name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    status, error, _ = refused(client.delete_function, FunctionName=name, Qualifier="1")
    assert (status, error) == (409, "ResourceConflictException")
    assert invoke(client, name, "live")[1] == "1"
