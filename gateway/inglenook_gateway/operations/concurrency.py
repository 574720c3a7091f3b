"""PutFunctionConcurrency, GetFunctionConcurrency and DeleteFunctionConcurrency.

What is reserved is enforced where invocations are admitted; here it is only kept within the
account's limit.
"""

import asyncio

import msgspec

from inglenook import errors
from inglenook.model import function
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import preconditions, usage
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns


class Concurrency:
    """The operations on a function's reserved concurrency."""

    def __init__(self, *, resources: Resources, turns: Turns, quota: asyncio.Lock) -> None:
        """Nobody else takes of the account's concurrency while `quota` is held.

        What one function takes is missing for another, between the look and the writing, too.
        """
        self._resources = resources
        self._account = resources.account
        self._turns = turns
        self._quota = quota

    def handlers(self) -> dict[str, Handler]:
        return {
            "PutFunctionConcurrency": self.put,
            "GetFunctionConcurrency": self.get,
            "DeleteFunctionConcurrency": self.delete,
        }

    async def put(self, call: Call) -> Reply:
        reserved: int = call.params["ReservedConcurrentExecutions"]
        await self._set(call, reserved)
        return Reply(output={"ReservedConcurrentExecutions": reserved})

    async def get(self, call: Call) -> Reply:
        ref = preconditions.unqualified(self._account, call.params)
        reserved = (await self._resources.living(ref.name)).value.reserved_concurrency
        return Reply(output={} if reserved is None else {"ReservedConcurrentExecutions": reserved})

    async def delete(self, call: Call) -> Reply:
        await self._set(call, None)
        return Reply(status=204)

    async def _set(self, call: Call, reserved: int | None) -> None:
        ref = preconditions.unqualified(self._account, call.params)

        async def decide(owner: function.Function) -> function.Function:
            self._check(owner.name, reserved)
            return msgspec.structs.replace(owner, reserved_concurrency=reserved)

        async with self._turns.of(ref.name), self._quota:
            await self._resources.change(ref.name, decide)

    def _check(self, name: str, reserved: int | None) -> None:
        if reserved is None:
            return
        catalog = self._resources.catalog
        left = usage.unreserved_concurrency(self._account, catalog, but=name)
        least = self._account.unreserved_concurrency_min
        if reserved and left - reserved < least:
            raise errors.InvalidParameterValueError(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{least}]."
            )
        provisioned = usage.provisioned_concurrency(catalog, name)
        if reserved < provisioned:
            raise errors.InvalidParameterValueError(
                f" ReservedConcurrentExecutions  {reserved} should not be lower than function's "
                f"total provisioned concurrency [{provisioned}]."
            )
