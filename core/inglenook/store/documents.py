"""The interface of the resource store: typed documents with resource versions.

Configuration lives behind this interface: in SQLite on one machine, in custom resources on a
cluster. It is as small as both can keep exactly: a document is created, replaced only by somebody
who has seen its latest resource version, and deleted; every change is watchable in order. There are
no transactions over several documents, so operations are written as steps that are each safe to
repeat. One suite of tests runs against every implementation.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class StoreError(Exception):
    """The resource store refused."""


class AlreadyExistsError(StoreError):
    """A document of this kind and name exists."""


class NotFoundError(StoreError):
    """No document of this kind and name exists."""


class ConflictError(StoreError):
    """The document has changed since the given resource version."""


class WatchExpiredError(StoreError):
    """The changes since that resource version are no longer known: list anew, then watch again.

    Kubernetes answers 410 Gone for it.
    """


class ClosedError(StoreError):
    """The store is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """A kind of document: its name in the store and the type of its value."""

    name: str
    type: type[T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Generic[T]):
    """A stored value. `resource_version` grows with every write anywhere in the store."""

    kind: Kind[T]
    name: str
    resource_version: int
    value: T


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event of a watch. A deleted document carries its last value."""

    document: Document[Any]
    deleted: bool


class Store(Protocol):
    """Get, list, watch, create, replace with a resource version, delete."""

    async def get(self, kind: Kind[T], name: str) -> Document[T] | None: ...

    async def list(self, kind: Kind[T], prefix: str = "") -> list[Document[T]]:
        """Return the documents whose names start with `prefix`, ordered by name."""
        ...

    async def create(self, kind: Kind[T], name: str, value: T) -> Document[T]:
        """Store a new document durably. Raises AlreadyExistsError."""
        ...

    async def replace(self, document: Document[T], value: T) -> Document[T]:
        """Store `value` durably in place of exactly this `document`.

        Raises ConflictError if it has changed since it was read, NotFoundError if it is gone.
        """
        ...

    async def delete(self, document: Document[Any], *, any_version: bool = False) -> None:
        """Delete exactly this document, or with `any_version` whatever stands under its name.

        Raises ConflictError if it has changed since it was read, NotFoundError if it is gone.
        """
        ...

    async def latest_version(self) -> int:
        """Return the resource version of the last write; 0 for a store never written to.

        On a cluster, where others' writes are counted too, it may be that of a later one of theirs.

        To know everything and miss nothing: take this first, list, then watch from it. What changed
        between the two is yielded again, and told by its resource version.
        """
        ...

    def watch(self, since: int = 0) -> AsyncIterator[Change]:
        """Yield every change after resource version `since`, in order, without end.

        On a cluster only the changes of one kind are in order; resource versions tell the rest.
        From 0 the documents that exist are yielded first, as changes, in the order of their last
        writes. Raises WatchExpiredError when `since` is too long ago, also in the middle of a watch
        whose consumer has fallen too far behind.
        """
        ...
