"""Recursion and runtime management configs: stored and shown, nothing acts on them."""

import msgspec

from inglenook import errors
from inglenook.model import function, lifecycle
from inglenook.model.arn import FunctionRef
from inglenook.store import documents
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import preconditions
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns

_MANUAL = "Manual"


class FunctionSettings:
    """The operations on small settings that a function, or each of its versions, has one of."""

    def __init__(self, *, resources: Resources, turns: Turns) -> None:
        self._resources = resources
        self._account = resources.account
        self._turns = turns

    def handlers(self) -> dict[str, Handler]:
        return {
            "PutFunctionRecursionConfig": self.put_recursion,
            "GetFunctionRecursionConfig": self.get_recursion,
            "PutRuntimeManagementConfig": self.put_runtime_management,
            "GetRuntimeManagementConfig": self.get_runtime_management,
        }

    async def put_recursion(self, call: Call) -> Reply:
        ref = preconditions.unqualified(self._account, call.params)
        given = call.params["RecursiveLoop"]

        async def decide(owner: function.Function) -> function.Function:
            return msgspec.structs.replace(owner, recursive_loop=given)

        async with self._turns.of(ref.name):
            await self._resources.change(ref.name, decide)
        return Reply(output={"RecursiveLoop": given})

    async def get_recursion(self, call: Call) -> Reply:
        ref = preconditions.unqualified(self._account, call.params)
        owner = (await self._resources.living(ref.name)).value
        return Reply(output={"RecursiveLoop": owner.recursive_loop})

    async def put_runtime_management(self, call: Call) -> Reply:
        ref = self._ref(call)
        mode, version_arn = call.params["UpdateRuntimeOn"], call.params.get("RuntimeVersionArn")
        if mode == _MANUAL and not version_arn:
            raise errors.InvalidParameterValueError(
                "RuntimeVersionArn is required when UpdateRuntimeOn is Manual."
            )
        given = function.RuntimeManagement(
            update_on=mode, runtime_version_arn=version_arn if mode == _MANUAL else None
        )
        async with self._turns.of(ref.name):
            if ref.qualifier in (None, function.LATEST):
                await self._put_latest(ref, given)
            else:
                await self._put_version(ref, given)
        return self._reply(ref, given)

    async def _put_latest(self, ref: FunctionRef, given: function.RuntimeManagement) -> None:
        async def decide(owner: function.Function) -> function.Function:
            lifecycle.check_settled(owner.status, self._account.function_arn(owner.name))
            return msgspec.structs.replace(owner, runtime_management=given)

        await self._resources.change(ref.name, decide)

    async def _put_version(self, ref: FunctionRef, given: function.RuntimeManagement) -> None:
        while True:
            document = await self._version(ref)
            changed = msgspec.structs.replace(document.value, runtime_management=given)
            try:
                await self._resources.replace(document, changed)
            except (documents.ConflictError, documents.NotFoundError):
                continue
            return

    async def get_runtime_management(self, call: Call) -> Reply:
        ref = self._ref(call)
        if ref.qualifier in (None, function.LATEST):
            owner = (await self._resources.living(*ref)).value
            return self._reply(ref, owner.runtime_management)
        return self._reply(ref, (await self._version(ref)).value.runtime_management)

    async def _version(self, ref: FunctionRef) -> documents.Document[function.Version]:
        owner = (await self._resources.living(*ref)).value
        found = await self._resources.published(owner, ref.qualifier or "")
        if found is None:
            raise self._resources.function_not_found(*ref)
        return found

    def _ref(self, call: Call) -> FunctionRef:
        return self._account.ref(call.params["FunctionName"], call.params.get("Qualifier"))

    def _reply(self, ref: FunctionRef, shown: function.RuntimeManagement) -> Reply:
        return Reply(
            output={
                "UpdateRuntimeOn": shown.update_on,
                "FunctionArn": self._account.function_arn(*ref),
                "RuntimeVersionArn": shown.runtime_version_arn,
            }
        )
