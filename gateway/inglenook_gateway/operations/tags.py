"""ListTags, TagResource and UntagResource.

For functions, code signing configs and event source mappings.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from inglenook import errors
from inglenook.model import function, lifecycle
from inglenook.store import documents, kinds
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import code_signing_configs, event_source_mappings, tag_rules
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns

_Change = Callable[[Mapping[str, str]], dict[str, str]]
_Find = Callable[[Resources, str], Awaitable[documents.Document[Any] | None]]

_FINDERS: Mapping[str, _Find] = {
    ":code-signing-config:": code_signing_configs.find,
    ":event-source-mapping:": event_source_mappings.find,
}
"""What finds the document that an ARN names, by what stands in the ARN; functions are apart."""


class Tags:
    """The operations on tags. Of what has tags in Lambda, these three are built yet."""

    def __init__(self, *, resources: Resources, turns: Turns) -> None:
        self._resources = resources
        self._account = resources.account
        self._turns = turns

    def handlers(self) -> dict[str, Handler]:
        return {"ListTags": self.list, "TagResource": self.tag, "UntagResource": self.untag}

    async def list(self, call: Call) -> Reply:
        resource = call.params["Resource"]
        if (find := _finder(resource)) is not None:
            return Reply(output={"Tags": (await self._found(find, resource)).value.tags})
        return Reply(output={"Tags": (await self._function(self._name(resource))).tags})

    async def tag(self, call: Call) -> Reply:
        given = call.params["Tags"]
        if not given:
            raise errors.InvalidParameterValueError(
                "An error occurred and the request cannot be processed."
            )
        return await self._change(
            call.params["Resource"],
            lambda tags: tag_rules.merged(tags, given),
            # dg/functions-states.html names TagResource among what fails during an update, and no
            # other operation on tags.
            settled=True,
        )

    async def untag(self, call: Call) -> Reply:
        keys = call.params["TagKeys"]
        if not keys:
            raise errors.InvalidParameterValueError("No tag keys were given.")
        return await self._change(
            call.params["Resource"],
            lambda tags: {key: value for key, value in tags.items() if key not in keys},
            settled=False,
        )

    async def _change(self, resource: str, change: _Change, *, settled: bool) -> Reply:
        if (find := _finder(resource)) is not None:
            await self._change_found(find, resource, change)
        else:
            await self._change_function(self._name(resource), change, settled=settled)
        return Reply(status=204)

    async def _change_function(self, name: str, change: _Change, *, settled: bool) -> None:
        async def decide(owner: function.Function) -> function.Function:
            if settled:
                lifecycle.check_settled(owner.status, self._account.function_arn(name))
            return msgspec.structs.replace(owner, tags=change(owner.tags))

        async with self._turns.of(name):
            await self._function(name)
            await self._resources.change(name, decide)

    async def _change_found(self, find: _Find, resource: str, change: _Change) -> None:
        while True:
            document = await self._found(find, resource)
            value = msgspec.structs.replace(document.value, tags=change(document.value.tags))
            try:
                await self._resources.replace(document, value)
            except (documents.ConflictError, documents.NotFoundError):
                continue
            return

    async def _function(self, name: str) -> function.Function:
        found = await self._resources.find(kinds.FUNCTION, name)
        if found is None or found.value.deleting:
            # Not the text that other operations have for it.
            raise errors.ResourceNotFoundError
        return found.value

    async def _found(self, find: _Find, resource: str) -> documents.Document[Any]:
        found = await find(self._resources, resource)
        if found is None:
            raise errors.ResourceNotFoundError
        return found

    def _name(self, resource: str) -> str:
        if ":function:" not in resource:
            raise errors.InvalidParameterValueError(
                "Tags on capacity providers and network connectors are not built yet in Inglenook"
            )
        ref = self._account.ref(resource)
        if ref.qualifier is not None:
            raise errors.InvalidParameterValueError(
                "Tags on function aliases and versions are not supported. Please specify a "
                "function ARN."
            )
        return ref.name


def _finder(resource: str) -> _Find | None:
    return next((find for mark, find in _FINDERS.items() if mark in resource), None)
