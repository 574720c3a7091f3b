"""Layers that cannot be: the errors that functions' packages have, and nothing half made."""

import io
import stat
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from platform_process import package, refused
from support import published_layers

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("model:LayerVersionContentInput.ZipFile")

UNSOUND = "Could not unzip uploaded file. Please check your file, then try to upload again."
EMPTY = "Uploaded file must be a non-empty zip"
LARGE = "Unzipped size must be smaller than 262144000 bytes"


def zipped(*entries: tuple[str, bytes, int]) -> bytes:
    """Zip entries of a name, a content and a Unix mode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def crowd() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(100_001):
            archive.writestr(str(number), b"")
    return buffer.getvalue()


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "no zip": (lambda: b"some text", UNSOUND),
    "truncated": (lambda: package({"x": "x" * 1000})[:-30], UNSOUND),
    "without entries": (zipped, EMPTY),
    "too large unpacked": (lambda: zipped(("zeros", bytes(262_144_000), 0o100644)), LARGE),
    "dots": (lambda: zipped(("python/../../evil", b"x", 0o100644)), UNSOUND),
    "an absolute path": (lambda: zipped(("/opt/evil", b"x", 0o100644)), UNSOUND),
    "a link out": (lambda: zipped(("out", b"../etc", stat.S_IFLNK | 0o777)), UNSOUND),
    "a device": (lambda: zipped(("null", b"", stat.S_IFCHR | 0o666)), UNSOUND),
    "too many entries": (crowd, UNSOUND),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_package_is_no_layer_version(client: "LambdaClient", name: str, kind: str) -> None:
    make, message = BAD[kind]
    content = {"ZipFile": make()}
    before = client.get_account_settings()["AccountUsage"]["TotalCodeSize"]
    answer = refused(client.publish_layer_version, LayerName=name, Content=content)
    assert answer == (400, "InvalidParameterValueException", message)
    assert client.list_layer_versions(LayerName=name)["LayerVersions"] == []
    assert client.get_account_settings()["AccountUsage"]["TotalCodeSize"] == before
    with published_layers.published(client, name) as layers:
        # It has not used up a number.
        assert layers.publish({"x": "x"}).endswith(":1")


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_zip_over_50_mib_has_to_come_from_a_bucket(client: "LambdaClient", name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("zeros", bytes(52_428_800))
    content = {"ZipFile": buffer.getvalue()}
    answer = refused(client.publish_layer_version, LayerName=name, Content=content)
    assert answer[:2] == (413, "RequestEntityTooLargeException")
    assert client.list_layer_versions(LayerName=name)["LayerVersions"] == []
