"""Custom resources as they come from the Kubernetes API: the part of them that matters here.

Decoded once, where they come in. `spec` stays as it was written: what it means is for `declared`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class Metadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What Kubernetes keeps of a resource."""

    name: str
    uid: str = ""
    resource_version: str = "0"
    generation: int = 0
    deletion_timestamp: str | None = None
    finalizers: tuple[str, ...] = ()
    annotations: dict[str, str] = {}

    @property
    def version(self) -> int:
        """The resource version as a number: one etcd counts for all resources."""
        return int(self.resource_version)


class CodeSource(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which package was made of which `spec.code`. Written by the operator."""

    source: str = ""
    """A hash of the `spec.code`; see `declared.source_hash`."""
    sha256: str = ""


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The fields of a status that are read here."""

    observed_generation: int = 0
    document: str | None = None
    """The name of the document that is kept here; None: none is."""
    applied: str = ""
    replaced: int = 0
    """The resource version over which `applied` was written. Other writes do not move it, so it
    tells whether the document has changed since it was read at some version."""
    code: CodeSource | None = None


class Resource(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A custom resource of any kind."""

    metadata: Metadata
    spec: dict[str, Any] = {}
    status: Status = Status()


class ListMetadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of a listing: at which version it is exact."""

    resource_version: str = "0"


class Listing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All resources of a kind, at one version."""

    metadata: ListMetadata
    items: tuple[Resource, ...] = ()

    @property
    def version(self) -> int:
        return int(self.metadata.resource_version)


def read(manifest: Mapping[str, Any]) -> Resource:
    """Return a resource that somebody has as a dictionary."""
    return msgspec.convert(manifest, Resource)
