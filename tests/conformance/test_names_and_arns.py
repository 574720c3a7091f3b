"""How a function may be named in a request: api/API_GetFunction.html, "Name formats"."""

from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from platform_process import create, package, refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_GetFunction.html")

CODE = "def handler(event, context):\n    return 1\n"
INVALID = (400, "InvalidParameterValueException")
NOT_FOUND = (404, "ResourceNotFoundException")


def arn_of(client: "LambdaClient", name: str) -> str:
    return client.get_function_configuration(FunctionName=name)["FunctionArn"]


def parts(arn: str) -> tuple[str, str]:
    """Return the region and the account of an ARN."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return region, account


@pytest.mark.parametrize(
    "form",
    [
        "{arn}", "{account}:function:{name}", "function:{name}", "{name}",
        pytest.param("{region}:{account}:function:{name}",
            marks=pytest.mark.aws("model:NamespacedFunctionName")),
    ],
)  # fmt: skip
def test_a_function_is_found_by_every_form_of_its_name(
    client: "LambdaClient", name: str, form: str
) -> None:
    create(client, name, CODE)
    arn = arn_of(client, name)
    region, account = parts(arn)
    given = form.format(arn=arn, region=region, account=account, name=name)
    got = client.get_function_configuration(FunctionName=given)
    assert (got["FunctionName"], got["FunctionArn"]) == (name, arn)


@pytest.mark.parametrize("qualifier", ["$LATEST", "1", "live"])
@pytest.mark.parametrize("form", ["{arn}:{qualifier}", "{name}:{qualifier}"])
@pytest.mark.aws("dg/configuration-versions.html")
def test_a_qualifier_in_the_name_is_shown_in_the_arn(
    client: "LambdaClient", name: str, form: str, qualifier: str
) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    arn = arn_of(client, name)
    given = form.format(arn=arn, name=name, qualifier=qualifier)
    got = client.get_function_configuration(FunctionName=given)
    assert got["FunctionArn"] == f"{arn}:{qualifier}"
    assert got["Version"] == ("$LATEST" if qualifier == "$LATEST" else "1")


def test_two_qualifiers_may_be_the_same(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    got = client.get_function_configuration(FunctionName=f"{name}:1", Qualifier="1")
    assert got["Version"] == "1"


@pytest.mark.parametrize("operation", ["get_function", "invoke", "delete_function"])
def test_two_qualifiers_may_not_differ(client: "LambdaClient", name: str, operation: str) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    status, code, message = refused(
        getattr(client, operation), FunctionName=f"{name}:1", Qualifier="$LATEST"
    )
    assert (status, code) == INVALID
    assert message == (
        "The derived qualifier from the function name does not match the specified qualifier."
    )


@pytest.mark.parametrize(
    "operation", ["get_function", "get_function_configuration", "invoke", "list_aliases"]
)
def test_functions_of_another_region_are_not_reachable(
    client: "LambdaClient", name: str, operation: str
) -> None:
    create(client, name, CODE)
    arn = arn_of(client, name)
    region, _ = parts(arn)
    there = "eu-west-3" if region != "eu-west-3" else "eu-west-1"
    status, code, message = refused(
        getattr(client, operation), FunctionName=arn.replace(region, there, 1)
    )
    assert (status, code) == NOT_FOUND
    assert message == f"Functions from '{there}' are not reachable in this region ('{region}')"


@pytest.mark.parametrize("operation", ["get_function", "invoke", "delete_function"])
def test_functions_of_another_account_are_denied(
    client: "LambdaClient", name: str, operation: str
) -> None:
    create(client, name, CODE)
    arn = arn_of(client, name)
    _, account = parts(arn)
    given = arn.replace(account, "123456789012", 1)
    status, code, _ = refused(getattr(client, operation), FunctionName=given)
    assert (status, code) == (403, "AccessDeniedException")


@pytest.mark.parametrize(
    ("operation", "suffix"),
    [
        ("get_function", ""), ("get_function_configuration", ""), ("delete_function", ""),
        ("list_versions_by_function", ""), ("list_aliases", ""), ("publish_version", ""),
        ("get_function_concurrency", ""),
        pytest.param("invoke", ":$LATEST", marks=pytest.mark.aws("api/API_Invoke.html")),
    ],
)  # fmt: skip
def test_a_function_that_is_not_there_is_named_in_the_error(
    client: "LambdaClient", name: str, operation: str, suffix: str
) -> None:
    status, code, message = refused(getattr(client, operation), FunctionName=name)
    assert (status, code) == NOT_FOUND
    assert message.startswith("Function not found: arn:")
    assert message.endswith(f":function:{name}{suffix}")


@pytest.mark.parametrize("qualifier", ["7", "none"])
@pytest.mark.parametrize("operation", ["get_function", "invoke"])
def test_a_qualifier_that_is_not_there_is_named_in_the_error(
    client: "LambdaClient", name: str, operation: str, qualifier: str
) -> None:
    create(client, name, CODE)
    status, code, message = refused(
        getattr(client, operation), FunctionName=name, Qualifier=qualifier
    )
    assert (status, code) == NOT_FOUND
    assert message == f"Function not found: {arn_of(client, name)}:{qualifier}"


@pytest.mark.parametrize(
    ("given", "member", "text"),
    [
        pytest.param({"FunctionName": "a b"}, "functionName", "regular expression pattern",
            marks=pytest.mark.aws("model:NamespacedFunctionName"), id="space"),
        pytest.param({"FunctionName": "x" * 257}, "functionName", "less than or equal to 256",
            marks=pytest.mark.aws("model:NamespacedFunctionName"), id="long"),
        pytest.param({"Qualifier": "q" * 129}, "qualifier", "less than or equal to 128",
            marks=pytest.mark.aws("model:Qualifier"), id="long-qualifier"),
        pytest.param({"Qualifier": "a.b"}, "qualifier", "regular expression pattern",
            marks=pytest.mark.aws("model:Qualifier"), id="dot-in-qualifier"),
    ],
)  # fmt: skip
def test_what_can_be_no_name_is_refused(
    client: "LambdaClient", given: dict[str, str], member: str, text: str
) -> None:
    request = {"FunctionName": "some"} | given
    status, code, message = refused(client.get_function, **request)
    assert (status, code) == (400, "ValidationException")
    assert f"at '{member}' failed to satisfy constraint" in message
    assert text in message


@pytest.mark.parametrize("given", ["x" * 65, "with.dot"])
def test_a_name_that_no_function_can_have_is_just_not_found(
    client: "LambdaClient", given: str
) -> None:
    assert refused(client.get_function, FunctionName=given)[:2] == NOT_FOUND


@pytest.mark.parametrize(
    ("given", "expected", "text"),
    [
        pytest.param("x" * 65, INVALID, f"1 validation error detected: Value '{'x' * 65}' at "
            "'functionName' failed to satisfy constraint: Member must have length less than or "
            "equal to 64", id="long"),
        pytest.param("x" * 141, (400, "ValidationException"), "less than or equal to 140",
            marks=pytest.mark.aws("model:FunctionName"), id="longer"),
        pytest.param("with.dot", (400, "ValidationException"), "regular expression pattern",
            marks=pytest.mark.aws("model:FunctionName"), id="dot"),
    ],
)  # fmt: skip
@pytest.mark.aws("api/API_CreateFunction.html")
def test_a_function_cannot_be_created_with_any_name(
    client: "LambdaClient", given: str, expected: tuple[int, str], text: str
) -> None:
    status, code, message = refused(
        client.create_function, FunctionName=given, Role=platform_process.ROLE,
        Runtime=platform_process.RUNTIME, Handler="app.handler", Code={"ZipFile": package(CODE)},
    )  # fmt: skip
    assert (status, code) == expected
    assert text in message


@pytest.mark.aws("model:CreateFunctionRequest.FunctionName")
def test_a_function_is_created_by_its_arn(client: "LambdaClient", name: str) -> None:
    account, region = platform_process.ACCOUNT, platform_process.REGION
    partition = platform_process.ROLE.split(":")[1]
    arn = f"arn:{partition}:lambda:{region}:{account}:function:{name}"
    created: Any = client.create_function(
        FunctionName=arn, Role=platform_process.ROLE, Handler="app.handler",
        Runtime=platform_process.RUNTIME, Code={"ZipFile": package(CODE)},
    )  # type: ignore[arg-type] # fmt: skip
    assert (created["FunctionName"], created["FunctionArn"]) == (name, arn)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        pytest.param("update_function_code", {"ZipFile": package(CODE)},
            marks=pytest.mark.aws("api/API_UpdateFunctionCode.html")),
        pytest.param("update_function_configuration", {"Timeout": 5},
            marks=pytest.mark.aws("api/API_UpdateFunctionConfiguration.html")),
        pytest.param("put_function_concurrency", {"ReservedConcurrentExecutions": 1},
            marks=pytest.mark.aws("api/API_PutFunctionConcurrency.html")),
    ],
)  # fmt: skip
def test_a_published_version_is_not_changed(
    client: "LambdaClient", name: str, operation: str, members: dict[str, Any]
) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    before = client.get_function_configuration(FunctionName=name, Qualifier="1")
    status, code, _ = refused(getattr(client, operation), FunctionName=f"{name}:1", **members)
    assert (status, code) == INVALID
    after = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert (after["CodeSha256"], after["Timeout"]) == (before["CodeSha256"], before["Timeout"])


@pytest.mark.parametrize(
    ("qualifier", "text"),
    [
        ("$LATEST", "$LATEST version cannot be deleted without deleting the function."),
        ("live", "Deletion of aliases is not currently supported."),
    ],
)
@pytest.mark.aws("api/API_DeleteFunction.html")
def test_only_numbered_versions_are_deleted_alone(
    client: "LambdaClient", name: str, qualifier: str, text: str
) -> None:
    create(client, name, CODE)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    status, code, message = refused(client.delete_function, FunctionName=name, Qualifier=qualifier)
    assert (status, code, message) == (*INVALID, text)
