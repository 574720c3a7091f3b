"""What else a function has one of: recursion, runtime management, its share of the account."""

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, package, refused, wait_published, wait_updated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/lambda-functions.html")

CODE = "def handler(event, context):\n    return 1\n"
INVALID = "InvalidParameterValueException"
NOT_FOUND = (404, "ResourceNotFoundException")


def runtime_version(client: "LambdaClient", name: str) -> str:
    shown = client.get_function_configuration(FunctionName=name)
    return shown["RuntimeVersionConfig"]["RuntimeVersionArn"]


@pytest.mark.aws("dg/invocation-recursion.html")
def test_recursion_is_stopped_unless_it_is_allowed(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    got = client.get_function_recursion_config(FunctionName=name)
    assert got["RecursiveLoop"] == "Terminate"


@pytest.mark.aws("api/API_PutFunctionRecursionConfig.html")
def test_recursion_is_allowed_and_stopped_again(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    for loop in ("Allow", "Terminate"):
        put = client.put_function_recursion_config(FunctionName=name, RecursiveLoop=loop)
        assert put["RecursiveLoop"] == loop
        assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == loop


@pytest.mark.parametrize(
    ("qualifier", "loop", "text"),
    [
        pytest.param("", "Maybe", "1 validation error detected: Value 'Maybe' at 'recursiveLoop' "
            "failed to satisfy constraint: Member must satisfy enum value set: [Allow, Terminate]",
            marks=pytest.mark.aws("model:RecursiveLoop"), id="enum"),
        pytest.param(":1", "Allow", "at 'functionName' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern",
            marks=pytest.mark.aws("model:UnqualifiedFunctionName"), id="version"),
    ],
)  # fmt: skip
def test_a_recursion_config_that_cannot_be_is_refused(
    client: "LambdaClient", name: str, qualifier: str, loop: Any, text: str
) -> None:
    create(client, name, CODE)
    status, code, message = refused(
        client.put_function_recursion_config, FunctionName=name + qualifier, RecursiveLoop=loop
    )
    assert (status, code) == (400, "ValidationException")
    assert text in message


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        pytest.param("get_function_recursion_config", {},
            marks=pytest.mark.aws("api/API_GetFunctionRecursionConfig.html")),
        pytest.param("put_function_recursion_config", {"RecursiveLoop": "Allow"},
            marks=pytest.mark.aws("api/API_PutFunctionRecursionConfig.html")),
        pytest.param("get_runtime_management_config", {},
            marks=pytest.mark.aws("api/API_GetRuntimeManagementConfig.html")),
        pytest.param("put_runtime_management_config", {"UpdateRuntimeOn": "Auto"},
            marks=pytest.mark.aws("api/API_PutRuntimeManagementConfig.html")),
    ],
)  # fmt: skip
def test_a_function_that_is_not_there_has_no_such_config(
    client: "LambdaClient", name: str, operation: str, members: dict[str, Any]
) -> None:
    status, code, message = refused(getattr(client, operation), FunctionName=name, **members)
    assert (status, code) == NOT_FOUND
    assert message.startswith("Function not found: ")


@pytest.mark.aws("api/API_GetRuntimeManagementConfig.html")
def test_runtimes_are_updated_automatically_at_first(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    got = client.get_runtime_management_config(FunctionName=name)
    assert got["UpdateRuntimeOn"] == "Auto"
    assert got["FunctionArn"].endswith(f":function:{name}")
    assert got.get("RuntimeVersionArn") is None


@pytest.mark.aws("api/API_PutRuntimeManagementConfig.html")
def test_runtimes_are_updated_when_the_function_is(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    put = client.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="FunctionUpdate")
    assert put["UpdateRuntimeOn"] == "FunctionUpdate"
    got = client.get_runtime_management_config(FunctionName=name, Qualifier="$LATEST")
    assert got["UpdateRuntimeOn"] == "FunctionUpdate"
    assert got.get("RuntimeVersionArn") is None


@pytest.mark.aws("dg/runtimes-update.html")
def test_a_runtime_version_is_kept_by_hand(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    arn = runtime_version(client, name)
    client.put_runtime_management_config(
        FunctionName=name, UpdateRuntimeOn="Manual", RuntimeVersionArn=arn
    )
    got = client.get_runtime_management_config(FunctionName=name)
    assert (got["UpdateRuntimeOn"], got["RuntimeVersionArn"]) == ("Manual", arn)
    assert runtime_version(client, name) == arn


@pytest.mark.aws("model:PutRuntimeManagementConfigRequest.RuntimeVersionArn")
def test_keeping_by_hand_needs_a_runtime_version(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    status, code, message = refused(
        client.put_runtime_management_config, FunctionName=name, UpdateRuntimeOn="Manual"
    )
    assert (status, code) == (400, INVALID)
    assert "RuntimeVersionArn" in message


@pytest.mark.aws("dg/runtimes-update.html")
def test_another_runtime_needs_another_way_of_updating(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    arn = runtime_version(client, name)
    client.put_runtime_management_config(
        FunctionName=name, UpdateRuntimeOn="Manual", RuntimeVersionArn=arn
    )
    status, code, message = refused(
        client.update_function_configuration, FunctionName=name, Runtime="provided.al2023"
    )
    assert (status, code) == (400, INVALID)
    assert message.startswith("Cannot change runtime identifier when runtime management")
    client.update_function_configuration(FunctionName=name, Timeout=9)
    wait_updated(client, name)
    client.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="Auto")
    client.update_function_configuration(FunctionName=name, Runtime="provided.al2023")


@pytest.mark.aws("api/API_PutRuntimeManagementConfig.html")
def test_every_version_has_a_way_of_its_own(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    wait_published(client, name, "1")
    client.put_runtime_management_config(
        FunctionName=name, Qualifier="1", UpdateRuntimeOn="FunctionUpdate"
    )
    version = client.get_runtime_management_config(FunctionName=name, Qualifier="1")
    assert version["UpdateRuntimeOn"] == "FunctionUpdate"
    assert version["FunctionArn"].endswith(f":function:{name}:1")
    latest = client.get_runtime_management_config(FunctionName=name)
    assert latest["UpdateRuntimeOn"] == "Auto"


@pytest.mark.parametrize("qualifier", ["7", "live"])
@pytest.mark.aws("model:GetRuntimeManagementConfigRequest.Qualifier")
def test_only_versions_have_a_way_of_updating(
    client: "LambdaClient", name: str, qualifier: str
) -> None:
    create(client, name, CODE)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    status, code, _ = refused(
        client.get_runtime_management_config, FunctionName=name, Qualifier=qualifier
    )
    assert (status, code) == NOT_FOUND


@pytest.mark.aws("model:UpdateRuntimeOn")
def test_there_is_no_other_way_of_updating(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    status, code, message = refused(
        client.put_runtime_management_config, FunctionName=name, UpdateRuntimeOn="Never"
    )
    assert (status, code) == (400, "ValidationException")
    assert "Member must satisfy enum value set: [Auto, Manual, FunctionUpdate]" in message


@pytest.mark.aws("api/API_AccountLimit.html")
def test_what_is_reserved_is_not_left_for_others(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=7)
    limit = client.get_account_settings()["AccountLimit"]
    assert limit["UnreservedConcurrentExecutions"] <= limit["ConcurrentExecutions"] - 7


@pytest.mark.ours("alone in its account")
def test_just_what_is_reserved_is_not_left_for_others(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    before = client.get_account_settings()["AccountLimit"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=7)
    after = client.get_account_settings()["AccountLimit"]
    unreserved = "UnreservedConcurrentExecutions"
    assert after | {unreserved: after[unreserved] + 7} == before


@pytest.mark.ours("alone in its account")
@pytest.mark.aws("api/API_AccountUsage.html")
def test_every_version_takes_storage_and_no_function(client: "LambdaClient", name: str) -> None:
    code = package(CODE + f"# {uuid.uuid4()}\n")
    create(client, name, code)
    before = client.get_account_settings()["AccountUsage"]
    client.publish_version(FunctionName=name)
    after = client.get_account_settings()["AccountUsage"]
    assert after["TotalCodeSize"] == before["TotalCodeSize"] + len(code)
    assert after["FunctionCount"] == before["FunctionCount"]
