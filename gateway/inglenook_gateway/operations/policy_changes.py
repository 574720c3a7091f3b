"""Reading and changing the resource-based policy of a function, a version or an alias.

A policy's revision is that of what it is on, as recorded answers show: changing the policy gives
the function, version or alias a new `RevisionId`, and that one GetPolicy shows. Two documents
change, the revision first: a crash between the two leaves a new revision of an unchanged policy.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from inglenook import errors
from inglenook.model import function, lifecycle, policy
from inglenook.model.arn import FunctionRef
from inglenook.store import documents, kinds
from inglenook.store.documents import Document
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns

Holder = function.Function | function.Version | function.Alias
"""What a policy is on, and whose revision is the policy's."""

# Others change the same thing only between two of our awaits; so often means a storm.
_ATTEMPTS = 16
_OTHERS_WERE_FASTER = (
    documents.AlreadyExistsError,
    documents.ConflictError,
    documents.NotFoundError,
)


class Found(NamedTuple):
    """What a caller who wants to see or change a policy starts from."""

    owner: function.Function
    revision_id: str
    policy: policy.Policy | None


Decide = Callable[[Found], policy.Policy | None]
"""Return the policy to be, None for none. Safe to repeat; what it raises leaves all as it was."""


class Policies:
    """The policies of one account's functions, one to each qualifier."""

    def __init__(self, *, resources: Resources, turns: Turns) -> None:
        self._resources = resources
        self._turns = turns

    async def read(self, ref: FunctionRef) -> Found:
        """Return what there is. Raises ResourceNotFoundError without the function or qualifier."""
        ref = _held(ref)
        # In its turn, so that a policy is never seen with the revision of the next one.
        async with self._turns.of(ref.name):
            _, _, found = await self._look(ref)
        return found

    async def change(self, ref: FunctionRef, decide: Decide) -> str:
        """Make a policy what `decide` says; return its revision."""
        ref = _held(ref)
        async with self._turns.of(ref.name):
            for _ in range(_ATTEMPTS):
                holder, document, found = await self._look(ref)
                wanted = decide(found)
                revision_id = self._resources.new_id()
                try:
                    await self._resources.replace(holder, _renewed(holder.value, revision_id))
                    await self._write(document, wanted)
                except _OTHERS_WERE_FASTER:
                    continue
                return revision_id
        raise lifecycle.update_in_progress(self._resources.account.function_arn(*ref))

    async def _look(
        self, ref: FunctionRef
    ) -> tuple[Document[Holder], Document[policy.Policy] | None, Found]:
        living = await self._resources.living(*ref)
        holder = await self._holder(living, ref.qualifier)
        document = await self._resources.qualified(kinds.POLICY, living.value, ref.qualifier)
        value = None if document is None else document.value
        return holder, document, Found(living.value, _revision(holder.value), value)

    async def _holder(
        self, living: Document[function.Function], qualifier: str | None
    ) -> Document[Any]:
        if qualifier is None:
            return living
        owner = living.value
        if qualifier.isdigit():
            version = await self._resources.published(owner, qualifier)
            if version is None:
                raise self._resources.function_not_found(owner.name, qualifier)
            return version
        alias = await self._resources.alias(owner, qualifier)
        if alias is None:
            arn = self._resources.account.function_arn(owner.name, qualifier)
            raise errors.ResourceNotFoundError(f"Cannot find alias arn: {arn}")
        return alias

    async def _write(
        self, document: Document[policy.Policy] | None, wanted: policy.Policy | None
    ) -> None:
        if wanted is None or not wanted.statements:
            if document is not None:
                await self._resources.delete_unchanged(document)
        elif document is None:
            await self._resources.create_qualified(kinds.POLICY, wanted)
        else:
            await self._resources.replace(document, wanted)


def check_revision(params: Mapping[str, Any], found: Found) -> None:
    """Raise PreconditionFailedError if a request names another `RevisionId` than the current."""
    given = params.get("RevisionId")
    if given is not None and given != found.revision_id:
        raise errors.PreconditionFailedError("GetPolicy")


def _held(ref: FunctionRef) -> FunctionRef:
    """Return where the policy is kept: `$LATEST` has that of the unqualified function."""
    return FunctionRef(ref.name, None) if ref.qualifier == function.LATEST else ref


def _revision(holder: Holder) -> str:
    return holder.revision_id if isinstance(holder, function.Alias) else holder.status.revision_id


def _renewed(holder: Holder, revision_id: str) -> Holder:
    if isinstance(holder, function.Alias):
        return msgspec.structs.replace(holder, revision_id=revision_id)
    status = msgspec.structs.replace(holder.status, revision_id=revision_id)
    return msgspec.structs.replace(holder, status=status)
