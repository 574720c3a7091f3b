"""The life of a function: api/API_CreateFunction.html and siblings, dg/functions-states.html."""

import base64
import hashlib
import json
import urllib.request
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import platform_process
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


def test_waiters_of_aws_end(client: "LambdaClient", name: str) -> None:
    client.create_function(
        FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler",
        Code={"ZipFile": package(V1)},
    )  # fmt: skip
    for waiter in ("function_exists", "function_active", "function_active_v2"):
        client.get_waiter(waiter).wait(FunctionName=name)
    client.update_function_code(FunctionName=name, ZipFile=package(V2))
    for waiter in ("function_updated", "function_updated_v2"):
        client.get_waiter(waiter).wait(FunctionName=name)
    version = client.publish_version(FunctionName=name)["Version"]
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=version)
    assert invoke(client, name) == 2


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


def test_a_stale_revision_is_refused(client: "LambdaClient", name: str) -> None:
    create(client, name, V1)
    stale = client.get_function_configuration(FunctionName=name)["RevisionId"]
    client.update_function_configuration(FunctionName=name, Timeout=4)
    wait_updated(client, name)
    status, code, message = refused(
        client.update_function_configuration, FunctionName=name, Timeout=5, RevisionId=stale
    )
    assert (status, code) == (412, "PreconditionFailedException")
    assert message.startswith("The Revision Id provided does not match the latest Revision Id.")


def test_a_name_is_taken_once(client: "LambdaClient", name: str) -> None:
    create(client, name, V1)
    members = {
        "FunctionName": name, "Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler",
        "Code": {"ZipFile": package(V1)},
    }  # fmt: skip
    status, code, message = refused(client.create_function, **members)
    assert (status, code) == (409, "ResourceConflictException")
    assert message == f"Function already exist: {name}"


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
        ({"MemorySize": 127}, (400, "ValidationException",
            ("1 validation error detected: Value '127' at 'memorySize' failed to satisfy "
            "constraint: Member must have value greater than or equal to 128"))),
        ({"Timeout": 0}, (400, "ValidationException",
            ("1 validation error detected: Value '0' at 'timeout' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1"))),
        ({"Code": {"ZipFile": b"not a zip"}}, (400, "InvalidParameterValueException",
            "Could not unzip uploaded file. Please check your file, then try to upload again.")),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}},
            (400, "InvalidParameterValueException", None)),
        ({"Environment": {"Variables": {"KEY": "x" * 4096}}},
            (400, "InvalidParameterValueException", None)),
        ({"Handler": "with spaces"}, (400, "ValidationException", None)),
        ({"FunctionName": "x" * 65}, (400, "InvalidParameterValueException", None)),
        ({"FunctionName": "no spaces"}, (400, "ValidationException", None)),
        ({"EphemeralStorage": {"Size": 10241}}, (400, "ValidationException", None)),
        ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]},
            (400, "InvalidParameterValueException", None)),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_new_function_is_said(
    platform: platform_process.Platform,
    members: dict[str, Any],
    expected: tuple[int, str, str | None],
) -> None:
    # Without this boto3 refuses some of these itself.
    client = platform.client(parameter_validation=False)
    request = {
        "FunctionName": "never-made", "Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler",
        "Code": {"ZipFile": package(V1)},
    } | members  # fmt: skip
    status, code, message = refused(client.create_function, **request)
    assert (status, code) == expected[:2], message
    if expected[2] is not None:
        assert message == expected[2]
    assert refused(client.get_function, FunctionName="never-made")[0] == 404


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


def test_functions_are_listed_in_pages(client: "LambdaClient") -> None:
    names = [f"listed-{n:02d}" for n in range(7)]
    for each in names:
        create(client, each, V1)
    try:
        pages = list(
            client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3})
        )
        listed = [one["FunctionName"] for page in pages for one in page["Functions"]]
        assert [each for each in listed if each.startswith("listed-")] == names
        assert all(len(page["Functions"]) <= 3 for page in pages)
        assert "State" not in pages[0]["Functions"][0]
        client.publish_version(FunctionName=names[0])
        everything = client.get_paginator("list_functions").paginate(FunctionVersion="ALL")
        versions = [
            one["Version"]
            for page in everything for one in page["Functions"] if one["FunctionName"] == names[0]
        ]  # fmt: skip
        assert sorted(versions) == ["$LATEST", "1"]
    finally:
        for each in names:
            client.delete_function(FunctionName=each)


def test_account_settings_show_real_usage(client: "LambdaClient", name: str) -> None:
    before = client.get_account_settings()
    code = package(V1)
    create(client, name, code)
    after = client.get_account_settings()
    assert after["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert after["AccountLimit"]["CodeSizeZipped"] == 52_428_800
    assert after["AccountLimit"]["CodeSizeUnzipped"] == 262_144_000
    usage = "AccountUsage"
    assert after[usage]["FunctionCount"] == before[usage]["FunctionCount"] + 1
    assert after[usage]["TotalCodeSize"] == before[usage]["TotalCodeSize"] + len(code)


@pytest.mark.ours("what is not built")
def test_operations_that_are_not_built_say_so(client: "LambdaClient", name: str) -> None:
    create(client, name, V1)
    status, code, message = refused(client.list_event_source_mappings, FunctionName=name)
    assert (status, code) == (501, "ServiceException")
    assert "ListEventSourceMappings is not built yet" in message


def test_paths_that_are_not_of_the_api_are_refused(platform: platform_process.Platform) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{platform.endpoint}/nowhere")
    assert caught.value.code == 403
    caught.value.close()
