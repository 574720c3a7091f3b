"""Layer versions in the store: found, listed, numbered and changed, with the API's errors."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

from inglenook import errors
from inglenook.model import function, layer, lifecycle
from inglenook.store import documents, kinds
from inglenook.store.documents import Document
from inglenook_gateway.operations import layer_use
from inglenook_gateway.operations.resources import Resources


class LayerVersions:
    """Typed access to the layers of one account."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._account = resources.account

    def name(self, value: str) -> str:
        """Read a request's `LayerName`: a name, or the ARN of a layer of ours.

        Raises AccessDeniedError for another account, ResourceNotFoundError for another region.
        """
        ref = layer.parse(value, self._account)
        if ref is None:
            raise errors.ResourceNotFoundError
        if ref.account != self._account.id:
            raise layer_use.not_shared(self._account.id, value)
        if ref.region != self._account.region:
            raise errors.ResourceNotFoundError
        return ref.name

    async def publish(
        self, name: str, code: function.Code, members: dict[str, Any]
    ) -> layer.LayerVersion:
        """Store a version under the next number.

        The counter moves first: a crash in between costs a number, and leaves nothing to be seen.
        """
        number = await self._next(name)
        version = layer.LayerVersion(
            layer_name=name,
            number=number,
            code=code,
            created=lifecycle.last_modified(self._resources.clock.now()),
            **members,
        )
        document_name = kinds.layer_version_name(name, number)
        await self._resources.create(kinds.LAYER_VERSION, document_name, version)
        return version

    async def _next(self, name: str) -> int:
        resources = self._resources
        while True:
            found = await resources.find(kinds.LAYER, name)
            number = 1 if found is None else found.value.last_version + 1
            moved = layer.Layer(name=name, last_version=number)
            try:
                if found is None:
                    await resources.create(kinds.LAYER, name, moved)
                else:
                    await resources.replace(found, moved)
            except (
                documents.AlreadyExistsError,
                documents.ConflictError,
                documents.NotFoundError,
            ):
                # Another gateway was faster.
                continue
            return number

    async def find(self, name: str, number: int) -> Document[layer.LayerVersion] | None:
        """Return a version. Raises InvalidParameterValueError for what is no number."""
        if number < 1:
            raise errors.InvalidParameterValueError("Layer Version Cannot be less than 1")
        document_name = kinds.layer_version_name(name, number)
        return await self._resources.find(kinds.LAYER_VERSION, document_name)

    async def living(self, name: str, number: int) -> Document[layer.LayerVersion]:
        """Return a version. Raises ResourceNotFoundError that names it."""
        found = await self.find(name, number)
        if found is None:
            arn = layer.version_arn(self._account, name, number)
            raise errors.ResourceNotFoundError(f"Layer version {arn} does not exist.")
        return found

    async def newest_first(self, name: str) -> list[layer.LayerVersion]:
        """Return all versions of a layer."""
        listed = await self._resources.listed(kinds.LAYER_VERSION, kinds.children_prefix(name))
        return [document.value for document in reversed(listed)]

    async def by_layer(self) -> list[tuple[str, list[layer.LayerVersion]]]:
        """Return every layer that has a version, by name, with its versions, newest first."""
        listed = await self._resources.listed(kinds.LAYER_VERSION, "")
        versions = sorted(
            (document.value for document in listed), key=lambda one: (one.layer_name, -one.number)
        )
        return [
            (name, list(found)) for name, found in groupby(versions, key=lambda one: one.layer_name)
        ]

    async def delete(self, name: str, number: int) -> None:
        """Delete a version, if it is there. Its number is not used again."""
        found = await self.find(name, number)
        if found is not None:
            await self._resources.delete(found)

    async def change(
        self,
        name: str,
        number: int,
        decide: Callable[[layer.LayerVersion], layer.LayerVersion],
    ) -> layer.LayerVersion:
        """Replace a version by what `decide` makes of it, deciding anew if others were faster."""
        while True:
            found = await self.living(name, number)
            try:
                return (await self._resources.replace(found, decide(found.value))).value
            except (documents.ConflictError, documents.NotFoundError):
                continue
