"""Says on each ProvisionedConcurrency how far it is: how many environments are ready.

The gateway that owns the function knows, and tells through the Lambda API. It is asked every now
and then; what is written is what has changed.
"""

from collections.abc import Mapping
from typing import Any

from inglenook_operator.cluster.lambda_api import LambdaApi
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.reconcile import conditions, views
from inglenook_operator.reconcile.calls import Refusal
from inglenook_operator.reconcile.conditions import Condition
from inglenook_operator.reconcile.names import Kind

_UNDER_WAY_S = 1.0
_SETTLED_S = 10.0
"""Environments are lost and made anew; an alias may come to mean another version."""


class Allocations:
    """Keep the statuses of ProvisionedConcurrency true."""

    def __init__(self, around: Surroundings, *, lambda_api: LambdaApi) -> None:
        self._around = around
        self._lambda = lambda_api

    async def reconcile(self, name: str) -> float | None:
        """Look at one that the platform has; return when to look again, in seconds."""
        body = self._around.index.get(Kind.PROVISIONED.value, name)
        one = None if body is None else views.view(Kind.PROVISIONED, body)
        if body is None or one is None or one.is_leaving or one.document is None:
            return None
        asked = one.document.value
        params = {"FunctionName": asked.function_name, "Qualifier": asked.qualifier}
        answer = await self._lambda.call("GetProvisionedConcurrencyConfig", params)
        if isinstance(answer, Refusal):
            return _SETTLED_S
        ready = readiness(answer)
        wanted = {
            "allocated": answer["AllocatedProvisionedConcurrentExecutions"],
            "available": answer["AvailableProvisionedConcurrentExecutions"],
            "state": answer["Status"],
            "stateReason": answer.get("StatusReason"),
            "conditions": conditions.merged(
                one.conditions, [ready], generation=one.generation, now=self._around.clock.now()
            ),
        }
        if ready.status is False:
            await self._around.events.post(body, reason=ready.reason, message=ready.message)
        status = body.get("status") or {}
        if any(status.get(key) != value for key, value in wanted.items()):
            await self._around.merge_status(Kind.PROVISIONED.value, name, wanted)
        return _UNDER_WAY_S if ready.status is None else _SETTLED_S


def readiness(answer: Mapping[str, Any]) -> Condition:
    """Return what an answer of GetProvisionedConcurrencyConfig means for people."""
    match answer["Status"]:
        case "READY":
            return Condition(type=conditions.READY, status=True, reason="Allocated")
        case "FAILED":
            message = answer.get("StatusReason") or "The environments cannot be allocated."
            return Condition(
                type=conditions.READY, status=False, reason="AllocationFailed", message=message
            )
        case _:
            available = answer["AvailableProvisionedConcurrentExecutions"]
            requested = answer["RequestedProvisionedConcurrentExecutions"]
            return Condition(
                type=conditions.READY,
                status=None,
                reason="InProgress",
                message=f"{available} of {requested} environments are ready.",
            )
