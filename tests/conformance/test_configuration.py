"""The members of a function's configuration: api/API_FunctionConfiguration.html.

What is given is kept and shown, what is given empty is cleared, what was never given is not shown.
"""

import json
from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from platform_process import create, package, refused, wait_active, wait_updated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_FunctionConfiguration.html")

CODE = "def handler(event, context):\n    return 1\n"
HERE = f"{platform_process.REGION}:{platform_process.ACCOUNT}"
KEY = f"arn:aws:kms:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
QUEUE = f"arn:aws:sqs:{HERE}:dead-letters"
TOPIC = f"arn:aws:sns:{HERE}:dead-letters"
ACCESS_POINT = f"arn:aws:elasticfilesystem:{HERE}:access-point/fsap-0123456789abcdef0"
VPC = {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
SHOWN_VPC = VPC | {"VpcId": "", "Ipv6AllowedForDualStack": False}
NO_VPC = {
    "SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False,
}  # fmt: skip
MOUNT = [{"Arn": ACCESS_POINT, "LocalMountPath": "/mnt/shared"}]
elsewhere = pytest.mark.ours("it names resources that nobody has at AWS")


def case(source: str, member: str, given: Any, shown: Any = None, **beside: Any) -> Any:
    """Return a case of a member with a value, how it is shown, and what must be given with it."""
    expected = given if shown is None else shown
    ours = [elsewhere] if HERE in str(given) or "sg-1" in str(given) else []
    marks = [pytest.mark.aws(source), *ours]
    name = f"{member}-{str(given).replace(HERE, '')[:24]}"
    return pytest.param({member: given} | beside, {member: expected}, marks=marks, id=name)


CASES = [
    case("api/API_VpcConfig.html", "VpcConfig", VPC, SHOWN_VPC),
    case(
        "model:VpcConfig.Ipv6AllowedForDualStack", "VpcConfig",
        VPC | {"Ipv6AllowedForDualStack": True}, SHOWN_VPC | {"Ipv6AllowedForDualStack": True},
    ),
    case("api/API_DeadLetterConfig.html", "DeadLetterConfig", {"TargetArn": QUEUE}),
    case("dg/invocation-async-retain-records.html", "DeadLetterConfig", {"TargetArn": TOPIC}),
    case("dg/configuration-envvars-encryption.html", "KMSKeyArn", KEY),
    case("api/API_FileSystemConfig.html", "FileSystemConfigs", MOUNT, VpcConfig=VPC),
    case(
        "api/API_SnapStart.html", "SnapStart", {"ApplyOn": "PublishedVersions"},
        {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}, Runtime="python3.13",
    ),
    case("api/API_TracingConfig.html", "TracingConfig", {"Mode": "Active"}),
    case("api/API_EphemeralStorage.html", "EphemeralStorage", {"Size": 10240}),
    case(
        "api/API_LoggingConfig.html", "LoggingConfig",
        {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "LogGroup": "/mine"},
        {
            "LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "SystemLogLevel": "INFO",
            "LogGroup": "/mine",
        },
    ),
    case("model:Environment.Variables", "Environment", {"Variables": {}}),
    case("model:MemorySize", "MemorySize", 10240),
    case("model:Timeout", "Timeout", 900),
    case("model:Description", "Description", "ein Kamin"),
]  # fmt: skip


def members_of(shown: Any, expected: dict[str, Any]) -> dict[str, Any]:
    return {member: shown.get(member) for member in expected}


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_what_a_function_is_created_with_is_shown(
    client: "LambdaClient", name: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    members = {
        "FunctionName": name, "Runtime": platform_process.RUNTIME, "Role": platform_process.ROLE,
        "Handler": "app.handler", "Code": {"ZipFile": package(CODE)},
    }  # fmt: skip
    created = client.create_function(**(members | given))
    assert members_of(created, expected) == expected
    got = client.get_function_configuration(FunctionName=name)
    assert members_of(got, expected) == expected


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_an_update_sets_what_it_gives_and_nothing_else(
    client: "LambdaClient", name: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    create(client, name, CODE, Timeout=7, Environment={"Variables": {"KEPT": "yes"}})
    before = client.get_function_configuration(FunctionName=name)
    updated = client.update_function_configuration(FunctionName=name, **given)
    assert members_of(updated, expected) == expected
    moving = {"ResponseMetadata", "RevisionId", "LastModified", "RuntimeVersionConfig"}
    kept = {
        member: value
        for member, value in before.items()
        if member not in given and member not in moving and "LastUpdate" not in member
    }
    assert members_of(updated, kept) == kept


@pytest.mark.parametrize(
    ("given", "empty", "left"),
    [
        pytest.param({"VpcConfig": VPC}, {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}},
            {"VpcConfig": NO_VPC},
            marks=[pytest.mark.aws("dg/configuration-vpc.html"), elsewhere], id="vpc"),
        pytest.param({"DeadLetterConfig": {"TargetArn": QUEUE}},
            {"DeadLetterConfig": {"TargetArn": ""}}, {"DeadLetterConfig": None},
            marks=[pytest.mark.aws("dg/invocation-async-retain-records.html"), elsewhere],
            id="dead-letters"),
        pytest.param({"KMSKeyArn": KEY}, {"KMSKeyArn": ""}, {"KMSKeyArn": None},
            marks=[pytest.mark.aws("model:KMSKeyArn"), elsewhere], id="key"),
        pytest.param({"VpcConfig": VPC, "FileSystemConfigs": MOUNT}, {"FileSystemConfigs": []},
            {"FileSystemConfigs": None, "VpcConfig": SHOWN_VPC},
            marks=[pytest.mark.aws("dg/configuration-filesystem.html"), elsewhere],
            id="file-systems"),
        pytest.param({"Environment": {"Variables": {"KEY": "b"}}}, {"Environment": {}},
            {"Environment": {"Variables": {}}},
            marks=pytest.mark.aws("dg/configuration-envvars.html"), id="environment"),
        pytest.param({"Description": "something"}, {"Description": ""}, {"Description": ""},
            marks=pytest.mark.aws("model:Description"), id="description"),
    ],
)  # fmt: skip
def test_what_is_given_empty_is_cleared(
    client: "LambdaClient", name: str,
    given: dict[str, Any], empty: dict[str, Any], left: dict[str, Any],
) -> None:  # fmt: skip
    create(client, name, CODE, **given)
    updated = client.update_function_configuration(FunctionName=name, **empty)
    assert members_of(updated, left) == left


@pytest.mark.parametrize(
    "member",
    ["VpcConfig", "DeadLetterConfig", "KMSKeyArn", "FileSystemConfigs", "Environment", "Layers"],
)
def test_what_was_never_given_is_not_shown(client: "LambdaClient", name: str, member: str) -> None:
    create(client, name, CODE)
    assert member not in client.get_function_configuration(FunctionName=name)


@elsewhere
def test_a_version_keeps_what_was_configured_when_it_was_published(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, CODE, KMSKeyArn=KEY, DeadLetterConfig={"TargetArn": QUEUE})
    client.publish_version(FunctionName=name)
    client.update_function_configuration(
        FunctionName=name, KMSKeyArn="", DeadLetterConfig={"TargetArn": TOPIC}
    )
    version = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert (version["KMSKeyArn"], version["DeadLetterConfig"]["TargetArn"]) == (KEY, QUEUE)


@pytest.mark.aws("api/API_ListFunctions.html")
def test_a_listing_shows_the_configuration_too(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE, EphemeralStorage={"Size": 1024}, Description="listed")
    (item,) = [
        one
        for page in client.get_paginator("list_functions").paginate()
        for one in page["Functions"]
        if one["FunctionName"] == name
    ]
    assert (item["EphemeralStorage"], item["Description"]) == ({"Size": 1024}, "listed")
    assert item["TracingConfig"] == {"Mode": "PassThrough"}


@elsewhere
@pytest.mark.aws("model:FunctionCodeLocation.SourceKMSKeyArn")
def test_the_key_of_a_package_belongs_to_that_package(client: "LambdaClient", name: str) -> None:
    create(client, name, b"", Code={"ZipFile": package(CODE), "SourceKMSKeyArn": KEY})
    assert client.get_function(FunctionName=name)["Code"]["SourceKMSKeyArn"] == KEY
    client.update_function_code(FunctionName=name, ZipFile=package(CODE + "\n"))
    wait_updated(client, name)
    assert "SourceKMSKeyArn" not in client.get_function(FunctionName=name)["Code"]


@pytest.mark.aws("dg/configuration-versions.html")
def test_a_change_of_the_configuration_alone_can_be_published(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, CODE)
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    client.update_function_configuration(FunctionName=name, Timeout=9)
    wait_updated(client, name)
    assert client.publish_version(FunctionName=name)["Version"] == "2"


INVALID = "InvalidParameterValueException"


@pytest.mark.parametrize(
    ("members", "code", "text"),
    [
        pytest.param({"FileSystemConfigs": MOUNT}, INVALID,
            "Function must be configured to execute in a VPC to reference access point "
            f"{ACCESS_POINT}.",
            marks=pytest.mark.aws("dg/configuration-filesystem.html"), id="no-vpc"),
        pytest.param({"DeadLetterConfig": {"TargetArn": KEY}}, INVALID, KEY,
            marks=pytest.mark.aws("api/API_DeadLetterConfig.html"), id="dead-letter-service"),
        pytest.param({"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": "nodejs22.x"},
            INVALID, "nodejs22.x is not supported for SnapStart enabled functions.",
            marks=pytest.mark.aws("dg/snapstart.html"), id="snap-start-runtime"),
        pytest.param({"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": "java21",
            "EphemeralStorage": {"Size": 513}}, INVALID, "EphemeralStorage greater than 512 MB",
            marks=pytest.mark.aws("dg/snapstart.html"), id="snap-start-storage"),
        pytest.param({"SnapStart": {"ApplyOn": "Always"}}, "ValidationException",
            "1 validation error detected: Value 'Always' at 'snapStart.applyOn' failed to satisfy "
            "constraint: Member must satisfy enum value set: [PublishedVersions, None]",
            marks=pytest.mark.aws("model:SnapStart.ApplyOn"), id="snap-start-when"),
        pytest.param({"VpcConfig": {"SubnetIds": [f"subnet-{n}" for n in range(17)],
            "SecurityGroupIds": ["sg-1"]}}, "ValidationException", "at 'vpcConfig.subnetIds'",
            marks=pytest.mark.aws("model:VpcConfig.SubnetIds"), id="subnets"),
        pytest.param({"VpcConfig": {"SubnetIds": ["net"], "SecurityGroupIds": []}},
            "ValidationException", "[net]", marks=pytest.mark.aws("model:SubnetId"), id="subnet"),
        pytest.param({"FileSystemConfigs": [{"Arn": ACCESS_POINT, "LocalMountPath": "/tmp/x"}]},
            "ValidationException", "'/tmp/x'",
            marks=pytest.mark.aws("model:LocalMountPath"), id="mount-path"),
        pytest.param({"KMSKeyArn": "alias/mine"}, "ValidationException", "at 'kMSKeyArn'",
            marks=pytest.mark.aws("model:KMSKeyArn"), id="key"),
        pytest.param({"TracingConfig": {"Mode": "Always"}}, "ValidationException",
            "enum value set: [Active, PassThrough]",
            marks=pytest.mark.aws("model:TracingMode"), id="tracing"),
        pytest.param({"Description": "x" * 257}, "ValidationException",
            "Member must have length less than or equal to 256",
            marks=pytest.mark.aws("model:Description"), id="description"),
        pytest.param({"Timeout": 901}, "ValidationException",
            "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less "
            "than or equal to 900", marks=pytest.mark.aws("dg/configuration-timeout.html"),
            id="timeout"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_is_refused_and_changes_nothing(
    client: "LambdaClient", name: str, members: dict[str, Any], code: str, text: str
) -> None:
    create(client, name, CODE)
    before = client.get_function_configuration(FunctionName=name)
    status, error, message = refused(
        client.update_function_configuration, FunctionName=name, **members
    )
    assert (status, error) == (400, code), message
    assert text in message
    after = client.get_function_configuration(FunctionName=name)
    assert after["RevisionId"] == before["RevisionId"]


IMAGE = (
    f"{platform_process.ACCOUNT}.dkr.ecr.{platform_process.REGION}.amazonaws.com/repository:latest"
)


@pytest.mark.aws("api/API_UpdateFunctionCode.html")
def test_a_function_of_zips_takes_no_image(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    status, error, message = refused(client.update_function_code, FunctionName=name, ImageUri=IMAGE)
    assert (status, error) == (400, INVALID)
    assert message == (
        "Please don't provide ImageUri when updating a function with packageType Zip."
    )


@pytest.mark.parametrize(
    "code",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"S3Key": "key"}, id="key-without-bucket"),
    ],
)
@pytest.mark.aws("api/API_FunctionCode.html")
def test_code_must_come_from_somewhere(
    client: "LambdaClient", name: str, code: dict[str, Any]
) -> None:
    status, error, message = refused(
        client.create_function, FunctionName=name, Role=platform_process.ROLE, Code=code,
        Runtime=platform_process.RUNTIME, Handler="app.handler",
    )  # fmt: skip
    assert (status, error) == (400, INVALID)
    assert message == "Please provide a source for function code."


@pytest.mark.aws("api/API_FunctionCode.html")
def test_code_comes_from_one_place_only(client: "LambdaClient", name: str) -> None:
    code = {"ZipFile": package(CODE), "S3Bucket": "bucket", "S3Key": "key"}
    status, error, message = refused(
        client.create_function, FunctionName=name, Role=platform_process.ROLE, Code=code,
        Runtime=platform_process.RUNTIME, Handler="app.handler",
    )  # fmt: skip
    assert (status, error) == (400, INVALID)
    assert message == (
        "Please do not provide other FunctionCode parameters when providing a ZipFile."
    )


@pytest.mark.ours("a machine that lacks a runtime of AWS's")
@pytest.mark.aws("dg/functions-states.html")
def test_a_failed_update_leaves_the_function_as_it_ran_before(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, CODE)
    client.update_function_configuration(FunctionName=name, Runtime="java8.al2")
    shown = client.get_function_configuration(FunctionName=name)
    while shown["LastUpdateStatus"] == "InProgress":
        shown = client.get_function_configuration(FunctionName=name)
    assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Failed")
    assert shown["LastUpdateStatusReasonCode"] == "InvalidRuntime"
    assert "java8.al2" in shown["LastUpdateStatusReason"]
    wait_active(client, name)
    assert json.loads(client.invoke(FunctionName=name)["Payload"].read()) == 1
    client.update_function_configuration(FunctionName=name, Runtime=platform_process.RUNTIME)
    wait_updated(client, name)
    assert json.loads(client.invoke(FunctionName=name)["Payload"].read()) == 1
