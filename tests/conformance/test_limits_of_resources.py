"""Limits of what stands beside functions, at the boundary; and of a whole account.

As in test_limits.py; here are aliases, policies, layers, URLs, event sources, listings, quotas.
"""

import base64
import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from platform_process import create, package, refused
from support import event_sources, provisioning

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

CODE = "def handler(event, context):\n    return event\n"
VALIDATION = (400, "ValidationException")
INVALID = (400, "InvalidParameterValueException")
FULL = (400, "CodeStorageExceededException", "Code storage limit exceeded.")


@pytest.fixture(scope="module")
def shared(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[str]:
    """A function with the version 1, for what comes and goes beside it."""
    name = named("limits")
    create(client, name, CODE)
    platform_process.wait_published(
        client, name, client.publish_version(FunctionName=name)["Version"]
    )
    yield name
    client.delete_function(FunctionName=name)


@pytest.mark.parametrize(
    ("allowed", "too_much"),
    [
        pytest.param({"Name": "a" * 128}, {"Name": "a" * 129},
            marks=pytest.mark.aws("model:Alias"), id="name"),
        pytest.param({"Description": "d" * 256}, {"Description": "d" * 257},
            marks=pytest.mark.aws("model:CreateAliasRequest.Description"), id="description"),
    ],
)  # fmt: skip
def test_an_alias_goes_to_its_limits(
    client: "LambdaClient", shared: str, allowed: dict[str, str], too_much: dict[str, str]
) -> None:
    base = {"FunctionName": shared, "Name": "limits", "FunctionVersion": "1"}
    assert refused(client.create_alias, **(base | too_much))[:2] == VALIDATION
    made = client.create_alias(**(base | allowed))  # type: ignore[arg-type]
    assert allowed.items() <= made.items()
    client.delete_alias(FunctionName=shared, Name=made["Name"])


@pytest.mark.aws("model:Weight")
def test_a_weight_is_one_at_most_and_one_version_has_it(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    for number in ("1", "2", "3"):
        client.publish_version(FunctionName=name)
        platform_process.wait_published(client, name, number)
        client.update_function_code(FunctionName=name, ZipFile=package(CODE + f"# {number}\n"))
        platform_process.wait_updated(client, name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    def weigh(weights: dict[str, float]) -> dict[str, Any]:
        return {
            "FunctionName": name, "Name": "live",
            "RoutingConfig": {"AdditionalVersionWeights": weights},
        }  # fmt: skip

    shown = client.update_alias(**weigh({"2": 1.0}))
    assert shown["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 1.0}}
    assert refused(client.update_alias, **weigh({"2": 1.01}))[:2] == VALIDATION
    assert refused(client.update_alias, **weigh({"2": 0.1, "3": 0.1})) == (
        *INVALID, "Number of items in AdditionalVersionWeights cannot be greater than 1",
    )  # fmt: skip


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_policy_has_20_kb_to_the_byte(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)

    def grant(sid: str, padding: int) -> None:
        client.add_permission(
            FunctionName=name, StatementId=sid, Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::" + "b" * padding,
        )  # fmt: skip

    def size() -> int:
        return len(client.get_policy(FunctionName=name)["Policy"])

    # A statement's source has no more than 10,000 characters, so it takes several.
    grant("a", 9000)
    one = size()
    grant("b", 9000)
    each = size() - one
    rest = 9000 + 20_480 - size() - each
    assert refused(grant, sid="c", padding=rest + 1)[:2] == (400, "PolicyLengthExceededException")
    grant("c", rest)
    assert size() == 20_480


@pytest.mark.parametrize(
    ("allowed", "too_much"),
    [
        pytest.param({"Description": "d" * 256}, {"Description": "d" * 257},
            marks=pytest.mark.aws("model:PublishLayerVersionRequest.Description"),
            id="description"),
        pytest.param({"LicenseInfo": "l" * 512}, {"LicenseInfo": "l" * 513},
            marks=pytest.mark.aws("model:LicenseInfo"), id="license"),
        pytest.param({"CompatibleRuntimes": ["python3.12"] * 15},
            {"CompatibleRuntimes": ["python3.12"] * 16},
            marks=pytest.mark.aws("model:CompatibleRuntimes"), id="runtimes"),
        pytest.param({"CompatibleArchitectures": ["arm64", "x86_64"]},
            {"CompatibleArchitectures": ["arm64", "x86_64", "arm64"]},
            marks=pytest.mark.aws("model:CompatibleArchitectures"), id="architectures"),
    ],
)  # fmt: skip
def test_a_layer_goes_to_its_limits(
    client: "LambdaClient",
    named: Callable[[str], str],
    allowed: dict[str, Any],
    too_much: dict[str, Any],
) -> None:
    base = {"LayerName": named("layer"), "Content": {"ZipFile": package({"f": ""})}}
    assert refused(client.publish_layer_version, **(base | too_much))[:2] == VALIDATION
    made = client.publish_layer_version(**(base | allowed))
    client.delete_layer_version(LayerName=base["LayerName"], VersionNumber=made["Version"])


@pytest.mark.parametrize(
    ("member", "allowed", "too_much"),
    [
        pytest.param("MaxAge", 86_400, 86_401, marks=pytest.mark.aws("model:MaxAge")),
        pytest.param("AllowOrigins", [f"https://{n}.example" for n in range(100)],
            [f"https://{n}.example" for n in range(101)],
            marks=pytest.mark.aws("model:AllowOriginsList")),
        pytest.param("AllowHeaders", ["h" * 1024], ["h" * 1025],
            marks=pytest.mark.aws("model:Header")),
        pytest.param("ExposeHeaders", [f"x-{n}" for n in range(100)],
            [f"x-{n}" for n in range(101)], marks=pytest.mark.aws("model:HeadersList")),
        pytest.param("AllowMethods", ["GET", "PUT", "HEAD", "POST", "PATCH", "DELETE"],
            ["GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*"],
            marks=pytest.mark.aws("model:AllowMethodsList")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_cors_goes_to_its_limits(
    client: "LambdaClient", shared: str, member: str, allowed: Any, too_much: Any
) -> None:
    base = {"FunctionName": shared, "AuthType": "NONE"}
    call = client.create_function_url_config
    assert refused(call, **base, Cors={member: too_much})[:2] == VALIDATION
    made = call(**base, Cors={member: allowed})  # type: ignore[arg-type,misc]
    client.delete_function_url_config(FunctionName=shared)
    assert made["Cors"] == {member: allowed}


@pytest.mark.parametrize(
    ("allowed", "too_much"),
    [
        ({"MaximumRetryAttempts": 2}, {"MaximumRetryAttempts": 3}),
        ({"MaximumEventAgeInSeconds": 60}, {"MaximumEventAgeInSeconds": 59}),
        ({"MaximumEventAgeInSeconds": 21_600}, {"MaximumEventAgeInSeconds": 21_601}),
    ],
    ids=["retries", "youngest", "oldest"],
)
@pytest.mark.aws("dg/invocation-async-error-handling.html")
def test_events_are_kept_and_tried_within_limits(
    unchecked: "LambdaClient", shared: str, allowed: dict[str, int], too_much: dict[str, int]
) -> None:
    call = unchecked.put_function_event_invoke_config
    assert refused(call, FunctionName=shared, **too_much)[:2] == VALIDATION
    shown = call(FunctionName=shared, **allowed)  # type: ignore[arg-type]
    assert allowed.items() <= shown.items()
    unchecked.delete_function_event_invoke_config(FunctionName=shared)


@pytest.mark.parametrize(
    ("kind", "member", "allowed", "too_much"),
    [
        pytest.param("kinesis", "BatchSize", 10_000, 10_001,
            marks=pytest.mark.aws("model:BatchSize")),
        pytest.param("kinesis", "ParallelizationFactor", 10, 11,
            marks=pytest.mark.aws("model:ParallelizationFactor")),
        pytest.param("dynamodb", "TumblingWindowInSeconds", 900, 901,
            marks=pytest.mark.aws("model:TumblingWindowInSeconds")),
        pytest.param("sqs", "MaximumBatchingWindowInSeconds", 300, 301,
            marks=pytest.mark.aws("model:MaximumBatchingWindowInSeconds")),
        pytest.param("dynamodb", "MaximumRecordAgeInSeconds", 604_800, 604_801,
            marks=pytest.mark.aws("model:MaximumRecordAgeInSeconds")),
        pytest.param("kinesis", "MaximumRecordAgeInSeconds", 60, 59,
            marks=pytest.mark.aws(
                "model:EventSourceMappingConfiguration.MaximumRecordAgeInSeconds")),
        pytest.param("sqs", "BatchSize", 10, 11,
            marks=pytest.mark.aws("dg/services-sqs-parameters.html")),
        pytest.param("fifo", "BatchSize", 10, 11,
            marks=pytest.mark.aws("api/API_CreateEventSourceMapping.html")),
        pytest.param("sqs", "ScalingConfig", {"MaximumConcurrency": 1000},
            {"MaximumConcurrency": 1001}, marks=pytest.mark.aws("model:MaximumConcurrency")),
        pytest.param("sqs", "ScalingConfig", {"MaximumConcurrency": 2}, {"MaximumConcurrency": 1},
            marks=pytest.mark.aws("dg/services-sqs-scaling.html")),
        pytest.param("msk", "ProvisionedPollerConfig", {"MaximumPollers": 2000},
            {"MaximumPollers": 2001},
            marks=pytest.mark.aws("model:ProvisionedPollerConfig.MaximumPollers")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
@pytest.mark.ours(event_sources.REAL_ONLY)
def test_an_event_source_mapping_goes_to_its_limits(
    unchecked: "LambdaClient", shared: str, kind: str, member: str, allowed: Any, too_much: Any
) -> None:
    mappings = event_sources.Mappings(unchecked, shared)
    try:
        made = mappings.create(kind, **{member: allowed})[member]
        assert made == allowed or allowed.items() <= made.items()
        request = mappings.request(kind, key="-more", **{member: too_much})
        assert refused(unchecked.create_event_source_mapping, **request)[0] == 400
    finally:
        mappings.clean_up()


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param("list_layers", marks=pytest.mark.aws("model:MaxLayerListItems")),
        pytest.param("list_function_event_invoke_configs",
            marks=pytest.mark.aws("model:MaxFunctionEventInvokeConfigListItems")),
        pytest.param("list_provisioned_concurrency_configs",
            marks=pytest.mark.aws("model:MaxProvisionedConcurrencyConfigListItems")),
        pytest.param("list_function_url_configs", marks=pytest.mark.aws("model:MaxItems")),
        pytest.param("list_aliases", marks=pytest.mark.aws("model:MaxListItems")),
    ],
)  # fmt: skip
def test_a_page_is_not_asked_for_with_more_than_the_model_allows(
    unchecked: "LambdaClient", shared: str, operation: str
) -> None:
    call = getattr(unchecked, operation)
    members = {} if operation == "list_layers" else {"FunctionName": shared}
    largest = 10_000 if operation == "list_aliases" else 50
    call(MaxItems=largest, **members)
    for beyond in (0, largest + 1):
        assert refused(call, MaxItems=beyond, **members)[:2] == VALIDATION


@pytest.mark.aws("api/API_ListFunctions.html")
@pytest.mark.ours("fifty-one functions; an alias is one here as well")
def test_a_page_has_fifty_items_at_most(client: "LambdaClient", shared: str) -> None:
    for number in range(51):
        client.create_alias(FunctionName=shared, Name=f"a{number:02}", FunctionVersion="1")
    first = client.list_aliases(FunctionName=shared, MaxItems=10_000)
    assert len(first["Aliases"]) == 50
    rest = client.list_aliases(FunctionName=shared, Marker=first["NextMarker"])
    assert [one["Name"] for one in rest["Aliases"]] == ["a50"]
    assert "NextMarker" not in rest
    for number in range(51):
        client.delete_alias(FunctionName=shared, Name=f"a{number:02}")


@pytest.mark.aws("api/API_ListEventSourceMappings.html")
@pytest.mark.ours(event_sources.REAL_ONLY)
def test_a_page_has_a_hundred_mappings_at_most(client: "LambdaClient", shared: str) -> None:
    mappings = event_sources.Mappings(client, shared)
    try:
        made = {mappings.create("sqs", key=f"-{number}")["UUID"] for number in range(101)}
        first = client.list_event_source_mappings(FunctionName=shared, MaxItems=10_000)
        assert len(first["EventSourceMappings"]) == 100
        rest = client.list_event_source_mappings(FunctionName=shared, Marker=first["NextMarker"])
        assert "NextMarker" not in rest
        listed = first["EventSourceMappings"] + rest["EventSourceMappings"]
        assert sorted(one["UUID"] for one in listed) == sorted(made)
    finally:
        mappings.clean_up()


@contextlib.contextmanager
def account(folder: Path, **changed: object) -> "Iterator[LambdaClient]":
    variables = {f"INGLENOOK_{key.upper()}": str(value) for key, value in changed.items()}
    with (
        platform_process.running(folder, variables=variables) as platform,
        contextlib.closing(platform.client()) as client,
    ):
        yield client


@pytest.mark.aws("dg/gettingstarted-limits.html")
@pytest.mark.ours("it fills an account's storage")
def test_the_storage_of_an_account_is_full_to_the_byte(tmp_path: Path) -> None:
    code = package(CODE)
    with account(tmp_path, gateway_code_storage_bytes=3 * len(code)) as client:
        create(client, "first", code)
        platform_process.wait_published(
            client, "first", client.publish_version(FunctionName="first")["Version"]
        )
        layer = {"LayerName": "layer", "Content": {"ZipFile": code}}
        client.publish_layer_version(**layer)  # type: ignore[arg-type]
        settings = client.get_account_settings()
        assert settings["AccountLimit"]["TotalCodeSize"] == 3 * len(code)
        assert settings["AccountUsage"]["TotalCodeSize"] == 3 * len(code)
        assert refused(create, client=client, name="second", code=code) == FULL
        assert refused(client.publish_layer_version, **layer) == FULL
        client.delete_layer_version(LayerName="layer", VersionNumber=1)
        create(client, "second", code)
        assert json.loads(client.invoke(FunctionName="second", Payload=b"5")["Payload"].read()) == 5


@pytest.mark.aws("api/API_PublishVersion.html")
@pytest.mark.ours("it fills an account's storage")
@pytest.mark.parametrize("room", [2, 1])
def test_a_version_takes_storage_too(tmp_path: Path, room: int) -> None:
    code = package(CODE)
    with account(tmp_path, gateway_code_storage_bytes=2 * len(code) - 2 + room) as client:
        create(client, "f", code)
        if room == 2:
            assert client.publish_version(FunctionName="f")["Version"] == "1"
            return
        assert refused(client.publish_version, FunctionName="f") == FULL
        assert refused(create, client=client, name="g", code=code, Publish=True) == FULL
        assert refused(client.get_function, FunctionName="g")[0] == 404
        listed = client.list_versions_by_function(FunctionName="f")["Versions"]
        assert [one["Version"] for one in listed] == ["$LATEST"]


def until_throttled(client: "LambdaClient", call: Callable[..., Any]) -> dict[str, Any]:
    for _ in range(2000):
        try:
            call(FunctionName="f")
        except client.exceptions.TooManyRequestsException as error:
            return dict(error.response)
        except client.exceptions.ResourceNotFoundException:
            pass
    raise AssertionError("calls are not limited")


@pytest.mark.aws("dg/gettingstarted-limits.html")
@pytest.mark.ours("an option of the platform's; AWS's bucket is everybody's")
@pytest.mark.parametrize("operation", ["get_function", "get_policy", "list_aliases"])
def test_with_the_option_calls_of_the_api_are_limited_as_aws_does(
    tmp_path: Path, operation: str
) -> None:
    with account(tmp_path, gateway_api_rate_limit="true") as client:
        create(client, "f", CODE)
        response = until_throttled(client, getattr(client, operation))
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
        assert response["Reason"] == "CallerRateLimitExceeded"
        assert response["Error"]["Message"] == "Rate exceeded"
        # Invocations are no calls of this kind, and each kind has its own limit.
        assert client.invoke(FunctionName="f", Payload=b"1")["Payload"].read() == b"1"
        if operation != "get_function":
            client.get_function(FunctionName="f")


@pytest.mark.aws("dg/lambda-runtime-environment.html")
@pytest.mark.ours("its init may take less than ten seconds, so that the case is short")
def test_provisioned_environments_have_more_time_for_their_init(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "time.sleep(1.5)\n"
        "def handler(event, context):\n"
        "    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
    )
    with account(tmp_path, agent_init_timeout_s=0.5) as client:
        create(client, "f", code, Timeout=30)
        provisioning.publish(client, "f")
        provisioning.ready(client, "f", "1", 1)
        answer = client.invoke(FunctionName="f", Qualifier="1", LogType="Tail")
        assert json.loads(answer["Payload"].read()) == "provisioned-concurrency"
        assert b"Init Duration" in base64.b64decode(answer["LogResult"])
