"""What ends a statement of a policy: dg/access-control-resource-based.html."""

from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, refused
from support.statements import CODE, INVOKE, add, qualified, sids

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_RemovePermission.html")


@pytest.mark.aws("api/API_RemovePermission.html")
def test_removing_one_statement_leaves_the_others(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    for sid in ("a", "b", "c"):
        add(client, name, sid)
    answer = client.remove_permission(FunctionName=name, StatementId="b")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert sids(client, name) == ["a", "c"]


@pytest.mark.aws("api/API_RemovePermission.html")
def test_removing_the_last_statement_removes_the_policy(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    add(client, name, "only")
    client.remove_permission(FunctionName=name, StatementId="only")
    assert refused(client.get_policy, FunctionName=name)[0] == 404
    add(client, name, "only")
    assert sids(client, name) == ["only"]


@pytest.mark.aws("api/API_RemovePermission.html")
def test_a_statement_that_is_not_there_cannot_be_removed(client: "LambdaClient", name: str) -> None:
    def removed(sid: str) -> tuple[int, str, str]:
        return refused(client.remove_permission, FunctionName=name, StatementId=sid)

    status, error, message = removed("s")
    assert (status, error) == (404, "ResourceNotFoundException")
    assert message.startswith("No policy found for: arn:")
    create(client, name, CODE)
    assert removed("s")[2] == "No policy is associated with the given resource."
    add(client, name)
    assert removed("other") == (
        404, "ResourceNotFoundException", "Statement other is not found in resource policy.",
    )  # fmt: skip


@pytest.mark.aws("api/API_RemovePermission.html")
def test_removing_from_an_alias_leaves_the_function_alone(
    client: "LambdaClient", name: str
) -> None:
    qualified(client, name)
    add(client, name, "s")
    add(client, name, "s", Qualifier="live")
    client.remove_permission(FunctionName=name, StatementId="s", Qualifier="live")
    assert refused(client.get_policy, FunctionName=name, Qualifier="live")[0] == 404
    assert sids(client, name) == ["s"]


@pytest.mark.parametrize("qualifier", [None, "1", "live"])
@pytest.mark.aws("api/API_GetPolicy.html")
def test_a_policy_has_the_revision_of_what_it_is_on(
    client: "LambdaClient", name: str, qualifier: str | None
) -> None:
    qualified(client, name)
    members: dict[str, Any] = {"Qualifier": qualifier} if qualifier else {}

    def revision() -> str:
        if qualifier == "live":
            return client.get_alias(FunctionName=name, Name="live")["RevisionId"]
        return client.get_function_configuration(FunctionName=name, **members)["RevisionId"]

    before = revision()
    add(client, name, "a", **members)
    assert client.get_policy(FunctionName=name, **members)["RevisionId"] == revision() != before
    between = revision()
    client.remove_permission(FunctionName=name, StatementId="a", **members)
    assert revision() != between


@pytest.mark.parametrize("operation", ["add_permission", "remove_permission"])
@pytest.mark.aws("model:PreconditionFailedException")
def test_a_stale_revision_changes_nothing(
    client: "LambdaClient", name: str, operation: str
) -> None:
    create(client, name, CODE)
    add(client, name, "a")
    stale = client.get_policy(FunctionName=name)["RevisionId"]
    add(client, name, "b", RevisionId=stale)
    request = {"FunctionName": name, "RevisionId": stale}
    request |= (
        {"StatementId": "c"} | INVOKE if operation == "add_permission" else {"StatementId": "a"}
    )
    status, error, message = refused(getattr(client, operation), **request)
    assert (status, error) == (412, "PreconditionFailedException")
    assert message.endswith("Call the GetPolicy API to retrieve the latest Revision Id")
    assert sids(client, name) == ["a", "b"]


@pytest.mark.aws("api/API_DeleteFunction.html")
def test_a_version_takes_its_policy_along(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    add(client, name, "s")
    add(client, name, "s", Qualifier="1")
    client.delete_function(FunctionName=name, Qualifier="1")
    assert refused(client.get_policy, FunctionName=name, Qualifier="1")[0] == 404
    assert sids(client, name) == ["s"]


@pytest.mark.aws("api/API_DeleteAlias.html")
def test_an_alias_takes_its_policy_along(client: "LambdaClient", name: str) -> None:
    qualified(client, name)
    add(client, name, "s", Qualifier="live")
    client.delete_alias(FunctionName=name, Name="live")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert refused(client.get_policy, FunctionName=name, Qualifier="live")[0] == 404


@pytest.mark.aws("api/API_DeleteFunction.html")
def test_a_function_takes_all_its_policies_along(client: "LambdaClient", name: str) -> None:
    qualified(client, name)
    add(client, name, "s")
    add(client, name, "s", Qualifier="live")
    client.delete_function(FunctionName=name)
    qualified(client, name)
    for members in ({}, {"Qualifier": "live"}):
        assert refused(client.get_policy, FunctionName=name, **members)[0] == 404
