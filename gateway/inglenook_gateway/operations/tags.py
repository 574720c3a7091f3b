"""ListTags, TagResource and UntagResource, for functions."""

from collections.abc import Awaitable, Callable

import msgspec

from inglenook import errors
from inglenook.model import function
from inglenook.store import kinds
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import tag_rules
from inglenook_gateway.operations.resources import Resources


class Tags:
    """The operations on tags. Of what has tags in Lambda, only functions are built yet."""

    def __init__(self, *, resources: Resources) -> None:
        self._resources = resources
        self._account = resources.account

    def handlers(self) -> dict[str, Handler]:
        return {"ListTags": self.list, "TagResource": self.tag, "UntagResource": self.untag}

    async def list(self, call: Call) -> Reply:
        owner = await self._find(self._name(call))
        return Reply(output={"Tags": owner.tags})

    async def tag(self, call: Call) -> Reply:
        given = call.params["Tags"]
        if not given:
            raise errors.InvalidParameterValueError("No tags were given.")

        async def decide(owner: function.Function) -> function.Function:
            return msgspec.structs.replace(owner, tags=tag_rules.merged(owner.tags, given))

        return await self._change(call, decide)

    async def untag(self, call: Call) -> Reply:
        keys = call.params["TagKeys"]
        if not keys:
            raise errors.InvalidParameterValueError("No tag keys were given.")

        async def decide(owner: function.Function) -> function.Function:
            left = {key: value for key, value in owner.tags.items() if key not in keys}
            return msgspec.structs.replace(owner, tags=left)

        return await self._change(call, decide)

    async def _change(
        self, call: Call, decide: Callable[[function.Function], Awaitable[function.Function]]
    ) -> Reply:
        name = self._name(call)
        await self._find(name)
        await self._resources.change(name, decide)
        return Reply(status=204)

    async def _find(self, name: str) -> function.Function:
        found = await self._resources.find(kinds.FUNCTION, name)
        if found is None or found.value.deleting:
            # Not the text that other operations have for it.
            raise errors.ResourceNotFoundError
        return found.value

    def _name(self, call: Call) -> str:
        resource = call.params["Resource"]
        if ":function:" not in resource:
            raise errors.InvalidParameterValueError(
                "Tags on anything but functions are not built yet in Inglenook"
            )
        ref = self._account.ref(resource)
        if ref.qualifier is not None:
            raise errors.InvalidParameterValueError(
                "Tags on function aliases and versions are not supported. Please specify a "
                "function ARN."
            )
        return ref.name
