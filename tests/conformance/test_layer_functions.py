"""Layers of functions: which may be used, and how they are shown."""

import io
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from platform_process import (
    create,
    package,
    refused,
    wait_updated,
)
from support import published_layers

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/chapter-layers.html")

SOURCE = "def handler(event, context):\n    return event\n"


@pytest.fixture
def layers(client: "LambdaClient", name: str) -> Iterator[published_layers.Layers]:
    with published_layers.published(client, name) as made:
        yield made


@pytest.mark.aws("model:FunctionConfiguration.Layers")
def test_a_function_shows_its_layers_only_if_it_has_some(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    first, second = layers.publish({"a": "1"}), layers.publish({"b": "2"}, "-b")
    create(client, name, SOURCE)
    assert "Layers" not in client.get_function_configuration(FunctionName=name)
    answer = client.update_function_configuration(FunctionName=name, Layers=[second, first])
    sizes = {
        arn: client.get_layer_version_by_arn(Arn=arn)["Content"]["CodeSize"]
        for arn in (first, second)
    }
    expected = [{"Arn": arn, "CodeSize": sizes[arn]} for arn in (second, first)]
    assert answer["Layers"] == expected
    wait_updated(client, name)
    assert client.get_function(FunctionName=name)["Configuration"]["Layers"] == expected
    client.update_function_configuration(FunctionName=name, Description="keeps them")
    wait_updated(client, name)
    assert client.get_function_configuration(FunctionName=name)["Layers"] == expected
    assert "Layers" not in client.update_function_configuration(FunctionName=name, Layers=[])
    wait_updated(client, name)
    assert "Layers" not in client.get_function_configuration(FunctionName=name)


@pytest.mark.aws("model:FunctionConfiguration.Layers")
def test_a_layer_that_is_not_there_is_refused(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arn = layers.publish({"a": "1"})
    absent = f"{arn.removesuffix(':1')}:2"
    expected = (400, "InvalidParameterValueException", f"Layer version {absent} does not exist.")
    create(client, name, SOURCE, Layers=[arn])
    call = client.update_function_configuration
    assert refused(call, FunctionName=name, Layers=[absent]) == expected
    shown = client.get_function_configuration(FunctionName=name)
    assert [layer["Arn"] for layer in shown["Layers"]] == [arn]
    assert shown["LastUpdateStatus"] == "Successful"


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_five_layers_are_allowed_and_six_are_not(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arns = [layers.publish({f"file{number}": str(number)}, f"-{number}") for number in range(6)]
    create(client, name, SOURCE, Layers=arns[:5])
    shown = client.get_function_configuration(FunctionName=name)
    assert [layer["Arn"] for layer in shown["Layers"]] == arns[:5]
    call = client.update_function_configuration
    assert refused(call, FunctionName=name, Layers=arns) == (
        400, "InvalidParameterValueException", "Cannot reference more than 5 layers.",
    )  # fmt: skip


@pytest.mark.aws("model:UpdateFunctionConfigurationRequest.Layers")
def test_two_versions_of_a_layer_are_refused(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    one, two = layers.publish({"a": "1"}), layers.publish({"a": "2"})
    create(client, name, SOURCE)
    call = client.update_function_configuration
    assert refused(call, FunctionName=name, Layers=[one, two]) == (
        400, "InvalidParameterValueException",
        ("Two different versions of the same layer are not allowed to be referenced in the same "
        f"function. {one} and {two} are versions of the same layer."),
    )  # fmt: skip


@pytest.mark.aws("model:UpdateFunctionConfigurationRequest.Layers")
def test_layers_are_of_the_functions_region(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    region = client.meta.region_name
    other = "eu-west-1" if region != "eu-west-1" else "eu-west-2"
    arn = layers.publish({"a": "1"}).replace(f":{region}:", f":{other}:")
    create(client, name, SOURCE)
    call = client.update_function_configuration
    assert refused(call, FunctionName=name, Layers=[arn]) == (
        400, "InvalidParameterValueException",
        ("Layers are not in the same region as the function. Layers are expected to be in region "
        f"{region}."),
    )  # fmt: skip


@pytest.mark.aws("dg/permissions-layer-cross-account.html")
def test_layers_of_others_have_to_be_shared(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    parts = layers.publish({"a": "1"}).split(":")
    parts[4] = f"{(int(parts[4]) + 1) % 10**12:012d}"
    create(client, name, SOURCE)
    call = client.update_function_configuration
    status, error, message = refused(call, FunctionName=name, Layers=[":".join(parts)])
    assert (status, error) == (403, "AccessDeniedException")
    assert message.endswith("no resource-based policy allows the lambda:GetLayerVersion action")


@pytest.mark.aws("model:LayerVersionArn")
@pytest.mark.parametrize("arn", ["a-layer", "arn:aws:lambda:us-east-1:123456789012:layer:a-layer"])
def test_a_layer_without_its_version_is_no_layer_version(
    client: "LambdaClient", name: str, arn: str
) -> None:
    create(client, name, SOURCE)
    call = client.update_function_configuration
    status, error, message = refused(call, FunctionName=name, Layers=[arn])
    assert (status, error) == (400, "ValidationException")
    assert f"Value '[{arn}]' at 'layers' failed to satisfy constraint" in message


def _inflated(size: int) -> bytes:
    """Zip a file of zeros, which takes next to nothing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(size))
    return buffer.getvalue()


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_code_and_layers_together_are_bounded(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arn = layers.publish(_inflated(200_000_000))
    create(client, name, package({"app.py": SOURCE, "big": "0" * 62_144_000}))
    size = 200_000_000 + 62_144_000 + len(SOURCE)
    expected = (
        400, "InvalidParameterValueException",
        ("Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. "
        f"The actual size is {size} bytes."),
    )  # fmt: skip
    call = client.update_function_configuration
    assert refused(call, FunctionName=name, Layers=[arn]) == expected
    client.update_function_code(FunctionName=name, ZipFile=package(SOURCE))
    wait_updated(client, name)
    client.update_function_configuration(FunctionName=name, Layers=[arn])
    wait_updated(client, name)
    code = package({"app.py": SOURCE, "big": "0" * 62_144_000})
    assert refused(client.update_function_code, FunctionName=name, ZipFile=code) == expected
