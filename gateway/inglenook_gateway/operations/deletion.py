"""Deleting a function, or one of its versions.

A function goes in steps that are each safe to repeat: it is marked, which hides it; its aliases and
versions go; it goes itself. `recovery` finishes at the next start what a crash has cut off.
"""

import contextlib
from typing import Any

import msgspec

from inglenook import errors
from inglenook.model import function
from inglenook.model.arn import FunctionRef
from inglenook.store import documents, kinds
from inglenook.store.documents import Document
from inglenook_gateway.operations import alias_rules
from inglenook_gateway.operations.resources import Resources


async def delete(resources: Resources, ref: FunctionRef) -> None:
    """Delete what `ref` names: without a qualifier the whole function, with one a version."""
    if ref.qualifier is None:
        await _delete_function(resources, ref.name)
    elif ref.qualifier == function.LATEST:
        await resources.living(*ref)
        raise errors.InvalidParameterValueError(
            "$LATEST version cannot be deleted without deleting the function."
        )
    elif not ref.qualifier.isdigit():
        await resources.living(*ref)
        raise errors.InvalidParameterValueError("Deletion of aliases is not currently supported.")
    else:
        await _delete_version(resources, ref, ref.qualifier)


async def _delete_function(resources: Resources, name: str) -> None:
    async def marked(owner: function.Function) -> function.Function:
        return msgspec.structs.replace(owner, deleting=True)

    found = await resources.find(kinds.FUNCTION, name)
    if found is not None and found.value.deleting:
        # Something failed on the way, a full disk perhaps, and the caller has come again.
        await finish(resources, found.value)
    else:
        await finish(resources, await resources.change(name, marked))


async def finish(resources: Resources, owner: function.Function) -> None:
    """Delete all that belongs to a function that is marked, and then the function."""
    for kind in kinds.CHILDREN:
        for child in await resources.listed(kind, kinds.children_prefix(owner.name)):
            if child.value.function_uid == owner.uid:
                await resources.delete(child)
    await resources.delete_function(owner)


async def delete_qualified(
    resources: Resources, owner: function.Function, qualifier: str | None
) -> None:
    """Delete what belongs to a version or an alias that there is not, or not any more."""
    for found in await qualified(resources, owner, qualifier):
        await resources.delete(found)


async def qualified(
    resources: Resources, owner: function.Function, qualifier: str | None
) -> list[Document[Any]]:
    """Return what belongs to a version or an alias, whether there is one or not."""
    found = [await resources.qualified(kind, owner, qualifier) for kind in kinds.QUALIFIED]
    return [document for document in found if document is not None]


async def clear(resources: Resources, left: list[Document[Any]]) -> None:
    """Delete what was found of an alias that did not exist, unless another gateway was faster."""
    for document in left:
        with contextlib.suppress(documents.ConflictError, documents.NotFoundError):
            await resources.delete_unchanged(document)


async def _delete_version(resources: Resources, ref: FunctionRef, number: str) -> None:
    owner = (await resources.living(*ref)).value
    version = await resources.published(owner, number)
    if version is None:
        raise resources.function_not_found(*ref)
    await _check_unused(resources, owner, number)
    await resources.delete(version)
    try:
        await _check_unused(resources, owner, number)
    except errors.ResourceConflictError:
        # Another gateway has pointed an alias at it meanwhile.
        await resources.create(kinds.VERSION, version.name, version.value)
        raise
    await delete_qualified(resources, owner, number)


async def _check_unused(resources: Resources, owner: function.Function, number: str) -> None:
    pointing = [
        alias.value.name
        for alias in await resources.aliases(owner)
        if number in alias_rules.versions(alias.value)
    ]
    if pointing:
        raise errors.ResourceConflictError(
            "Unable to delete version because the following aliases reference it: "
            f"[{', '.join(pointing)}]"
        )
