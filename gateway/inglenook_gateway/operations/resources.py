"""Functions, versions and aliases as the operations see them: the store, with the API's errors.

Every document that passes through here, read or written, is applied to the catalog at once, so that
what a caller has been told can be invoked. What does not belong to a living function (left by a
crash, or by a function of the same name) does not exist here.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from inglenook import errors
from inglenook.aio import clock
from inglenook.catalog.catalog import Catalog
from inglenook.model import function, lifecycle
from inglenook.model.account import Account
from inglenook.store import documents, kinds
from inglenook.store.documents import Document, Kind

T = TypeVar("T")


class Qualified(Protocol):
    """A value of one of `kinds.QUALIFIED`."""

    @property
    def function_name(self) -> str: ...
    @property
    def function_uid(self) -> str: ...
    @property
    def qualifier(self) -> str | None: ...


Q = TypeVar("Q", bound=Qualified)

# Others change the same function only between two of our awaits; so often means a storm.
_ATTEMPTS = 16


def new_revision() -> str:
    """Return a revision id that nothing had before."""
    return str(uuid.uuid4())


class Resources:
    """Typed access to the store for the operations, on behalf of one account."""

    def __init__(
        self,
        *,
        store: documents.Store,
        catalog: Catalog,
        account: Account,
        clock: clock.Clock,
        new_id: Callable[[], str] = new_revision,
    ) -> None:
        self._store = store
        self.catalog = catalog
        self.account = account
        self.clock = clock
        self.new_id = new_id

    async def living(self, name: str, qualifier: str | None = None) -> Document[function.Function]:
        """Return a function; `qualifier` only shows in the error if there is none."""
        found = await self.find(kinds.FUNCTION, name)
        if found is None or found.value.deleting:
            raise self.function_not_found(name, qualifier)
        return found

    def function_not_found(self, name: str, qualifier: str | None) -> errors.ResourceNotFoundError:
        arn = self.account.function_arn(name, qualifier)
        return errors.ResourceNotFoundError(f"Function not found: {arn}")

    async def version(
        self, owner: function.Function, number: int
    ) -> Document[function.Version] | None:
        found = await self.find(kinds.VERSION, kinds.version_name(owner.name, number))
        return found if found is not None and found.value.is_of(owner) else None

    async def published(
        self, owner: function.Function, version: str
    ) -> Document[function.Version] | None:
        """Return a version by its number in digits; None for what is no version's number."""
        number = function.version_number(version)
        return None if number is None else await self.version(owner, number)

    async def versions(self, owner: function.Function) -> list[Document[function.Version]]:
        """Return the published versions of a function, by number."""
        return [one for one in await self.all_versions(owner) if one.value.is_of(owner)]

    async def all_versions(self, owner: function.Function) -> list[Document[function.Version]]:
        """Return a function's versions, with those whose publication did not end."""
        listed = await self.listed(kinds.VERSION, kinds.children_prefix(owner.name))
        return [document for document in listed if document.value.function_uid == owner.uid]

    async def alias(self, owner: function.Function, name: str) -> Document[function.Alias] | None:
        found = await self.find(kinds.ALIAS, kinds.alias_name(owner.name, name))
        return found if found is not None and found.value.function_uid == owner.uid else None

    async def aliases(self, owner: function.Function) -> list[Document[function.Alias]]:
        """Return the aliases of a function, by name."""
        listed = await self.listed(kinds.ALIAS, kinds.children_prefix(owner.name))
        return [document for document in listed if document.value.function_uid == owner.uid]

    async def qualified(
        self, kind: Kind[Q], owner: function.Function, qualifier: str | None
    ) -> Document[Q] | None:
        """Return what a function has of one of `kinds.QUALIFIED` under a qualifier."""
        found = await self.find(kind, kinds.qualified_name(owner.name, qualifier))
        return found if found is not None and found.value.function_uid == owner.uid else None

    async def all_qualified(self, kind: Kind[Q], owner: function.Function) -> list[Document[Q]]:
        """Return all that a function has of one of `kinds.QUALIFIED`, by qualifier."""
        listed = await self.listed(kind, kinds.children_prefix(owner.name))
        return [document for document in listed if document.value.function_uid == owner.uid]

    async def create_qualified(self, kind: Kind[Q], value: Q) -> Document[Q]:
        """Create a document of one of `kinds.QUALIFIED`, over what a dead function left.

        Raises the store's AlreadyExistsError if the living function has one, and
        ResourceNotFoundError if another gateway has deleted meanwhile what it belongs to.
        """
        name = kinds.qualified_name(value.function_name, value.qualifier)
        while True:
            try:
                created = await self.create(kind, name, value)
            except documents.AlreadyExistsError:
                found = await self.find(kind, name)
                if found is not None and found.value.function_uid == value.function_uid:
                    raise
                if found is not None:
                    await self.delete(found)
                continue
            if not await self._is_held(value):
                await self.delete(created)
                raise self.function_not_found(value.function_name, value.qualifier)
            return created

    async def _is_held(self, value: Qualified) -> bool:
        """Whether there is what a value of one of `kinds.QUALIFIED` belongs to."""
        try:
            owner = (await self.living(value.function_name)).value
            await self.check_qualifier(owner, value.qualifier)
        except errors.ResourceNotFoundError:
            return False
        return owner.uid == value.function_uid

    async def check_qualifier(self, owner: function.Function, qualifier: str | None) -> None:
        """Raise ResourceNotFoundError unless the function has this version or alias."""
        if qualifier in (None, function.LATEST):
            return
        if function.version_number(qualifier) is not None:
            found: object = await self.published(owner, qualifier)
        else:
            found = await self.alias(owner, qualifier)
        if found is None:
            raise self.function_not_found(owner.name, qualifier)

    async def find(self, kind: Kind[T], name: str) -> Document[T] | None:
        found = await self._store.get(kind, name)
        if found is not None:
            self.catalog.apply(found)
        return found

    async def listed(self, kind: Kind[T], prefix: str) -> list[Document[T]]:
        listed = await self._store.list(kind, prefix)
        for document in listed:
            self.catalog.apply(document)
        return listed

    async def create(self, kind: Kind[T], name: str, value: T) -> Document[T]:
        """Create a document. Raises the store's AlreadyExistsError."""
        created = await self._store.create(kind, name, value)
        self.catalog.apply(created)
        return created

    async def replace(self, document: Document[T], value: T) -> Document[T]:
        """Replace a document. Raises the store's ConflictError and NotFoundError."""
        replaced = await self._store.replace(document, value)
        self.catalog.apply(replaced)
        return replaced

    async def delete(self, document: Document[T]) -> None:
        """Delete what stands under this document's name; safe to repeat."""
        found: Document[T] | None = document
        while found is not None:
            try:
                # Exactly what was read, so that the catalog knows up to where to forget.
                await self._store.delete(found)
            except documents.ConflictError:
                found = await self._store.get(document.kind, document.name)
                continue
            except documents.NotFoundError:
                pass
            self.catalog.remove(found)
            return

    async def delete_unchanged(self, document: Document[T]) -> None:
        """Delete a document as it was read. Raises the store's ConflictError and NotFoundError."""
        await self._store.delete(document)
        self.catalog.remove(document)

    async def delete_function(self, owner: function.Function) -> None:
        """Delete a function's own document; not that of a newer function of the same name."""
        found = await self.find(kinds.FUNCTION, owner.name)
        if found is not None and found.value.uid == owner.uid:
            await self.delete(found)

    async def change(
        self, name: str, decide: Callable[[function.Function], Awaitable[function.Function]]
    ) -> function.Function:
        """Replace a function by what `decide` makes of it, deciding anew if others were faster.

        `decide` must be safe to repeat. The very same function answered means: nothing to write.
        """
        for _ in range(_ATTEMPTS):
            document = await self.living(name)
            value = await decide(document.value)
            if value is document.value:
                return value
            try:
                return (await self.replace(document, value)).value
            except (documents.ConflictError, documents.NotFoundError):
                continue
        raise lifecycle.update_in_progress(self.account.function_arn(name))
