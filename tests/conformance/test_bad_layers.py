"""Layers that cannot be: the errors that functions' packages have, and nothing half made."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from platform_process import refused
from support import bad_zips, published_layers

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("model:LayerVersionContentInput.ZipFile")


@pytest.mark.parametrize(("make", "message"), bad_zips.cases())
def test_a_bad_package_is_no_layer_version(
    client: "LambdaClient", name: str, make: Callable[[], bytes], message: str
) -> None:
    content = {"ZipFile": make()}
    answer = refused(client.publish_layer_version, LayerName=name, Content=content)
    assert answer == (400, "InvalidParameterValueException", message)
    assert client.list_layer_versions(LayerName=name)["LayerVersions"] == []
    with published_layers.published(client, name) as layers:
        # It has not used up a number.
        assert layers.publish({"x": "x"}).endswith(":1")


@pytest.mark.ours("alone in its account")
def test_a_bad_package_takes_no_storage(client: "LambdaClient", name: str) -> None:
    before = client.get_account_settings()["AccountUsage"]["TotalCodeSize"]
    content = {"ZipFile": bad_zips.bomb()}
    assert refused(client.publish_layer_version, LayerName=name, Content=content)[0] == 400
    assert client.get_account_settings()["AccountUsage"]["TotalCodeSize"] == before


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_zip_over_50_mib_has_to_come_from_a_bucket(client: "LambdaClient", name: str) -> None:
    content = {"ZipFile": bytes(52_428_801)}
    answer = refused(client.publish_layer_version, LayerName=name, Content=content)
    assert answer[:2] == (413, "RequestEntityTooLargeException")
    assert client.list_layer_versions(LayerName=name)["LayerVersions"] == []
