"""Deleting a function, or one of its versions.

A function goes in steps that are each safe to repeat: it is marked, which hides it; its aliases and
versions go; it goes itself. `recovery` finishes at the next start what a crash has cut off.
"""

import msgspec

from inglenook import errors
from inglenook.model import function
from inglenook.model.arn import FunctionRef
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

    await finish(resources, await resources.change(name, marked))


async def finish(resources: Resources, owner: function.Function) -> None:
    """Delete all that belongs to a function that is marked, and then the function."""
    for alias in await resources.aliases(owner):
        await resources.delete(alias)
    for version in await resources.all_versions(owner):
        await resources.delete(version)
    await resources.delete_function(owner)


async def _delete_version(resources: Resources, ref: FunctionRef, number: str) -> None:
    owner = (await resources.living(*ref)).value
    version = await resources.published(owner, number)
    if version is None:
        raise resources.function_not_found(*ref)
    pointing = [
        alias.value.name
        for alias in await resources.aliases(owner)
        if number in alias_rules.versions(alias.value)
    ]
    if pointing:
        raise errors.ResourceConflictError(
            f"Version {number} cannot be deleted: these aliases point to it: {', '.join(pointing)}"
        )
    await resources.delete(version)
