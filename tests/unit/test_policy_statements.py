"""Statements of resource-based policies, without anything around them."""

import json

import pytest

from inglenook import errors
from inglenook.model import policy
from inglenook_gateway.operations import policy_statements

STATEMENT = policy.Statement(
    sid="s", principal={"Service": "s3.amazonaws.com"}, action="lambda:InvokeFunction", resource="r"
)


@pytest.mark.parametrize(("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn")])
def test_an_account_is_of_the_partition(region: str, partition: str) -> None:
    found = policy_statements.principal("123456789012", partition=partition)
    assert found == {"AWS": f"arn:{partition}:iam::123456789012:root"}, region


@pytest.mark.parametrize(
    "text",
    [
        *("arn:aws:iam::123456789012:root", "arn:aws-cn:iam::123456789012:user/path/u"),
        *("arn:aws:iam::123456789012:role/r", "arn:aws:sts::123456789012:assumed-role/r/s"),
        "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1",
    ],
)
def test_identities_stay_as_they_are(text: str) -> None:
    assert policy_statements.principal(text, partition="aws") == {"AWS": text}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "12345678901",
            "\uff11" * 12,
            "arn:aws:iam::1:root",
            "arn:aws:iam::123456789012:",
        ),
        *("s3.amazonaws.com.example", "amazonaws.com", "S3.amazonaws.com", "arn:aws:s3:::b", "**"),
    ],
)
def test_nobody_else_is_a_principal(text: str) -> None:
    with pytest.raises(errors.InvalidParameterValueError, match="principal was invalid"):
        policy_statements.principal(text, partition="aws")


def test_all_conditions_together_keep_their_order() -> None:
    members = {
        "SourceArn": "a", "SourceAccount": "b", "PrincipalOrgID": "c", "EventSourceToken": "d",
        "FunctionUrlAuthType": "NONE", "InvokedViaFunctionUrl": False, "Principal": "*",
    }  # fmt: skip
    assert json.dumps(policy_statements.conditions(members)) == json.dumps(
        {
            "StringEquals": {
                "lambda:FunctionUrlAuthType": "NONE",
                "lambda:EventSourceToken": "d",
                "aws:PrincipalOrgID": "c",
                "AWS:SourceAccount": "b",
            },
            "ArnLike": {"AWS:SourceArn": "a"},
            "Bool": {"lambda:InvokedViaFunctionUrl": "false"},
        }
    )


def test_a_policy_is_shown_without_spaces_and_in_order() -> None:
    assert policy_statements.policy_json([STATEMENT]) == (
        '{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s","Effect":"Allow",'
        '"Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",'
        '"Resource":"r"}]}'
    )


def test_a_statement_is_taken_out_by_its_id() -> None:
    assert policy_statements.without([STATEMENT], "s") == ()
    with pytest.raises(errors.ResourceNotFoundError, match="Statement x is not found"):
        policy_statements.without([STATEMENT], "x")


def test_an_id_is_taken_once() -> None:
    policy_statements.check_new([STATEMENT], "other")
    with pytest.raises(errors.ResourceConflictError, match=r"\(s\) provided already exists"):
        policy_statements.check_new([STATEMENT], "s")


def test_size_is_counted_in_bytes() -> None:
    policy_statements.check_size("x" * 20_480)
    policy_statements.check_size("ü" * 10_240)
    with pytest.raises(errors.PolicyLengthExceededError, match=r"size \(20482\) is bigger"):
        policy_statements.check_size("ü" * 10_241)
