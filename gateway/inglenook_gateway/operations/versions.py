"""PublishVersion and ListVersionsByFunction."""

import msgspec

from inglenook import errors
from inglenook.model import function
from inglenook.store import code
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import paging, preconditions, publishing, rendering, unbuilt
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns


class Versions:
    """The operations on versions."""

    def __init__(self, *, resources: Resources, turns: Turns) -> None:
        self._resources = resources
        self._account = resources.account
        self._turns = turns

    def handlers(self) -> dict[str, Handler]:
        return {"PublishVersion": self.publish, "ListVersionsByFunction": self.list}

    async def publish(self, call: Call) -> Reply:
        params, resources = call.params, self._resources
        ref = preconditions.unqualified(self._account, params)
        unbuilt.check({key: params[key] for key in ("PublishTo",) if key in params})
        reservation: publishing.Reservation | None = None

        async def decide(owner: function.Function) -> function.Function:
            nonlocal reservation
            reservation = None
            preconditions.changeable(self._account, owner, params)
            _check_code(owner, params.get("CodeSha256"))
            if await publishing.published(resources, owner) is not None:
                return owner
            reservation = await publishing.reserve(
                resources, owner, description=params.get("Description")
            )
            status = msgspec.structs.replace(owner.status, revision_id=resources.new_id())
            return msgspec.structs.replace(reservation.owner, status=status)

        async with self._turns.of(ref.name):
            stored = await resources.change(ref.name, decide)
            if reservation is not None:
                await publishing.tidy(resources, reservation)
                shown = reservation.version
            else:
                shown = await self._last(stored)
        return Reply(output=rendering.version(self._account, shown))

    async def _last(self, owner: function.Function) -> function.Version:
        document = await self._resources.version(owner, owner.last_version)
        if document is None:
            raise self._resources.function_not_found(owner.name, str(owner.last_version))
        return document.value

    async def list(self, call: Call) -> Reply:
        ref = self._account.ref(call.params["FunctionName"])
        owner = (await self._resources.living(ref.name)).value
        versions = [document.value for document in await self._resources.versions(owner)]
        items: list[function.Function | function.Version] = [owner, *versions]
        shown, marker = paging.page(items, _key, call.params)
        rendered = [
            rendering.listed(self._account, one, qualifier=function.LATEST) for one in shown
        ]
        return Reply(output=paging.listing("Versions", rendered, marker))


def _key(one: function.Function | function.Version) -> str:
    # `$LATEST` sorts before all numbers; an empty key would make an empty marker.
    return f"{one.number:010d}" if isinstance(one, function.Version) else function.LATEST


def _check_code(owner: function.Function, given: str | None) -> None:
    current = code.shown_sha256(owner.spec)
    if given is not None and given != current:
        raise errors.InvalidParameterValueError(
            f"CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({current}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
