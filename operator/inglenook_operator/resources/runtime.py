"""A runtime as its custom resource declares it: which image, how many pods wait, where they run."""

from typing import Any

import msgspec

ZIP = "Zip"
IMAGE = "Image"


class Pool(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many pods of a runtime wait for a function."""

    min: int = 2
    max: int = 10


class Runtime(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The spec of a Runtime. What Kubernetes defines is passed to the pods as it is."""

    package_type: str = ZIP
    """What the image is: a runtime for zips, or a function's code itself (`Image`)."""
    image: str
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: list[dict[str, Any]] = []
    pool: Pool = Pool()
    resources: dict[str, Any] = {}
    """Of the function's container while its pod waits; then they follow the function's memory."""
    node_selector: dict[str, str] = {}
    tolerations: list[dict[str, Any]] = []
    affinity: dict[str, Any] | None = None
    priority_class_name: str | None = None


def decode(spec: object) -> Runtime:
    """Read a Runtime's spec. Raises msgspec.ValidationError, whose text names the field."""
    return msgspec.convert(spec, Runtime)
