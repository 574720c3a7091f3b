"""Limits of functions, at the very boundary: what is allowed passes, and one more is refused.

Limits that other files hold at their boundary are not repeated: docs/limits.md has them all.
"""

import base64
import contextlib
import http.client
import io
import json
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib import parse

import pytest
from platform_process import ROLE, RUNTIME, create, package, refused, wait_updated
from support import published_layers

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/gettingstarted-limits.html")

CODE = "def handler(event, context):\n    return len(event)\n"
VALIDATION = (400, "ValidationException")
INVALID = (400, "InvalidParameterValueException")


def case(source: str, member: str, largest: object, one_more: object, error: object) -> Any:
    what = f"{member}-{one_more}" if isinstance(one_more, int) else member
    return pytest.param(
        {member: largest}, {member: one_more}, error, marks=pytest.mark.aws(source), id=what
    )


def variables(size: int) -> dict[str, dict[str, str]]:
    """Make variables that are so many bytes of JSON."""
    return {"Variables": {"KEY": "x" * (size - len('{"KEY":""}'))}}


def vpc(subnets: int, groups: int) -> dict[str, list[str]]:
    return {
        "SubnetIds": [f"subnet-{number:08x}" for number in range(subnets)],
        "SecurityGroupIds": [f"sg-{number:08x}" for number in range(groups)],
    }


MADE_UP = pytest.mark.ours("subnets and groups that do not exist")


@pytest.mark.parametrize(
    ("allowed", "too_much", "error"),
    [
        case("dg/configuration-memory.html", "MemorySize", 10_240, 10_241, VALIDATION),
        case("model:MemorySize", "MemorySize", 128, 127, VALIDATION),
        case("dg/configuration-timeout.html", "Timeout", 900, 901, VALIDATION),
        case("model:Timeout", "Timeout", 1, 0, VALIDATION),
        case("dg/configuration-ephemeral-storage.html", "EphemeralStorage", {"Size": 10_240},
            {"Size": 10_241}, VALIDATION),
        case("model:EphemeralStorageSize", "EphemeralStorage", {"Size": 512}, {"Size": 511},
            VALIDATION),
        case("model:Description", "Description", "ä" * 256, "ä" * 257, VALIDATION),
        case("model:Handler", "Handler", "h" * 128, "h" * 129, VALIDATION),
        case("model:LogGroup", "LoggingConfig", {"LogGroup": "g" * 512}, {"LogGroup": "g" * 513},
            VALIDATION),
        case("dg/configuration-envvars.html", "Environment", variables(4096), variables(4097),
            INVALID),
        pytest.param({"VpcConfig": vpc(16, 1)}, {"VpcConfig": vpc(17, 1)}, VALIDATION,
            marks=[MADE_UP, pytest.mark.aws("model:VpcConfig.SubnetIds")], id="subnets"),
        pytest.param({"VpcConfig": vpc(1, 5)}, {"VpcConfig": vpc(1, 6)}, VALIDATION,
            marks=[MADE_UP, pytest.mark.aws("model:VpcConfig.SecurityGroupIds")], id="groups"),
    ],
)  # fmt: skip
def test_a_configuration_goes_to_its_limit_and_no_further(
    unchecked: "LambdaClient",
    name: str,
    allowed: dict[str, Any],
    too_much: dict[str, Any],
    error: tuple[int, str],
) -> None:
    create(unchecked, name, CODE)
    unchecked.update_function_configuration(FunctionName=name, **allowed)
    wait_updated(unchecked, name)
    assert (
        refused(unchecked.update_function_configuration, FunctionName=name, **too_much)[:2] == error
    )
    shown: dict[str, Any] = dict(unchecked.get_function_configuration(FunctionName=name))
    ((member, value),) = allowed.items()
    assert shown[member] == value or value.items() <= shown[member].items()


@pytest.mark.aws("api/API_CreateFunction.html")
def test_a_name_has_64_characters_at_most(client: "LambdaClient", name: str) -> None:
    longest = name + "n" * (64 - len(name))
    create(client, longest, CODE)
    client.delete_function(FunctionName=longest)
    status, error, message = refused(
        client.create_function, FunctionName=longest + "n", Runtime=RUNTIME, Role=ROLE,
        Handler="app.handler", Code={"ZipFile": package(CODE)},
    )  # fmt: skip
    assert (status, error) == INVALID
    assert message.endswith("Member must have length less than or equal to 64")


@pytest.mark.parametrize(
    ("allowed", "too_much"),
    [
        pytest.param({"k" * 128: ""}, {"k" * 129: ""}, marks=pytest.mark.aws("model:TagKey")),
        pytest.param({"key": "v" * 256}, {"key": "v" * 257},
            marks=pytest.mark.aws("model:TagValue")),
    ],
    ids=["key", "value"],
)  # fmt: skip
def test_a_tag_is_no_longer_than_it_may_be(
    client: "LambdaClient", name: str, allowed: dict[str, str], too_much: dict[str, str]
) -> None:
    create(client, name, CODE)
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    client.tag_resource(Resource=arn, Tags=allowed)
    assert refused(client.tag_resource, Resource=arn, Tags=too_much)[:2] == VALIDATION
    assert client.list_tags(Resource=arn)["Tags"] == allowed


@pytest.fixture
def layers(client: "LambdaClient", name: str) -> Iterator[published_layers.Layers]:
    with published_layers.published(client, name) as made:
        yield made


@pytest.mark.aws("dg/chapter-layers.html")
def test_a_function_has_five_layers_at_most(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arns = [layers.publish({f"{number}": ""}, f"-{number}") for number in range(6)]
    create(client, name, CODE, Layers=arns[:5])
    status, error, message = refused(
        client.update_function_configuration, FunctionName=name, Layers=arns
    )
    assert (status, error) == INVALID
    assert message == "Cannot reference more than 5 layers."
    shown = client.get_function_configuration(FunctionName=name)["Layers"]
    assert [one["Arn"] for one in shown] == arns[:5]


def stored(size: int) -> bytes:
    """Make a zip that is so many bytes itself."""

    def of(padding: int) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo("padding"), bytes(padding))
        return buffer.getvalue()

    made = of(size - len(of(0)))
    assert len(made) == size
    return made


def unpacking_to(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("zeros", bytes(size))
    return buffer.getvalue()


def test_a_package_has_50_mb_zipped_at_most(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    largest = stored(52_428_800)
    taken = client.update_function_code(FunctionName=name, ZipFile=largest, DryRun=True)
    assert taken["CodeSize"] == 52_428_800
    assert refused(
        client.update_function_code, FunctionName=name, ZipFile=largest + b"\0", DryRun=True
    ) == (
        413, "RequestEntityTooLargeException",
        "Zipped size must be smaller than 52428800 bytes",
    )  # fmt: skip


def test_a_package_unpacks_to_less_than_250_mb(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    largest, too_large = unpacking_to(262_143_999), unpacking_to(262_144_000)
    client.update_function_code(FunctionName=name, ZipFile=largest, DryRun=True)
    assert refused(
        client.update_function_code, FunctionName=name, ZipFile=too_large, DryRun=True
    ) == (*INVALID, "Unzipped size must be smaller than 262144000 bytes")


@pytest.fixture(scope="module")
def measuring(client: "LambdaClient", named: Any) -> Iterator[str]:
    """A function that answers with the size of its event."""
    name = named("measuring")
    create(client, name, CODE, Timeout=30)
    yield name
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function(FunctionName=name)


@pytest.mark.aws("api/API_Invoke.html")
def test_a_dry_run_has_the_limit_of_a_call(client: "LambdaClient", measuring: str) -> None:
    members = {"FunctionName": measuring, "InvocationType": "DryRun"}
    # White space is of the payload, too.
    too_large = b"1" + b" " * 6_291_456
    assert refused(client.invoke, Payload=too_large, **members)[:2] == (
        413, "RequestTooLargeException",
    )  # fmt: skip
    assert client.invoke(Payload=too_large[:-1], **members)["StatusCode"] == 204  # type: ignore[arg-type]


@pytest.mark.aws("api/API_Invoke.html")
def test_a_client_context_has_3583_bytes_at_most(client: "LambdaClient", name: str) -> None:
    create(client, name, "def handler(event, context):\n    return context.client_context.custom\n")

    def context(size: int) -> str:
        room = size // 4 * 3 - len('{"custom": {"k": ""}}')
        return base64.b64encode(json.dumps({"custom": {"k": "x" * room}}).encode()).decode()

    # Base64 comes by fours.
    largest, too_large = context(3580), context(3584)
    assert (len(largest), len(too_large)) == (3580, 3584)
    answer = client.invoke(FunctionName=name, ClientContext=largest)
    assert len(json.loads(answer["Payload"].read())["k"]) > 2600
    assert refused(client.invoke, FunctionName=name, ClientContext=too_large)[0] == 400


@pytest.mark.aws("model:InvocationResponse.LogResult")
def test_a_log_result_is_the_last_4_kb(client: "LambdaClient", name: str) -> None:
    create(client, name, "def handler(event, context):\n    print('x' * event)\n")

    def tail(size: int) -> bytes:
        answer = client.invoke(FunctionName=name, LogType="Tail", Payload=str(size))
        return base64.b64decode(answer["LogResult"])

    whole = tail(2000)
    assert b"START RequestId" in whole
    assert len(whole) < 4096
    cut = tail(5000)
    assert len(cut) == 4096
    assert cut.startswith(b"x")
    assert b"REPORT RequestId" in cut


@pytest.mark.aws("model:FunctionCode.ZipFile")
def test_a_request_to_create_is_refused_before_its_package_is_measured(
    client: "LambdaClient", name: str
) -> None:
    status, error, message = refused(
        client.create_function, FunctionName=name, Runtime=RUNTIME, Role=ROLE,
        Handler="app.handler", Code={"ZipFile": bytes(52_700_000)},
    )  # fmt: skip
    assert (status, error) == (413, "RequestEntityTooLargeException")
    assert message == (
        "Request must be smaller than 70167211 bytes for the CreateFunction operation"
    )
    assert refused(client.get_function, FunctionName=name)[0] == 404


@pytest.mark.ours("how long a header may be is the server's own business")
@pytest.mark.parametrize(("size", "status"), [(16_384, 200), (16_385, 400)])
def test_a_header_has_16_kb_at_most(client: "LambdaClient", size: int, status: int) -> None:
    where = parse.urlsplit(client.meta.endpoint_url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/2015-03-31/functions", headers={"X-Filler": "x" * size})
        with connection.getresponse() as answer:
            assert answer.status == status
