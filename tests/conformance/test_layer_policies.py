"""Policies of layer versions: who may use one."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import package, refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_AddLayerVersionPermission.html")


@pytest.fixture
def layer(client: "LambdaClient", name: str) -> Iterator[dict[str, Any]]:
    """`LayerName` and `VersionNumber` of a version for this test alone."""
    content = {"ZipFile": package({"data.txt": "x"})}
    number = client.publish_layer_version(LayerName=name, Content=content)["Version"]
    yield {"LayerName": name, "VersionNumber": number}
    client.delete_layer_version(LayerName=name, VersionNumber=number)


def grant(client: "LambdaClient", layer: dict[str, Any], **members: Any) -> Any:
    wanted = {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    return client.add_layer_version_permission(**(layer | wanted | members))


def statements(client: "LambdaClient", layer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(client.get_layer_version_policy(**layer)["Policy"])[
        "Statement"
    ]
    return found


def version_arn(client: "LambdaClient", layer: dict[str, Any]) -> str:
    arn: str = client.get_layer_version(**layer)["LayerVersionArn"]
    return arn


@pytest.mark.parametrize(
    ("members", "principal", "condition"),
    [
        ({}, "*", None),
        ({"Principal": "123456789012"}, {"AWS": "arn:aws:iam::123456789012:root"}, None),
        ({"Principal": "arn:aws:iam::123456789012:root"},
         {"AWS": "arn:aws:iam::123456789012:root"}, None),
        ({"OrganizationId": "o-t194hfs8cz"}, "*",
         {"StringEquals": {"aws:PrincipalOrgID": "o-t194hfs8cz"}}),
    ],
)  # fmt: skip
def test_a_statement_says_who_may(
    client: "LambdaClient",
    layer: dict[str, Any],
    members: dict[str, Any],
    principal: object,
    condition: object,
) -> None:
    added = grant(client, layer, **members)
    assert added["ResponseMetadata"]["HTTPStatusCode"] == 201
    expected = {
        "Sid": "s", "Effect": "Allow", "Principal": principal,
        "Action": "lambda:GetLayerVersion", "Resource": version_arn(client, layer),
    } | ({} if condition is None else {"Condition": condition})  # fmt: skip
    assert json.loads(added["Statement"]) == expected
    assert statements(client, layer) == [expected]


@pytest.mark.aws("api/API_GetLayerVersionPolicy.html")
def test_a_policy_holds_its_statements_in_their_order(
    client: "LambdaClient", layer: dict[str, Any]
) -> None:
    grant(client, layer, StatementId="one")
    added = grant(client, layer, StatementId="two", Principal="123456789012")
    shown = client.get_layer_version_policy(**layer)
    policy = json.loads(shown["Policy"])
    assert (policy["Version"], policy["Id"]) == ("2012-10-17", "default")
    assert [each["Sid"] for each in policy["Statement"]] == ["one", "two"]
    assert shown["RevisionId"] == added["RevisionId"]


@pytest.mark.aws("model:AddLayerVersionPermissionRequest.RevisionId")
def test_a_policy_changes_only_from_the_revision_that_is_named(
    client: "LambdaClient", layer: dict[str, Any]
) -> None:
    stale = (
        412, "PreconditionFailedException",
        ("The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy "
        "API to retrieve the latest Revision Id"),
    )  # fmt: skip
    first = grant(client, layer, StatementId="one")["RevisionId"]
    second = grant(client, layer, StatementId="two", RevisionId=first)["RevisionId"]
    assert first != second
    third = layer | {"StatementId": "x", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    assert refused(client.add_layer_version_permission, **third, RevisionId=first) == stale
    removal = layer | {"StatementId": "one"}
    assert refused(client.remove_layer_version_permission, **removal, RevisionId=first) == stale
    assert [each["Sid"] for each in statements(client, layer)] == ["one", "two"]
    client.remove_layer_version_permission(**removal, RevisionId=second)
    assert [each["Sid"] for each in statements(client, layer)] == ["two"]
    assert client.get_layer_version_policy(**layer)["RevisionId"] not in (first, second)


def test_a_statement_id_is_used_once(client: "LambdaClient", layer: dict[str, Any]) -> None:
    grant(client, layer)
    again = layer | {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    assert refused(client.add_layer_version_permission, **again) == (
        409, "ResourceConflictException",
        ("The statement id (s) provided already exists. Please provide a new statement id, or "
        "remove the existing statement."),
    )  # fmt: skip


@pytest.mark.aws("api/API_RemoveLayerVersionPermission.html")
def test_a_removed_statement_is_gone_and_the_last_takes_the_policy_with_it(
    client: "LambdaClient", layer: dict[str, Any]
) -> None:
    grant(client, layer)
    removed = client.remove_layer_version_permission(**layer, StatementId="s")
    assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.remove_layer_version_permission, **layer, StatementId="s") == (
        404, "ResourceNotFoundException", "Statement s is not found in resource policy.",
    )  # fmt: skip
    assert refused(client.get_layer_version_policy, **layer) == (
        404, "ResourceNotFoundException", "No policy is associated with the given resource.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("add_layer_version_permission",
         {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}),
        ("remove_layer_version_permission", {"StatementId": "s"}),
        ("get_layer_version_policy", {}),
    ],
)  # fmt: skip
def test_there_is_no_policy_without_a_version(
    client: "LambdaClient", layer: dict[str, Any], operation: str, members: dict[str, str]
) -> None:
    arn = version_arn(client, layer)
    place = layer | {"VersionNumber": 2}
    assert refused(getattr(client, operation), **place, **members) == (
        404, "ResourceNotFoundException",
        f"Layer version {arn.removesuffix(':1')}:2 does not exist.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"Action": "lambda:InvokeFunction"}, "at 'action'"),
        ({"Principal": "s3.amazonaws.com"}, "at 'principal'"),
        ({"Principal": "arn:aws:iam::123456789012:user/me"}, "at 'principal'"),
        ({"StatementId": "two words"}, "at 'statementId'"),
        ({"OrganizationId": "o-1"}, "at 'organizationId'"),
    ],
)
@pytest.mark.aws("model:AddLayerVersionPermissionRequest")
def test_statements_that_cannot_be_are_refused(
    client: "LambdaClient", layer: dict[str, Any], members: dict[str, str], told: str
) -> None:
    wanted = {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    status, error, message = refused(
        client.add_layer_version_permission, **(layer | wanted | members)
    )
    assert (status, error) == (400, "ValidationException")
    assert told in message


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_policy_that_is_too_large_is_refused(
    client: "LambdaClient", layer: dict[str, Any]
) -> None:
    wanted = layer | {"Action": "lambda:GetLayerVersion", "Principal": "123456789012"}
    for number in range(200):
        sid = f"{number:0>100}"
        try:
            client.add_layer_version_permission(**wanted, StatementId=sid)
        except client.exceptions.PolicyLengthExceededException:
            break
    else:
        raise AssertionError("a policy of any size is taken")
    shown = client.get_layer_version_policy(**layer)["Policy"]
    assert 19_000 < len(shown) <= 20_480
    assert len(json.loads(shown)["Statement"]) == number


@pytest.mark.aws("api/API_DeleteLayerVersion.html")
def test_a_policy_is_of_one_version_and_goes_with_it(
    client: "LambdaClient", layer: dict[str, Any]
) -> None:
    grant(client, layer)
    name = layer["LayerName"]
    content = {"ZipFile": package({"data.txt": "y"})}
    client.publish_layer_version(LayerName=name, Content=content)  # type: ignore[arg-type]
    assert refused(client.get_layer_version_policy, LayerName=name, VersionNumber=2)[2].startswith(
        "No policy"
    )
    client.delete_layer_version(LayerName=name, VersionNumber=2)
    client.delete_layer_version(**layer)
    assert refused(client.get_layer_version_policy, **layer)[2].startswith("Layer version arn:")
