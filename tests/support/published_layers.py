"""Layers that a test publishes, and that go with it."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from platform_process import package

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class Layers:
    """Publish layers whose names begin with one of the test's own."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self._client = client
        self._name = name
        self._made: list[tuple[str, int]] = []

    def publish(self, zipped: bytes | Mapping[str, str | bytes], suffix: str = "") -> str:
        """Publish a version of a zip, or of files; return its ARN."""
        content = {"ZipFile": zipped if isinstance(zipped, bytes) else package(zipped)}
        name = f"{self._name}{suffix}"
        made = self._client.publish_layer_version(LayerName=name, Content=content)  # type: ignore[arg-type]
        self._made.append((name, made["Version"]))
        return made["LayerVersionArn"]

    def delete(self) -> None:
        for name, number in self._made:
            self._client.delete_layer_version(LayerName=name, VersionNumber=number)


@contextlib.contextmanager
def published(client: "LambdaClient", name: str) -> Iterator[Layers]:
    """Lend `Layers`; what was published is deleted at the end."""
    layers = Layers(client, name)
    try:
        yield layers
    finally:
        layers.delete()
