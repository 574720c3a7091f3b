"""The operations on event invoke configs: what becomes of asynchronous invocations.

Put, Update, Get, Delete and List. The queue of events reads the configs from the catalog.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from inglenook import errors
from inglenook.aio import clock
from inglenook.model import event_invoke, function
from inglenook.model.arn import FunctionRef
from inglenook.store import documents, kinds
from inglenook.store.documents import Document
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import destinations, paging
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns

Config = event_invoke.EventInvokeConfig

_MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


class EventInvokeConfigs:
    """The operations on the configs of one account, one to each qualifier."""

    def __init__(self, *, resources: Resources, turns: Turns) -> None:
        self._resources = resources
        self._account = resources.account
        self._turns = turns

    def handlers(self) -> dict[str, Handler]:
        return {
            "PutFunctionEventInvokeConfig": self.put,
            "UpdateFunctionEventInvokeConfig": self.update,
            "GetFunctionEventInvokeConfig": self.get,
            "DeleteFunctionEventInvokeConfig": self.delete,
            "ListFunctionEventInvokeConfigs": self.list,
        }

    async def put(self, call: Call) -> Reply:
        """Set a config; what the request does not say goes back to its default."""

        async def decide(owner: function.Function, qualifier: str, _: Config | None) -> Config:
            empty = event_invoke.EventInvokeConfig(
                function_name=owner.name,
                function_uid=owner.uid,
                qualifier=qualifier,
                last_modified=0,
            )
            return await self._changed(empty, call.params)

        return await self._change(call, decide)

    async def update(self, call: Call) -> Reply:
        """Change a config; what the request does not say stays."""

        async def decide(owner: function.Function, qualifier: str, known: Config | None) -> Config:
            if known is None:
                raise self._absent(FunctionRef(owner.name, qualifier))
            return await self._changed(known, call.params)

        return await self._change(call, decide)

    async def _change(
        self,
        call: Call,
        decide: Callable[[function.Function, str, Config | None], Awaitable[Config]],
    ) -> Reply:
        if all(call.params.get(member) is None for member in _MEMBERS):
            raise errors.InvalidParameterValueError(
                "You must specify at least one of error handling or destination setting."
            )
        ref = self._ref(call)
        async with self._turns.of(ref.name):
            owner = await self._owner(ref.name, ref.qualifier)
            while True:
                document = await self._find(owner, ref.qualifier)
                known = None if document is None else document.value
                value = await decide(owner, ref.qualifier or function.LATEST, known)
                try:
                    if document is None:
                        await self._resources.create_qualified(kinds.EVENT_INVOKE, value)
                    else:
                        await self._resources.replace(document, value)
                except (
                    documents.AlreadyExistsError,
                    documents.ConflictError,
                    documents.NotFoundError,
                ):
                    continue
                return Reply(output=self._shown(value))

    async def _changed(self, config: Config, params: Mapping[str, Any]) -> Config:
        changes: dict[str, Any] = {"last_modified": self._resources.clock.now()}
        if params.get("MaximumRetryAttempts") is not None:
            changes["maximum_retry_attempts"] = params["MaximumRetryAttempts"]
        if params.get("MaximumEventAgeInSeconds") is not None:
            changes["maximum_event_age_s"] = params["MaximumEventAgeInSeconds"]
        given = params.get("DestinationConfig")
        if given is not None:
            found = destinations.read(given)
            await destinations.check(self._resources, found, owner=config.function_name)
            changes |= {"on_success": found.on_success, "on_failure": found.on_failure}
        return msgspec.structs.replace(config, **changes)

    async def get(self, call: Call) -> Reply:
        return Reply(output=self._shown((await self._known(self._ref(call))).value))

    async def delete(self, call: Call) -> Reply:
        ref = self._ref(call)
        async with self._turns.of(ref.name):
            await self._resources.delete(await self._known(ref))
        return Reply(status=204)

    async def list(self, call: Call) -> Reply:
        ref = self._account.ref(call.params["FunctionName"])
        owner = await self._owner(ref.name, ref.qualifier)
        found = await self._resources.all_qualified(kinds.EVENT_INVOKE, owner)
        configs = [document.value for document in found]
        shown, marker = paging.page(configs, lambda one: one.qualifier, call.params)
        rendered = [self._shown(one) for one in shown]
        return Reply(output=paging.listing("FunctionEventInvokeConfigs", rendered, marker))

    async def _owner(self, name: str, qualifier: str | None) -> function.Function:
        try:
            owner = (await self._resources.living(name)).value
            await self._resources.check_qualifier(owner, qualifier)
        except errors.ResourceNotFoundError:
            raise errors.ResourceNotFoundError("The function doesn't exist.") from None
        return owner

    async def _known(self, ref: FunctionRef) -> Document[Config]:
        """Return a config. Raises the same error whichever of all it needs is not there."""
        try:
            owner = (await self._resources.living(ref.name)).value
            await self._resources.check_qualifier(owner, ref.qualifier)
        except errors.ResourceNotFoundError:
            raise self._absent(ref) from None
        document = await self._find(owner, ref.qualifier)
        if document is None:
            raise self._absent(ref)
        return document

    async def _find(
        self, owner: function.Function, qualifier: str | None
    ) -> Document[Config] | None:
        return await self._resources.qualified(
            kinds.EVENT_INVOKE, owner, qualifier or function.LATEST
        )

    def _ref(self, call: Call) -> FunctionRef:
        return self._account.ref(call.params["FunctionName"], call.params.get("Qualifier"))

    def _absent(self, ref: FunctionRef) -> errors.ResourceNotFoundError:
        arn = self._account.function_arn(ref.name, ref.qualifier or function.LATEST)
        return errors.ResourceNotFoundError(f"The function {arn} doesn't have an EventInvokeConfig")

    def _shown(self, config: Config) -> dict[str, Any]:
        return {
            "LastModified": clock.utc(config.last_modified),
            "FunctionArn": self._account.function_arn(config.function_name, config.qualifier),
            "MaximumRetryAttempts": config.maximum_retry_attempts,
            "MaximumEventAgeInSeconds": config.maximum_event_age_s,
            "DestinationConfig": {
                "OnSuccess": {"Destination": config.on_success},
                "OnFailure": {"Destination": config.on_failure},
            },
        }
