import pytest

from inglenook import errors
from inglenook.model import arn
from inglenook.model.account import Account

ACCOUNT = Account(id="123456789012", region="us-east-1")
WHOLE = "arn:aws:lambda:us-east-1:123456789012:function:f"


@pytest.mark.parametrize(
    ("value", "qualifier", "expected"),
    [
        ("f", None, ("f", None)),
        ("f", "1", ("f", "1")),
        ("f:prod", None, ("f", "prod")),
        ("f:prod", "prod", ("f", "prod")),
        ("f:$LATEST", None, ("f", "$LATEST")),
        ("function:f", None, ("f", None)),
        ("function:f:2", None, ("f", "2")),
        ("123456789012:function:f", None, ("f", None)),
        ("123456789012:function:f:prod", None, ("f", "prod")),
        ("123456789012:f", None, ("f", None)),
        ("us-east-1:123456789012:function:f:prod", None, ("f", "prod")),
        (WHOLE, None, ("f", None)),
        (WHOLE, "3", ("f", "3")),
        (f"{WHOLE}:prod", None, ("f", "prod")),
        (f"{WHOLE}:$LATEST", "$LATEST", ("f", "$LATEST")),
        # A function may be called what the optional parts are called.
        ("function", None, ("function", None)),
        ("function:function", None, ("function", None)),
        (f"{WHOLE[:-1]}function:prod", None, ("function", "prod")),
    ],
)
def test_every_form_of_a_name_is_read(
    value: str, qualifier: str | None, expected: tuple[str, str | None]
) -> None:
    assert ACCOUNT.ref(value, qualifier) == expected


@pytest.mark.parametrize(
    ("value", "qualifier", "error", "message"),
    [
        (
            "f:1",
            "2",
            errors.InvalidParameterValueError,
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
        (
            WHOLE.replace("us-east-1", "eu-central-1"),
            None,
            errors.ResourceNotFoundError,
            "Functions from 'eu-central-1' are not reachable in this region ('us-east-1')",
        ),
        (WHOLE.replace("123456789012", "210987654321"), None, errors.AccessDeniedError, None),
        ("210987654321:function:f", None, errors.AccessDeniedError, None),
        ("arn:aws:s3:::bucket", None, errors.ValidationError, None),
        ("arn:aws:lambda:us-east-1:123456789012:layer:f:1", None, errors.ValidationError, None),
        ("a:b:c", None, errors.ValidationError, None),
        ("f:", None, errors.ValidationError, None),
        (":f", None, errors.ValidationError, None),
    ],
)
def test_a_name_that_cannot_be_served_is_refused_in_aws_words(
    value: str, qualifier: str | None, error: type[errors.ApiError], message: str | None
) -> None:
    with pytest.raises(error) as caught:
        ACCOUNT.ref(value, qualifier)
    if message is not None:
        assert caught.value.message == message


def test_an_arn_is_written_with_the_partition_of_its_region() -> None:
    assert ACCOUNT.function_arn("f", "prod") == f"{WHOLE}:prod"
    assert arn.function_arn("f", region="cn-north-1", account="1").startswith("arn:aws-cn:lambda:")
    assert arn.partition("us-gov-west-1") == "aws-us-gov"
