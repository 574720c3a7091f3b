"""Resource-based policies, statement by statement: dg/access-control-resource-based.html."""

import json
from typing import TYPE_CHECKING

import pytest
from platform_process import create, refused
from support.statements import CODE, INVOKE, add, arn, qualified, sids

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_AddPermission.html")


def test_a_statement_is_answered_as_json_text_in_order(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    answer = client.add_permission(
        FunctionName=name, StatementId="s3", Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::bucket", SourceAccount="123456789012",
    )  # fmt: skip
    expected = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn(client, name),
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "123456789012"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
        },
    }
    assert answer["Statement"] == json.dumps(expected, separators=(",", ":"))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201


@pytest.mark.aws("api/API_GetPolicy.html")
def test_the_whole_policy_is_answered_as_json_text_in_order(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, CODE)
    first, second = add(client, name, "one"), add(client, name, "two", Principal="*")
    expected = {"Version": "2012-10-17", "Id": "default", "Statement": [first, second]}
    shown = client.get_policy(FunctionName=name)
    assert shown["Policy"] == json.dumps(expected, separators=(",", ":"))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("*", "*"),
        ("events.amazonaws.com", {"Service": "events.amazonaws.com"}),
        ("alexa-appkit.amazon.com", {"Service": "alexa-appkit.amazon.com"}),
        ("s3.eu-west-1.amazonaws.com", {"Service": "s3.eu-west-1.amazonaws.com"}),
    ],
)
@pytest.mark.aws("model:AddPermissionRequest.Principal")
def test_everybody_and_services_are_principals(
    client: "LambdaClient", name: str, given: str, shown: object
) -> None:
    create(client, name, CODE)
    assert add(client, name, Principal=given)["Principal"] == shown


@pytest.mark.aws("dg/permissions-function-cross-account.html")
def test_an_account_becomes_its_root(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    partition, account = arn(client, name).split(":")[1::3]
    shown = add(client, name, Principal=account)["Principal"]
    assert shown == {"AWS": f"arn:{partition}:iam::{account}:root"}


@pytest.mark.aws("dg/permissions-function-cross-account.html")
def test_an_identity_stays_as_it_is(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    role = client.get_function_configuration(FunctionName=name)["Role"]
    assert add(client, name, Principal=role)["Principal"] == {"AWS": role}


@pytest.mark.parametrize(
    ("members", "condition"),
    [
        ({"SourceArn": "arn:aws:s3:::b"}, {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}),
        ({"SourceAccount": "123456789012"},
         {"StringEquals": {"AWS:SourceAccount": "123456789012"}}),
        ({"Principal": "*", "PrincipalOrgID": "o-1234567890"},
         {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}),
        ({"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "amzn1.ask.skill.x-y"},
         {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x-y"}}),
        ({"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
         {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}),
        ({"Principal": "*", "InvokedViaFunctionUrl": True},
         {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
    ],
)  # fmt: skip
@pytest.mark.aws("dg/access-control-resource-based.html")
def test_members_become_conditions(
    client: "LambdaClient", name: str, members: dict[str, str], condition: dict[str, object]
) -> None:
    create(client, name, CODE)
    statement = add(client, name, **members)
    assert statement["Condition"] == condition
    shown = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]
    assert shown == [statement]


def test_without_conditions_a_statement_shows_none(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    assert "Condition" not in add(client, name)


@pytest.mark.parametrize("action", ["lambda:*", "*", "lambda:GetFunction"])
@pytest.mark.aws("model:AddPermissionRequest.Action")
def test_any_action_of_lambda_can_be_allowed(
    client: "LambdaClient", name: str, action: str
) -> None:
    create(client, name, CODE)
    assert add(client, name, Action=action)["Action"] == action


@pytest.mark.parametrize("qualifier", ["1", "live"])
@pytest.mark.aws("model:AddPermissionRequest.Qualifier")
def test_versions_and_aliases_have_policies_of_their_own(
    client: "LambdaClient", name: str, qualifier: str
) -> None:
    whole = qualified(client, name)
    statement = add(client, name, "q", Qualifier=qualifier)
    assert statement["Resource"] == f"{whole}:{qualifier}"
    assert sids(client, name, Qualifier=qualifier) == ["q"]
    assert sids(client, f"{name}:{qualifier}") == ["q"]
    assert refused(client.get_policy, FunctionName=name)[0] == 404


@pytest.mark.aws("model:AddPermissionRequest.StatementId")
def test_one_id_may_stand_in_several_policies(client: "LambdaClient", name: str) -> None:
    qualified(client, name)
    for members in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        add(client, name, "same", **members)
        assert sids(client, name, **members) == ["same"]


def test_the_policy_of_the_function_is_that_of_latest(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    add(client, name, "s")
    assert sids(client, name, Qualifier="$LATEST") == ["s"]


@pytest.mark.aws("dg/configuration-versions.html")
def test_publishing_does_not_copy_the_policy(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    add(client, name)
    version = client.publish_version(FunctionName=name)["Version"]
    assert refused(client.get_policy, FunctionName=name, Qualifier=version)[0] == 404
    assert sids(client, name) == ["s"]


@pytest.mark.aws("model:ResourceConflictException")
def test_a_statement_cannot_be_added_twice(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    add(client, name, "twice")
    status, error, message = refused(add, client=client, name=name, sid="twice", Principal="*")
    assert (status, error) == (409, "ResourceConflictException")
    assert message == (
        "The statement id (twice) provided already exists. Please provide a new statement id, or "
        "remove the existing statement."
    )


@pytest.mark.aws("dg/access-control-resource-based.html")
def test_latest_by_name_has_no_policy(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    status, error, message = refused(add, client=client, name=name, Qualifier="$LATEST")
    assert (status, error) == (400, "InvalidParameterValueException")
    assert message == "We currently do not support adding policies for $LATEST."


@pytest.mark.parametrize(
    "principal", ["somebody", "service.example.com", "arn:aws:s3:::bucket", "12345"]
)
@pytest.mark.aws("model:AddPermissionRequest.Principal")
def test_a_principal_that_nobody_is_is_refused(
    client: "LambdaClient", name: str, principal: str
) -> None:
    create(client, name, CODE)
    assert refused(add, client=client, name=name, Principal=principal) == (
        400, "InvalidParameterValueException",
        "The provided principal was invalid. Please check the principal and try again.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("Action", "s3:GetObject"),
        ("StatementId", "with space"),
        ("SourceAccount", "x23456789012"),
        ("SourceArn", "bucket"),
        ("PrincipalOrgID", "organisation"),
        ("FunctionUrlAuthType", "SOME"),
        ("EventSourceToken", "a/b"),
    ],
)
@pytest.mark.aws("model:AddPermissionRequest")
def test_members_are_validated_by_the_model(
    client: "LambdaClient", name: str, member: str, value: str
) -> None:
    request = {"FunctionName": name, "StatementId": "s"} | INVOKE | {member: value}
    status, error, message = refused(client.add_permission, **request)
    assert (status, error) == (400, "ValidationException")
    assert f"'{value}' at '{member[0].lower()}{member[1:]}'" in message


@pytest.mark.aws("model:AddPermissionRequest.FunctionUrlAuthType")
def test_an_auth_type_belongs_to_function_urls(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    assert refused(add, client=client, name=name, Principal="*", FunctionUrlAuthType="NONE") == (
        400, "InvalidParameterValueException",
        "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
    )  # fmt: skip


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_policy_has_a_largest_size(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    source = "arn:aws:s3:::" + "b" * 9000
    add(client, name, "a", SourceArn=source)
    add(client, name, "b", SourceArn=source)
    status, error, message = refused(add, client=client, name=name, sid="c", SourceArn=source)
    assert (status, error) == (400, "PolicyLengthExceededException")
    assert message.startswith("The final policy size (")
    assert message.endswith(") is bigger than the limit (20480).")
    assert sids(client, name) == ["a", "b"]


@pytest.mark.parametrize("qualifier", ["9", "gone"])
@pytest.mark.aws("model:ResourceNotFoundException")
def test_what_is_not_there_gets_no_policy(
    client: "LambdaClient", name: str, qualifier: str
) -> None:
    create(client, name, CODE)
    status, error, message = refused(add, client=client, name=name, Qualifier=qualifier)
    assert (status, error) == (404, "ResourceNotFoundException")
    assert message.endswith(f":function:{name}:{qualifier}")
    assert refused(client.get_policy, FunctionName=name, Qualifier=qualifier) == (
        404, "ResourceNotFoundException", "The resource you requested does not exist.",
    )  # fmt: skip


@pytest.mark.aws("model:ResourceNotFoundException")
def test_a_function_that_is_not_there_is_named_when_a_statement_is_added(
    client: "LambdaClient", name: str
) -> None:
    status, error, message = refused(add, client=client, name=name)
    assert (status, error) == (404, "ResourceNotFoundException")
    assert message.startswith("Function not found: arn:")
    assert message.endswith(f":function:{name}")


@pytest.mark.aws("api/API_GetPolicy.html")
def test_no_policy_is_not_found(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    assert refused(client.get_policy, FunctionName=name) == (
        404, "ResourceNotFoundException", "The resource you requested does not exist.",
    )  # fmt: skip
