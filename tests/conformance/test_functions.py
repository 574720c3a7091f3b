"""The life of a function: api/API_CreateFunction.html and siblings, dg/functions-states.html."""

import base64
import hashlib
import json
import urllib.request
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest
from platform_process import (
    ACCOUNT,
    REGION,
    ROLE,
    RUNTIME,
    create,
    package,
    refused,
    wait_active,
    wait_updated,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_CreateFunction.html")

V1 = "def handler(event, context):\n    return 1\n"
V2 = "def handler(event, context):\n    return 2\n"


def invoke(client: "LambdaClient", name: str, **members: Any) -> object:
    return json.loads(client.invoke(FunctionName=name, **members)["Payload"].read())


def test_create_answers_pending_and_becomes_active(client: "LambdaClient", name: str) -> None:
    code = package(V1)
    created = client.create_function(
        FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler",
        Code={"ZipFile": code}, Description="one", Timeout=9, MemorySize=256,
        Environment={"Variables": {"KEY": "b"}}, Tags={"team": "hearth"},
    )  # fmt: skip
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert created["State"] == "Pending"
    assert created["StateReasonCode"] == "Creating"
    assert "LastUpdateStatus" not in created
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    expected = {
        "FunctionName": name, "FunctionArn": arn, "Runtime": RUNTIME, "Role": ROLE,
        "Handler": "app.handler", "CodeSize": len(code), "CodeSha256": digest,
        "Description": "one", "Timeout": 9, "MemorySize": 256, "Version": "$LATEST",
        "Environment": {"Variables": {"KEY": "b"}}, "PackageType": "Zip",
        "Architectures": ["x86_64"], "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
    }  # fmt: skip
    assert {key: created.get(key) for key in expected} == expected
    wait_active(client, name)
    got = client.get_function(FunctionName=name)
    assert got["Tags"] == {"team": "hearth"}
    configuration = got["Configuration"]
    assert configuration["State"] == "Active"
    assert configuration["LastUpdateStatus"] == "Successful"
    assert configuration["RevisionId"] != created["RevisionId"]
    assert {key: configuration.get(key) for key in expected} == expected
    assert got["Code"]["RepositoryType"] == "S3"
    with urllib.request.urlopen(got["Code"]["Location"]) as response:
        assert response.read() == code


@pytest.mark.aws("api/API_UpdateFunctionCode.html")
def test_code_and_configuration_change_what_runs(client: "LambdaClient", name: str) -> None:
    create(client, name, V1)
    assert invoke(client, name) == 1
    before = client.get_function_configuration(FunctionName=name)
    updated = client.update_function_code(FunctionName=name, ZipFile=package(V2))
    assert updated["State"] == "Active"
    assert updated["LastUpdateStatus"] == "InProgress"
    assert updated["LastUpdateStatusReasonCode"] == "Creating"
    assert updated["RevisionId"] != before["RevisionId"]
    wait_updated(client, name)
    assert invoke(client, name) == 2
    client.update_function_code(
        FunctionName=name,
        ZipFile=package("import os\ndef handler(event, context):\n    return os.environ['KEY']\n"),
    )
    wait_updated(client, name)
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"KEY": "new"}}, Timeout=5, MemorySize=512
    )
    wait_updated(client, name)
    assert invoke(client, name) == "new"
    after = client.get_function_configuration(FunctionName=name)
    assert (after["Timeout"], after["MemorySize"]) == (5, 512)


@pytest.mark.aws("model:ResourceConflictException")
def test_a_name_is_taken_once(client: "LambdaClient", name: str) -> None:
    create(client, name, V1)
    members = {
        "FunctionName": name, "Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler",
        "Code": {"ZipFile": package(V1)},
    }  # fmt: skip
    status, code, message = refused(client.create_function, **members)
    assert (status, code) == (409, "ResourceConflictException")
    assert message == f"Function already exist: {name}"


@pytest.mark.aws("api/API_DeleteFunction.html")
def test_a_deleted_function_is_gone_and_its_name_free(client: "LambdaClient", name: str) -> None:
    create(client, name, V1)
    assert invoke(client, name) == 1
    deleted = client.delete_function(FunctionName=name)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    for call in (client.get_function, client.invoke, client.delete_function):
        assert refused(call, FunctionName=name)[:2] == (404, "ResourceNotFoundException")
    create(client, name, V2)
    assert invoke(client, name) == 2


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({"MemorySize": 127}, (400, "ValidationException",
            ("1 validation error detected: Value '127' at 'memorySize' failed to satisfy "
            "constraint: Member must have value greater than or equal to 128")),
            marks=pytest.mark.aws("model:MemorySize"), id="memory"),
        pytest.param({"Environment": {"Variables": {"AWS_REGION": "x"}}},
            (400, "InvalidParameterValueException", "AWS_REGION"),
            marks=pytest.mark.aws("dg/configuration-envvars.html"), id="reserved-variable"),
        pytest.param({"Environment": {"Variables": {"KEY": "x" * 4096}}},
            (400, "InvalidParameterValueException", "exceeded the 4KB limit. String measured: {"),
            marks=pytest.mark.aws("dg/configuration-envvars.html"), id="large-environment"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_new_function_is_said(
    unchecked: "LambdaClient",
    name: str,
    members: dict[str, Any],
    expected: tuple[int, str, str],
) -> None:
    request = {
        "FunctionName": name, "Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler",
        "Code": {"ZipFile": package(V1)},
    } | members  # fmt: skip
    status, code, message = refused(unchecked.create_function, **request)
    assert (status, code) == expected[:2], message
    assert expected[2] in message
    assert refused(unchecked.get_function, FunctionName=name)[0] == 404


@pytest.mark.ours("AWS has every runtime")
def test_a_runtime_that_is_not_here_fails_the_function_and_says_why(
    client: "LambdaClient", name: str
) -> None:
    client.create_function(
        FunctionName=name, Runtime="java21", Role=ROLE, Handler="a.B::c",
        Code={"ZipFile": package(V1)},
    )  # fmt: skip
    with pytest.raises(botocore.exceptions.WaiterError):
        wait_active(client, name)
    configuration = client.get_function_configuration(FunctionName=name)
    assert configuration["State"] == "Failed"
    assert configuration["StateReasonCode"] == "InvalidRuntime"
    assert "java21" in configuration["StateReason"]
    status, code, message = refused(client.invoke, FunctionName=name)
    assert (status, code) == (502, "InvalidRuntimeException")
    assert "java21" in message


@pytest.mark.aws("api/API_GetAccountSettings.html")
def test_account_settings_count_what_there_is(client: "LambdaClient", name: str) -> None:
    code = package(V1)
    create(client, name, code)
    shown = client.get_account_settings()
    assert shown["AccountLimit"]["CodeSizeZipped"] == 52_428_800
    assert shown["AccountLimit"]["CodeSizeUnzipped"] == 262_144_000
    assert shown["AccountUsage"]["FunctionCount"] >= 1
    assert len(code) <= shown["AccountUsage"]["TotalCodeSize"] <= 80_530_636_800


@pytest.mark.ours("alone in its account, which has the default quotas")
def test_account_settings_show_real_usage(client: "LambdaClient", name: str) -> None:
    before = client.get_account_settings()
    code = package(V1)
    create(client, name, code)
    after = client.get_account_settings()
    assert after["AccountLimit"]["ConcurrentExecutions"] == 1000
    usage = "AccountUsage"
    assert after[usage]["FunctionCount"] == before[usage]["FunctionCount"] + 1
    assert after[usage]["TotalCodeSize"] == before[usage]["TotalCodeSize"] + len(code)


@pytest.mark.ours("what is not built")
def test_operations_that_are_not_built_say_so(client: "LambdaClient", name: str) -> None:
    create(client, name, V1)
    status, code, message = refused(
        client.get_function_scaling_config, FunctionName=name, Qualifier="1"
    )
    assert (status, code) == (501, "ServiceException")
    assert "GetFunctionScalingConfig is not built yet" in message


@pytest.mark.aws("api/API_Operations.html")
def test_paths_that_are_not_of_the_api_are_refused(client: "LambdaClient") -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{client.meta.endpoint_url}/nowhere")
    assert caught.value.code == 403
    caught.value.close()
