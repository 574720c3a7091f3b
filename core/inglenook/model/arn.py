"""Names and ARNs of functions, in every form that the API takes.

A request names a function by `name`, `name:qualifier`, `function:name`, `account:function:name`,
`region:account:function:name` or a whole ARN, each with or without a qualifier, and may give the
qualifier again beside it. `parse` reads them all; on the invoke path it is called for every
request, so it uses no regular expression and returns at once for a plain name.
"""

from typing import NamedTuple

from inglenook import errors

# The service model's NamespacedFunctionName, as the error's text shows it.
_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?"
    r"(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_ACCOUNT_DIGITS = 12


class FunctionRef(NamedTuple):
    """A function, and which of its versions or aliases a caller asked for, if any.

    A tuple, because one is made for every invocation.
    """

    name: str
    qualifier: str | None


def parse(
    function_name: str, qualifier: str | None = None, *, region: str, account: str
) -> FunctionRef:
    """Read a request's `FunctionName` and `Qualifier` parameters.

    Raises ValidationError for what is no name at all, ResourceNotFoundError for another region,
    AccessDeniedError for another account, and InvalidParameterValueError if two qualifiers differ.
    """
    if ":" not in function_name:
        return FunctionRef(function_name, qualifier)
    name, derived = _split(function_name, region, account)
    if derived is not None and qualifier is not None and derived != qualifier:
        raise errors.InvalidParameterValueError(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return FunctionRef(name, qualifier if derived is None else derived)


def function_arn(name: str, qualifier: str | None = None, *, region: str, account: str) -> str:
    """Return a function's ARN, qualified if a qualifier is given."""
    whole = f"arn:{partition(region)}:lambda:{region}:{account}:function:{name}"
    return whole if qualifier is None else f"{whole}:{qualifier}"


def code_signing_config_arn(config_id: str, *, region: str, account: str) -> str:
    """Return the ARN of a code signing config."""
    return f"arn:{partition(region)}:lambda:{region}:{account}:code-signing-config:{config_id}"


def partition(region: str) -> str:
    """Return the part of AWS that a region belongs to, as ARNs begin with it."""
    if region.startswith("cn-"):
        return "aws-cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws"


def _split(value: str, region: str, account: str) -> tuple[str, str | None]:
    """Take the optional leading parts off, in their order, as the pattern's greedy groups do."""
    parts = value.split(":")
    at = 0
    if parts[0] == "arn":
        if len(parts) < 7 or not parts[1].startswith("aws") or parts[2] != "lambda":
            raise _not_a_name(value)
        at = 3
    last = len(parts) - 1
    their_region = their_account = None
    if at < last and _is_region(parts[at]):
        their_region, at = parts[at], at + 1
    if at < last and len(parts[at]) == _ACCOUNT_DIGITS and parts[at].isdigit():
        their_account, at = parts[at], at + 1
    if at < last and parts[at] == "function":
        at += 1
    if last - at > 1 or not all(parts[at:]):
        raise _not_a_name(value)
    _check_reachable(value, their_region, their_account, region, account)
    return parts[at], parts[at + 1] if at < last else None


def _check_reachable(
    value: str, their_region: str | None, their_account: str | None, region: str, account: str
) -> None:
    if their_region is not None and their_region != region:
        raise errors.ResourceNotFoundError(
            f"Functions from '{their_region}' are not reachable in this region ('{region}')"
        )
    if their_account is not None and their_account != account:
        raise errors.AccessDeniedError(
            f"The account {account} is not authorized to use the resource: {value}"
        )


def _is_region(part: str) -> bool:
    """Tell a region, such as `eu-central-1` or `us-gov-west-1`, from a function's name."""
    words = part.split("-")
    return (
        3 <= len(words) <= 5
        and len(words[-1]) == 1
        and words[-1].isdigit()
        and words[-2].isalpha()
        and words[-2].islower()
        and len(words[words[0] == "eusc"]) == 2
    )


def _not_a_name(value: str) -> errors.ValidationError:
    return errors.ValidationError(
        f"1 validation error detected: Value '{value}' at 'functionName' failed to satisfy "
        f"constraint: Member must satisfy regular expression pattern: {_PATTERN}"
    )
