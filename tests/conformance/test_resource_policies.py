"""Whole resource-based policies: dg/access-control-resource-based.html."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_PutResourcePolicy.html")

CODE = "def handler(event, context):\n    return event\n"


def made(client: "LambdaClient", name: str) -> str:
    create(client, name, CODE)
    return client.get_function_configuration(FunctionName=name)["FunctionArn"]


def statement(arn: str, **elements: Any) -> dict[str, Any]:
    whole = {
        "Sid": "s", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction", "Resource": arn,
    } | elements  # fmt: skip
    return {element: value for element, value in whole.items() if value is not None}


def document(*statements: dict[str, Any], **members: str) -> str:
    return json.dumps({"Version": "2012-10-17", **members, "Statement": list(statements)})


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"Sid": None},
        {"Effect": "Deny", "Principal": "*"},
        {"Principal": {"AWS": ["123456789012", "arn:aws:iam::123456789012:root"]}},
        {"Action": ["lambda:InvokeFunction", "lambda:GetFunction"]},
        {"Condition": {"StringEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]},
                       "Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 300}}},
    ],
)  # fmt: skip
def test_a_policy_is_shown_as_it_was_put(
    client: "LambdaClient", name: str, elements: dict[str, Any]
) -> None:
    arn = made(client, name)
    given = document(statement(arn, **elements), Id="mine")
    answer = client.put_resource_policy(ResourceArn=arn, Policy=given)
    read = client.get_resource_policy(ResourceArn=arn)
    assert json.loads(answer["Policy"]) == json.loads(read["Policy"]) == json.loads(given)
    assert answer["RevisionId"] == read["RevisionId"]


def test_a_single_statement_needs_no_list(client: "LambdaClient", name: str) -> None:
    arn = made(client, name)
    given = json.dumps({"Version": "2012-10-17", "Statement": statement(arn)})
    client.put_resource_policy(ResourceArn=arn, Policy=given)
    shown = json.loads(client.get_resource_policy(ResourceArn=arn)["Policy"])
    assert shown["Statement"] in (statement(arn), [statement(arn)])


def test_putting_replaces_what_was_added(client: "LambdaClient", name: str) -> None:
    arn = made(client, name)
    client.add_permission(
        FunctionName=name, StatementId="added", Action="lambda:InvokeFunction", Principal="*"
    )
    client.put_resource_policy(ResourceArn=arn, Policy=document(statement(arn, Sid="put")))
    shown = json.loads(client.get_policy(FunctionName=name)["Policy"])
    assert [one["Sid"] for one in shown["Statement"]] == ["put"]


def test_statements_are_added_to_what_was_put(client: "LambdaClient", name: str) -> None:
    arn = made(client, name)
    client.put_resource_policy(ResourceArn=arn, Policy=document(statement(arn, Sid="put")))
    client.add_permission(
        FunctionName=name, StatementId="added", Action="lambda:InvokeFunction", Principal="*"
    )
    shown = json.loads(client.get_resource_policy(ResourceArn=arn)["Policy"])
    assert [one["Sid"] for one in shown["Statement"]] == ["put", "added"]
    client.remove_permission(FunctionName=name, StatementId="put")
    shown = json.loads(client.get_resource_policy(ResourceArn=arn)["Policy"])
    assert [one["Sid"] for one in shown["Statement"]] == ["added"]


def test_an_alias_has_a_policy_of_its_own(client: "LambdaClient", name: str) -> None:
    arn = made(client, name)
    client.publish_version(FunctionName=name)
    alias = client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["AliasArn"]
    client.put_resource_policy(ResourceArn=alias, Policy=document(statement(alias)))
    assert client.get_policy(FunctionName=name, Qualifier="live")["RevisionId"]
    assert refused(client.get_resource_policy, ResourceArn=arn)[:2] == (
        404, "ResourceNotFoundException",
    )  # fmt: skip


@pytest.mark.parametrize("operation", ["put_resource_policy", "delete_resource_policy"])
@pytest.mark.aws("model:PreconditionFailedException")
def test_a_stale_revision_changes_nothing(
    client: "LambdaClient", name: str, operation: str
) -> None:
    arn = made(client, name)
    stale = client.put_resource_policy(ResourceArn=arn, Policy=document(statement(arn)))
    fresh = client.put_resource_policy(
        ResourceArn=arn, Policy=document(statement(arn, Sid="t")), RevisionId=stale["RevisionId"]
    )
    request = {"ResourceArn": arn, "RevisionId": stale["RevisionId"]}
    request |= {"Policy": document(statement(arn))} if operation == "put_resource_policy" else {}
    status, error, _ = refused(getattr(client, operation), **request)
    assert (status, error) == (412, "PreconditionFailedException")
    assert client.get_resource_policy(ResourceArn=arn)["RevisionId"] == fresh["RevisionId"]


@pytest.mark.aws("api/API_DeleteResourcePolicy.html")
def test_a_deleted_policy_is_gone(client: "LambdaClient", name: str) -> None:
    arn = made(client, name)
    revision = client.put_resource_policy(ResourceArn=arn, Policy=document(statement(arn)))
    answer = client.delete_resource_policy(ResourceArn=arn, RevisionId=revision["RevisionId"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_policy, FunctionName=name)[0] == 404
    for call in (client.get_resource_policy, client.delete_resource_policy):
        assert refused(call, ResourceArn=arn)[:2] == (404, "ResourceNotFoundException")


@pytest.mark.parametrize("operation", ["get", "put", "delete"])
@pytest.mark.aws("model:ResourceNotFoundException")
def test_a_function_that_is_not_there_has_no_policy(
    client: "LambdaClient", name: str, operation: str
) -> None:
    arn = made(client, name).replace(f":{name}", ":does-not-exist")
    request = {"ResourceArn": arn}
    request |= {"Policy": document(statement(arn))} if operation == "put" else {}
    status, error, _ = refused(getattr(client, f"{operation}_resource_policy"), **request)
    assert (status, error) == (404, "ResourceNotFoundException")


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"Version": "2012-10-17", "Statement": []}',
        '{"Version": "1999-01-01", "Statement": [STATEMENT]}',
        '{"Version": "2012-10-17", "Statement": [STATEMENT, STATEMENT]}',
        '{"Version": "2012-10-17", "Statement": [STATEMENT], "Extra": 1}',
    ],
)
@pytest.mark.aws("model:ResourcePolicy")
def test_a_document_that_is_no_policy_is_refused(
    client: "LambdaClient", name: str, text: str
) -> None:
    arn = made(client, name)
    given = text.replace("STATEMENT", json.dumps(statement(arn)))
    status, error, _ = refused(client.put_resource_policy, ResourceArn=arn, Policy=given)
    assert (status, error) == (400, "InvalidParameterValueException")
    assert refused(client.get_resource_policy, ResourceArn=arn)[0] == 404


@pytest.mark.parametrize(
    "elements",
    [
        {"Effect": "Perhaps"},
        {"Effect": None},
        {"Principal": None},
        {"Principal": "somebody"},
        {"Action": None},
        {"Resource": None},
        {"NotAction": "lambda:*"},
        {"Condition": {"StringEquals": "x"}},
    ],
)
@pytest.mark.aws("dg/access-control-resource-based.html")
def test_a_statement_that_cannot_be_is_refused(
    client: "LambdaClient", name: str, elements: dict[str, Any]
) -> None:
    arn = made(client, name)
    given = document(statement(arn, **elements))
    status, error, _ = refused(client.put_resource_policy, ResourceArn=arn, Policy=given)
    assert (status, error) == (400, "InvalidParameterValueException")


@pytest.mark.parametrize(
    "arn", ["arn:aws:s3:::bucket", "name", "arn:aws:lambda:us-east-1:123456789012:function:*"]
)
@pytest.mark.aws("model:PolicyResourceArn")
def test_only_whole_arns_are_taken(client: "LambdaClient", arn: str) -> None:
    status, error, message = refused(client.get_resource_policy, ResourceArn=arn)
    assert (status, error) == (400, "ValidationException")
    assert f"Value '{arn}' at 'resourceArn'" in message


@pytest.mark.aws("model:ResourcePolicy")
def test_a_policy_has_a_largest_size(client: "LambdaClient", name: str) -> None:
    arn = made(client, name)
    given = document(statement(arn, Sid="s" * 20_480))
    status, error, message = refused(client.put_resource_policy, ResourceArn=arn, Policy=given)
    assert (status, error) == (400, "ValidationException")
    assert "less than or equal to 20480" in message
