"""Publishing: `$LATEST` frozen under the next number.

Two documents change, the new version's and the function's, and a crash may fall between them. So
the version's document is written first, as a reservation: nobody sees a version whose number is
beyond the function's counter. Replacing the function, which moves the counter, publishes it. A
reservation that was never redeemed is taken up by whoever publishes the very same thing, and passed
over by others, who delete it after their own replacement: from then on its owner cannot succeed.
"""

import contextlib
from dataclasses import dataclass

import msgspec

from inglenook import errors
from inglenook.model import function, lifecycle
from inglenook.store import documents, kinds
from inglenook_gateway.operations.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A version's document that stands ready, and the function that will publish it."""

    owner: function.Function
    """With its counter moved; to be stored."""
    version: function.Version
    """As it was reserved: Pending, whatever has become of it since."""
    passed_over: tuple[documents.Document[function.Version], ...]
    """To be deleted once the owner is stored."""


async def published(
    resources: Resources, owner: function.Function
) -> documents.Document[function.Version] | None:
    """Return the version that froze `$LATEST` as it is now, if there is one."""
    if owner.last_published_generation != owner.status.generation:
        return None
    return await resources.version(owner, owner.last_version)


async def reserve(
    resources: Resources, owner: function.Function, *, description: str | None
) -> Reservation:
    """Write the next version's document for `owner`, which is not stored yet. Safe to repeat.

    Raises CodeStorageExceededError: the version's package counts beside that of `$LATEST`.
    """
    spec = owner.spec
    if description is not None:
        spec = msgspec.structs.replace(spec, description=description)
    _check_storage(resources, owner)
    number = owner.last_version + 1
    passed_over: list[documents.Document[function.Version]] = []
    while True:
        name = kinds.version_name(owner.name, number)
        value = function.Version(
            function_name=owner.name,
            function_uid=owner.uid,
            number=number,
            spec=spec,
            status=lifecycle.created(
                now=resources.clock.now(),
                revision=resources.new_id(),
                generation=owner.status.generation,
            ),
        )
        try:
            await resources.create(kinds.VERSION, name, value)
            return _reservation(owner, value, passed_over)
        except documents.AlreadyExistsError:
            found = await resources.find(kinds.VERSION, name)
        if found is None:
            continue
        if found.value.function_uid != owner.uid:
            await _take_over(resources, found)
            continue
        if _freezes_the_same(found.value, value):
            return _reservation(owner, found.value, passed_over)
        passed_over.append(found)
        number += 1


async def hold(resources: Resources, reservation: Reservation) -> None:
    """See that the first version of a function that has just been stored is there, and stays.

    Another gateway that was creating the same function may have taken it over, or be about to.
    """
    name = kinds.version_name(reservation.owner.name, reservation.version.number)
    while True:
        found = await resources.find(kinds.VERSION, name)
        try:
            if found is None:
                await resources.create(kinds.VERSION, name, reservation.version)
            elif found.value.function_uid == reservation.owner.uid:
                # Written anew, it is not what the other one has looked at.
                await resources.replace(found, found.value)
            else:
                await resources.delete_unchanged(found)
                continue
        except (documents.AlreadyExistsError, documents.ConflictError, documents.NotFoundError):
            continue
        return


async def _take_over(resources: Resources, found: documents.Document[function.Version]) -> None:
    """Delete a version of another function of the same name: deleted, or never to be stored."""
    name = found.value.function_name
    living = await resources.find(kinds.FUNCTION, name)
    if living is not None and living.value.uid == found.value.function_uid:
        raise errors.ResourceConflictError(f"Function already exist: {name}")
    with contextlib.suppress(documents.ConflictError, documents.NotFoundError):
        await resources.delete_unchanged(found)


async def tidy(resources: Resources, reservation: Reservation) -> None:
    """Delete what a reservation has passed over, after its owner has been stored."""
    for document in reservation.passed_over:
        await resources.delete(document)


def _check_storage(resources: Resources, owner: function.Function) -> None:
    # dg/gettingstarted-limits.html: "Each function version and layer version consumes storage."
    stored = resources.catalog.living(owner.name)
    others = resources.catalog.code_bytes - (stored.spec.code.size_bytes if stored else 0)
    if others + 2 * owner.spec.code.size_bytes > resources.account.code_storage_bytes:
        raise errors.CodeStorageExceededError


def _freezes_the_same(one: function.Version, other: function.Version) -> bool:
    return one.status.generation == other.status.generation and one.spec == other.spec


def _reservation(
    owner: function.Function,
    version: function.Version,
    passed_over: list[documents.Document[function.Version]],
) -> Reservation:
    moved = msgspec.structs.replace(
        owner,
        last_version=version.number,
        last_published_generation=owner.status.generation,
    )
    return Reservation(owner=moved, version=version, passed_over=tuple(passed_over))
