"""The operations on event source mappings: kept, checked and shown; nothing polls the sources yet.

So every mapping is shown Disabled, with the reason, and what `Enabled` asked for is kept in its
document. Whether a source exists is not looked up. Changes go one after the other, whatever their
function, because two mappings of one function and source must not come to be.
"""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from inglenook import errors
from inglenook.model import event_source, limits
from inglenook.model.arn import FunctionRef
from inglenook.model.event_source import EventSourceMapping, Source
from inglenook.store import documents, kinds
from inglenook.store.documents import Document
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import (
    event_source_members,
    event_source_rules,
    event_source_shown,
    paging,
    tag_rules,
)
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns

logger = logging.getLogger(__name__)

_State = event_source_shown.State
_TURN = "event-source-mappings:"
"""No function's name: those have no colon."""


class EventSourceMappings:
    """The operations on the mappings of one account."""

    def __init__(self, *, resources: Resources, turns: Turns) -> None:
        self._resources = resources
        self._account = resources.account
        self._turns = turns

    def handlers(self) -> dict[str, Handler]:
        return {
            "CreateEventSourceMapping": self.create,
            "GetEventSourceMapping": self.get,
            "UpdateEventSourceMapping": self.update,
            "DeleteEventSourceMapping": self.delete,
            "ListEventSourceMappings": self.list,
        }

    async def create(self, call: Call) -> Reply:
        params, now = call.params, self._resources.clock.now()
        source = event_source_members.source(params)
        event_source_members.check_taken(source, params)
        event_source_members.check_needed(source, params)
        ref = self._account.ref(params["FunctionName"])
        uuid = self._resources.new_id()
        one = event_source_members.empty(uuid, ref, source, params, now)
        one = msgspec.structs.replace(
            one,
            **event_source_members.given(params, one),
            tags=tag_rules.merged({}, params.get("Tags") or {}),
        )
        event_source_rules.check(one, now=now)
        async with self._turns.of(_TURN):
            await self._check_function(ref)
            await self._check_only(one)
            await self._resources.create(kinds.EVENT_SOURCE, one.uuid, one)
        self._warn(one)
        return self._reply(one, _State.CREATING)

    async def get(self, call: Call) -> Reply:
        return self._reply((await self._find(call.params)).value, _State.DISABLED)

    async def update(self, call: Call) -> Reply:
        async with self._turns.of(_TURN):
            while True:
                document = await self._find(call.params)
                one = await self._changed(document.value, call.params)
                try:
                    await self._resources.replace(document, one)
                except (documents.ConflictError, documents.NotFoundError):
                    continue
                break
        was_enabled = document.value.enabled
        if one.enabled and not was_enabled:
            self._warn(one)
        is_disabled = was_enabled and not one.enabled
        return self._reply(one, _State.DISABLING if is_disabled else _State.UPDATING)

    async def _changed(
        self, one: EventSourceMapping, params: Mapping[str, Any]
    ) -> EventSourceMapping:
        now = self._resources.clock.now()
        event_source_members.check_taken(one.source, params)
        event_source_members.check_changeable(params)
        changes = event_source_members.given(params, one) | {"last_modified": now}
        if (given := params.get("FunctionName")) is not None:
            ref = self._account.ref(given)
            await self._check_function(ref)
            changes |= {"function_name": ref.name, "qualifier": ref.qualifier}
        changed = msgspec.structs.replace(one, **changes)
        event_source_rules.check(changed, now=now)
        if given is not None:
            await self._check_only(changed)
        return changed

    async def delete(self, call: Call) -> Reply:
        async with self._turns.of(_TURN):
            document = await self._find(call.params)
            await self._resources.delete(document)
        return self._reply(document.value, _State.DELETING)

    async def list(self, call: Call) -> Reply:
        found = [one.value for one in await self._resources.listed(kinds.EVENT_SOURCE, "")]
        if (event_source_arn := call.params.get("EventSourceArn")) is not None:
            found = [one for one in found if one.event_source_arn == event_source_arn]
        if (name := call.params.get("FunctionName")) is not None:
            ref = self._account.ref(name)
            found = [one for one in found if (one.function_name, one.qualifier) == ref]
        shown, marker = paging.page(
            found,
            lambda one: one.uuid,
            call.params,
            most=limits.EVENT_SOURCE_PAGE_ITEMS_MAX,
        )
        rendered = [event_source_shown.listed(self._account, one) for one in shown]
        return Reply(output=paging.listing("EventSourceMappings", rendered, marker))

    async def _find(self, params: Mapping[str, Any]) -> Document[EventSourceMapping]:
        found = await self._resources.find(kinds.EVENT_SOURCE, params["UUID"])
        if found is None:
            raise errors.ResourceNotFoundError
        return found

    async def _check_function(self, ref: FunctionRef) -> None:
        try:
            owner = (await self._resources.living(ref.name)).value
            await self._resources.check_qualifier(owner, ref.qualifier)
        except errors.ResourceNotFoundError:
            # Recorded answers have 400 here, where other operations have 404.
            raise errors.InvalidParameterValueError("Function does not exist") from None

    async def _check_only(self, one: EventSourceMapping) -> None:
        """Raise ResourceConflictError if another mapping does the same."""
        for other in await self._resources.listed(kinds.EVENT_SOURCE, ""):
            if other.name != one.uuid and other.value.reads_as(one):
                raise errors.ResourceConflictError(self._exists(other.value))

    def _exists(self, one: EventSourceMapping) -> str:
        rest = f"Please update or delete the existing mapping with UUID {one.uuid}"
        if one.topics:
            sources = one.event_source_arn or ",".join(one.bootstrap_servers)
            return (
                f'An event source mapping with event source ("{sources}"), function '
                f'("{event_source_shown.function_arn(self._account, one)}"), topics '
                f'("{",".join(one.topics)}") already exists. {rest}'
            )
        if one.source is Source.SQS:
            return (
                f'An event source mapping with SQS arn (" {one.event_source_arn} ") and function '
                f'(" {one.function_name} ") already exists. {rest}'
            )
        return (
            f'The event source arn (" {one.event_source_arn} ") and function '
            f'(" {one.function_name} ") provided mapping already exists. {rest}'
        )

    def _warn(self, one: EventSourceMapping) -> None:
        if one.enabled:
            logger.warning(
                "event sources are not polled yet: a mapping is kept, and invokes nothing",
                extra={
                    "function": one.function_name,
                    "qualifier": one.qualifier,
                    "uuid": one.uuid,
                    "source": one.source.value,
                },
            )

    def _reply(self, one: EventSourceMapping, state: event_source_shown.State) -> Reply:
        return Reply(output=event_source_shown.mapping(self._account, one, state))


async def find(resources: Resources, given: str) -> Document[EventSourceMapping] | None:
    """Return the mapping of an ARN; None for one that is not of this account and region."""
    uuid, account = given.rpartition(":")[2], resources.account
    ours = event_source.mapping_arn(uuid, region=account.region, account=account.id)
    return await resources.find(kinds.EVENT_SOURCE, uuid) if given == ours else None
