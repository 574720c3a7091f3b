"""Put-, Get-, Delete- and ListProvisionedConcurrencyConfig(s).

What is stored is what was asked for; how much of it there is, `Provisions` knows.

Source: api/API_PutProvisionedConcurrencyConfig.html, dg/provisioned-concurrency.html.
"""

import asyncio
from typing import Any

from inglenook import errors
from inglenook.aio import clock
from inglenook.capacity import provisioned
from inglenook.model import function
from inglenook.model.arn import FunctionRef
from inglenook.model.provisioned import ProvisionedConcurrency
from inglenook.store import documents, kinds
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import alias_rules, paging, preconditions, usage
from inglenook_gateway.operations.provisions import Provisions
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns


class ProvisionedConfigs:
    """The operations on the provisioned concurrency of versions and aliases."""

    def __init__(
        self, *, resources: Resources, provisions: Provisions, turns: Turns, quota: asyncio.Lock
    ) -> None:
        """Nobody else takes of the account's concurrency while `quota` is held."""
        self._resources = resources
        self._account = resources.account
        self._provisions = provisions
        self._turns = turns
        self._quota = quota

    def handlers(self) -> dict[str, Handler]:
        return {
            "PutProvisionedConcurrencyConfig": self.put,
            "GetProvisionedConcurrencyConfig": self.get,
            "DeleteProvisionedConcurrencyConfig": self.delete,
            "ListProvisionedConcurrencyConfigs": self.list,
        }

    async def put(self, call: Call) -> Reply:
        ref = self._account.ref(call.params["FunctionName"], call.params["Qualifier"])
        requested: int = call.params["ProvisionedConcurrentExecutions"]
        if ref.qualifier == function.LATEST:
            raise _unpublished()
        async with self._turns.of(ref.name), self._quota:
            owner, qualifier = await self._owner(ref)
            await self._check_overlap(owner, qualifier)
            await self._check_quota(owner, qualifier, requested)
            before = self._provisions.standing(owner.name, qualifier)
            config = ProvisionedConcurrency(
                function_name=owner.name,
                function_uid=owner.uid,
                qualifier=qualifier,
                requested=requested,
                last_modified=_last_modified(self._resources.clock.now()),
            )
            await self._store(owner, config)
        # Whatever is there already, the answer is that it has begun.
        return Reply(output=_rendered(config, before, provisioned.Status.IN_PROGRESS))

    async def _store(self, owner: function.Function, config: ProvisionedConcurrency) -> None:
        while True:
            found = await self._resources.qualified(kinds.PROVISIONED, owner, config.qualifier)
            try:
                if found is None:
                    await self._resources.create_qualified(kinds.PROVISIONED, config)
                else:
                    await self._resources.replace(found, config)
            except (
                documents.AlreadyExistsError,
                documents.ConflictError,
                documents.NotFoundError,
            ):
                continue
            return

    async def get(self, call: Call) -> Reply:
        owner, qualifier = await self._named(call)
        found = await self._resources.qualified(kinds.PROVISIONED, owner, qualifier)
        if found is None:
            raise errors.ProvisionedConcurrencyConfigNotFoundError
        return Reply(output=self._shown(found.value))

    async def delete(self, call: Call) -> Reply:
        """Delete a configuration; one that is not there is as good as deleted."""
        ref = self._account.ref(call.params["FunctionName"], call.params["Qualifier"])
        async with self._turns.of(ref.name):
            owner, qualifier = await self._named(call)
            found = await self._resources.qualified(kinds.PROVISIONED, owner, qualifier)
            if found is not None:
                await self._resources.delete(found)
        return Reply(status=204)

    async def list(self, call: Call) -> Reply:
        ref = preconditions.unqualified(self._account, call.params)
        owner = (await self._resources.living(ref.name)).value
        found = [one.value for one in await self._resources.all_qualified(kinds.PROVISIONED, owner)]
        shown, marker = paging.page(found, lambda one: one.qualifier, call.params)
        rendered = [
            {
                "FunctionArn": self._account.function_arn(owner.name, one.qualifier),
                **self._shown(one),
            }
            for one in shown
        ]
        return Reply(output=paging.listing("ProvisionedConcurrencyConfigs", rendered, marker))

    async def _named(self, call: Call) -> tuple[function.Function, str]:
        ref = self._account.ref(call.params["FunctionName"], call.params["Qualifier"])
        if ref.qualifier == function.LATEST:
            raise errors.InvalidParameterValueError(
                "The function resource provided must be an alias or a published version."
            )
        return await self._owner(ref)

    async def _owner(self, ref: FunctionRef) -> tuple[function.Function, str]:
        """Return the function, and the qualifier that it is certain to have."""
        owner = (await self._resources.living(*ref)).value
        qualifier = ref.qualifier or ""
        if not qualifier.isdigit() and await self._resources.alias(owner, qualifier) is None:
            arn = self._account.function_arn(owner.name, qualifier)
            raise errors.ResourceNotFoundError(f"Cannot find alias arn: {arn}")
        await self._resources.check_qualifier(owner, qualifier)
        return owner, qualifier

    # What must hold

    async def _check_overlap(self, owner: function.Function, qualifier: str) -> None:
        """Raise unless every version is provisioned by itself or by aliases, not by both."""
        alias = await self._resources.alias(owner, qualifier)
        if alias is not None:
            for version in alias_rules.versions(alias.value):
                if version == function.LATEST:
                    raise _unpublished()
                if await self._resources.qualified(kinds.PROVISIONED, owner, version) is not None:
                    raise errors.ResourceConflictError(
                        "Alias can't be used for Provisioned Concurrency configuration on an "
                        "already Provisioned version"
                    )
            return
        for other in await self._resources.aliases(owner):
            if qualifier in alias_rules.versions(other.value) and (
                await self._resources.qualified(kinds.PROVISIONED, owner, other.value.name)
            ):
                raise errors.ResourceConflictError(
                    "Version is pointed by a Provisioned Concurrency alias"
                )

    async def _check_quota(self, owner: function.Function, qualifier: str, requested: int) -> None:
        listed = await self._resources.all_qualified(kinds.PROVISIONED, owner)
        all_of_it = requested + sum(
            one.value.requested for one in listed if one.value.qualifier != qualifier
        )
        if owner.reserved_concurrency is not None:
            if all_of_it > owner.reserved_concurrency:
                raise errors.InvalidParameterValueError(
                    "Requested Provisioned Concurrency should not be greater than the "
                    "reservedConcurrentExecution for function"
                )
            return
        catalog = self._resources.catalog
        left = usage.unreserved_concurrency(self._account, catalog, but=owner.name)
        least = self._account.unreserved_concurrency_min
        if all_of_it > left:
            raise errors.InvalidParameterValueError(
                "Specified ConcurrentExecutions for function is greater than account's unreserved "
                f"concurrency [{left}]."
            )
        if left - all_of_it < least:
            raise errors.InvalidParameterValueError(
                "Specified ConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{least}]."
            )

    def _shown(self, config: ProvisionedConcurrency) -> dict[str, Any]:
        name, qualifier = config.function_name, config.qualifier
        standing = self._provisions.standing(name, qualifier)
        status = standing.status(self._provisions.wanted(name, qualifier))
        return _rendered(config, standing, status)


def _rendered(
    config: ProvisionedConcurrency, standing: provisioned.Standing, status: provisioned.Status
) -> dict[str, Any]:
    # Shares of an alias are rounded up; nobody is shown more than what was asked for.
    shown: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AvailableProvisionedConcurrentExecutions": min(config.requested, standing.available),
        "AllocatedProvisionedConcurrentExecutions": min(config.requested, standing.allocated),
        "Status": status.value,
        "LastModified": config.last_modified,
    }
    if status is provisioned.Status.FAILED:
        shown["StatusReason"] = standing.failure
    return shown


async def check_alias(
    resources: Resources, owner: function.Function, alias: function.Alias
) -> None:
    """Raise InvalidParameterValueError if what an alias has provisioned could not go along.

    AWS's text; what it says of the two cases apart from each other is not recorded.
    """
    if await resources.qualified(kinds.PROVISIONED, owner, alias.name) is None:
        return
    for version in alias_rules.versions(alias):
        if version == function.LATEST or (
            await resources.qualified(kinds.PROVISIONED, owner, version) is not None
        ):
            raise errors.InvalidParameterValueError(
                "Invalid alias configuration for Provisioned Concurrency"
            )


def _unpublished() -> errors.InvalidParameterValueError:
    return errors.InvalidParameterValueError(
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )


def _last_modified(now: float) -> str:
    return clock.utc(now).strftime("%Y-%m-%dT%H:%M:%S+0000")
