"""CreateAlias, GetAlias, UpdateAlias, DeleteAlias and ListAliases."""

import contextlib
from collections.abc import Mapping
from typing import Any

import msgspec

from inglenook import errors
from inglenook.model import function
from inglenook.store import documents, kinds
from inglenook.store.documents import Document
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import (
    alias_rules,
    deletion,
    paging,
    preconditions,
    provisioned,
    rendering,
)
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns


class Aliases:
    """The operations on aliases. A change of one changes nothing of its function."""

    def __init__(self, *, resources: Resources, turns: Turns) -> None:
        self._resources = resources
        self._account = resources.account
        self._turns = turns

    def handlers(self) -> dict[str, Handler]:
        return {
            "CreateAlias": self.create,
            "GetAlias": self.get,
            "UpdateAlias": self.update,
            "DeleteAlias": self.delete,
            "ListAliases": self.list,
        }

    async def create(self, call: Call) -> Reply:
        params, resources = call.params, self._resources
        ref = preconditions.unqualified(self._account, params)
        name = params["Name"]
        async with self._turns.of(ref.name):
            owner = (await resources.living(ref.name)).value
            left = await deletion.qualified(resources, owner, name)
            if await resources.alias(owner, name) is not None:
                raise self._exists(owner, name)
            # Of another alias of this name, whose deletion failed on its way.
            await deletion.clear(resources, left)
            alias = function.Alias(
                function_name=owner.name,
                function_uid=owner.uid,
                name=name,
                function_version=params["FunctionVersion"],
                description=params.get("Description") or "",
                additional_version_weights=_weights(params) or {},
                revision_id=resources.new_id(),
            )
            await self._check(owner, alias)
            await self._store_new(owner, alias)
        return Reply(output=rendering.alias(self._account, alias))

    async def _store_new(self, owner: function.Function, alias: function.Alias) -> None:
        name = kinds.alias_name(owner.name, alias.name)
        while True:
            try:
                created = await self._resources.create(kinds.ALIAS, name, alias)
            except documents.AlreadyExistsError:
                found = await self._resources.find(kinds.ALIAS, name)
                if found is not None and found.value.function_uid == owner.uid:
                    raise self._exists(owner, alias.name) from None
                if found is not None:
                    # Of a deleted function of the same name.
                    await self._resources.delete(found)
            else:
                await self._check_again(owner, created, None)
                return

    async def get(self, call: Call) -> Reply:
        ref = preconditions.unqualified(self._account, call.params)
        owner = (await self._resources.living(ref.name)).value
        document = await self._find(owner, call.params["Name"])
        return Reply(output=rendering.alias(self._account, document.value))

    async def update(self, call: Call) -> Reply:
        ref = preconditions.unqualified(self._account, call.params)
        async with self._turns.of(ref.name):
            owner = (await self._resources.living(ref.name)).value
            while True:
                document = await self._find(owner, call.params["Name"])
                preconditions.revision(call.params, document.value.revision_id)
                alias = self._updated(document.value, call.params)
                await self._check(owner, alias)
                try:
                    stored = await self._resources.replace(document, alias)
                except (documents.ConflictError, documents.NotFoundError):
                    continue
                await self._check_again(owner, stored, document.value)
                return Reply(output=rendering.alias(self._account, alias))

    def _updated(self, alias: function.Alias, params: Mapping[str, Any]) -> function.Alias:
        changes: dict[str, Any] = {"revision_id": self._resources.new_id()}
        if params.get("FunctionVersion") is not None:
            changes["function_version"] = params["FunctionVersion"]
        if params.get("Description") is not None:
            changes["description"] = params["Description"]
        weights = _weights(params)
        if weights is not None:
            changes["additional_version_weights"] = weights
        return msgspec.structs.replace(alias, **changes)

    async def delete(self, call: Call) -> Reply:
        """Delete an alias; one that is not there is as good as deleted."""
        ref = preconditions.unqualified(self._account, call.params)
        async with self._turns.of(ref.name):
            owner = (await self._resources.living(ref.name)).value
            document = await self._resources.alias(owner, call.params["Name"])
            if document is not None:
                await self._resources.delete(document)
            await deletion.delete_qualified(self._resources, owner, call.params["Name"])
        return Reply(status=204)

    async def list(self, call: Call) -> Reply:
        ref = preconditions.unqualified(self._account, call.params)
        owner = (await self._resources.living(ref.name)).value
        wanted = call.params.get("FunctionVersion")
        found = [
            document.value
            for document in await self._resources.aliases(owner)
            if wanted is None or wanted in alias_rules.versions(document.value)
        ]
        shown, marker = paging.page(found, lambda alias: alias.name, call.params)
        rendered = [rendering.alias(self._account, alias) for alias in shown]
        return Reply(output=paging.listing("Aliases", rendered, marker))

    async def _find(self, owner: function.Function, name: str) -> Document[function.Alias]:
        document = await self._resources.alias(owner, name)
        if document is None:
            arn = self._account.function_arn(owner.name, name)
            raise errors.ResourceNotFoundError(f"Cannot find alias arn: {arn}")
        return document

    async def _check(self, owner: function.Function, alias: function.Alias) -> None:
        alias_rules.check_routing(alias)
        await provisioned.check_alias(self._resources, owner, alias)
        await self._check_versions(owner, alias)

    async def _check_again(
        self,
        owner: function.Function,
        stored: Document[function.Alias],
        before: function.Alias | None,
    ) -> None:
        """Undo what was stored if another gateway has deleted its version meanwhile."""
        try:
            await self._check_versions(owner, stored.value)
        except errors.ResourceNotFoundError:
            with contextlib.suppress(documents.ConflictError, documents.NotFoundError):
                if before is None:
                    await self._resources.delete_unchanged(stored)
                else:
                    await self._resources.replace(stored, before)
            raise

    async def _check_versions(self, owner: function.Function, alias: function.Alias) -> None:
        for version in alias_rules.versions(alias):
            if version == function.LATEST:
                continue
            if await self._resources.published(owner, version) is None:
                raise self._resources.function_not_found(owner.name, version)

    def _exists(self, owner: function.Function, name: str) -> errors.ResourceConflictError:
        arn = self._account.function_arn(owner.name, name)
        return errors.ResourceConflictError(f"Alias already exists: {arn}")


def _weights(params: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the weights that a request sets; None when it says nothing of them."""
    routing = params.get("RoutingConfig")
    if routing is None:
        return None
    given = routing.get("AdditionalVersionWeights") or {}
    return {version: float(weight) for version, weight in given.items()}
