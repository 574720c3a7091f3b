"""Reading and writing the documents of one kind. Everything here is safe to repeat.

A document has not changed since it was read at some version if what stands now was written over an
older one (`status.replaced`): so a conflict that Kubernetes reports because somebody else has
written the spec or a condition is tried again, and one about the document is not.
"""

from typing import Generic, TypeVar

from inglenook import errors
from inglenook.store import documents
from inglenook.store.documents import Document, Kind
from inglenook_cluster.kube.requests import RefusedError
from inglenook_cluster.resources import codec, definitions, names
from inglenook_cluster.resources.api import Api
from inglenook_cluster.resources.definitions import DRAIN_FINALIZER, Definition
from inglenook_cluster.resources.manifest import Resource

T = TypeVar("T")

# Others write the same resource only between two of our requests; so often means a storm.
_ATTEMPTS = 32


class Writer(Generic[T]):
    """The documents of one kind in one namespace."""

    def __init__(self, api: Api, definition: Definition, kind: Kind[T]) -> None:
        self._api = api
        self._definition = definition
        self._kind = kind

    async def read(self, name: str) -> Document[T] | None:
        resource = await self._api.get(self._definition, self._name(name))
        return None if resource is None else codec.document(self._kind, resource)

    async def create(self, name: str, value: T) -> Document[T]:
        """Create a document, in a resource that may have been declared. See the store."""
        for _ in range(_ATTEMPTS):
            made = await self._api.create(
                self._definition, self._metadata(name), self._definition.spec(value)
            )
            is_ours = made is not None
            resource = made or await self._api.get(self._definition, self._name(name))
            if resource is None:
                continue
            if not is_ours and not await self._is_vacant(resource, name):
                continue
            try:
                return await self._fill(resource, name, value, is_declared=is_ours)
            except RefusedError as refusal:
                if refusal.status not in (404, 409):
                    raise
        raise self._storm(name)

    async def replace(self, document: Document[T], value: T) -> Document[T]:
        over = document.resource_version
        for _ in range(_ATTEMPTS):
            status = codec.status(document.name, value, replaced=over)
            try:
                resource = await self._api.merge_status(
                    self._definition, self._name(document.name), status, over=over
                )
            except RefusedError as refusal:
                over = await self._unchanged(document, refusal)
                continue
            replaced = codec.document(self._kind, resource)
            if replaced is None:
                raise self._not_found(document.name)
            return replaced
        raise self._storm(document.name)

    async def delete(self, document: Document[T], *, any_version: bool) -> None:
        over = document.resource_version
        for _ in range(_ATTEMPTS):
            if any_version:
                over = (await self._existing(document.name)).metadata.version
            try:
                left = await self._api.delete(
                    self._definition, self._name(document.name), over=over
                )
            except RefusedError as refusal:
                if not any_version or refusal.status != 409:
                    over = await self._unchanged(document, refusal)
                continue
            if left is not None:
                await self._release(left)
            return
        raise self._storm(document.name)

    async def _is_vacant(self, resource: Resource, name: str) -> bool:
        """Whether a resource that was there before may take the document.

        False: look anew. Raises AlreadyExistsError.
        """
        if codec.document(self._kind, resource) is not None:
            raise self._exists(name)
        metadata = resource.metadata
        if metadata.deletion_timestamp is not None:
            await self._release(resource)
            if set(metadata.finalizers) - {DRAIN_FINALIZER}:
                raise errors.ServiceError(
                    f"{self._kind.name} {name} is still being deleted: the finalizers "
                    f"{', '.join(metadata.finalizers)} hold it."
                )
            return False
        meant = names.document_name(self._kind.name, metadata.name, resource.spec)
        if meant not in (None, name):
            # Declared for another document, whose place this is not.
            raise self._exists(name)
        return True

    async def _fill(
        self, resource: Resource, name: str, value: T, *, is_declared: bool
    ) -> Document[T]:
        over = resource.metadata.version
        status = codec.status(name, value, replaced=over)
        if is_declared:
            status["observedGeneration"] = resource.metadata.generation
        filled = await self._api.merge_status(
            self._definition, resource.metadata.name, status, over=over
        )
        created = codec.document(self._kind, filled)
        if created is None:
            raise self._not_found(name)
        return created

    async def _release(self, resource: Resource) -> None:
        """Take our finalizer off what is being deleted."""
        left: Resource | None = resource
        while left is not None and DRAIN_FINALIZER in left.metadata.finalizers:
            others = tuple(one for one in left.metadata.finalizers if one != DRAIN_FINALIZER)
            try:
                await self._api.set_finalizers(self._definition, left, others)
            except RefusedError as refusal:
                if refusal.status == 404:
                    return
                if refusal.status != 409:
                    raise
                found = await self._api.get(self._definition, left.metadata.name)
                # Another of the same name is none of our business.
                is_same = found is not None and found.metadata.uid == left.metadata.uid
                left = found if is_same else None
                continue
            return

    async def _unchanged(self, document: Document[T], refusal: RefusedError) -> int:
        """Return the version of a resource whose document is still as it was read."""
        if refusal.status == 404:
            raise self._not_found(document.name)
        if refusal.status != 409:
            raise refusal
        resource = await self._existing(document.name)
        if resource.status.replaced >= document.resource_version:
            raise documents.ConflictError(
                f"{self._kind.name} {document.name} has changed since it was read"
            )
        return resource.metadata.version

    async def _existing(self, name: str) -> Resource:
        resource = await self._api.get(self._definition, self._name(name))
        if resource is None or codec.document(self._kind, resource) is None:
            raise self._not_found(name)
        return resource

    def _metadata(self, name: str) -> dict[str, object]:
        metadata: dict[str, object] = {
            "name": self._name(name),
            "annotations": {definitions.MADE_BY: definitions.API},
        }
        if self._definition.is_drained:
            metadata["finalizers"] = [DRAIN_FINALIZER]
        return metadata

    def _name(self, name: str) -> str:
        return names.resource_name(self._kind.name, name)

    def _not_found(self, name: str) -> documents.NotFoundError:
        return documents.NotFoundError(f"{self._kind.name} {name} does not exist")

    def _exists(self, name: str) -> documents.AlreadyExistsError:
        return documents.AlreadyExistsError(f"{self._kind.name} {name} exists already")

    def _storm(self, name: str) -> errors.ServiceError:
        return errors.ServiceError(
            f"{self._kind.name} {name} could not be written: others write it all the time."
        )
