"""Ends what was deleted through kubectl: the function, and all that belongs to it.

A Function has a finalizer, so that its aliases, versions, configurations and environments go before
its name is free. Everything else is gone as soon as it is deleted; what belonged to it is found by
`inglenook.upkeep.recovery`.
"""

import copy

from inglenook_cluster.kube.requests import RefusedError
from inglenook_cluster.resources.definitions import DRAIN_FINALIZER
from inglenook_operator.cluster import api, index
from inglenook_operator.cluster.lambda_api import LambdaApi
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.control.statuses import Statuses
from inglenook_operator.reconcile import calls, views
from inglenook_operator.reconcile.calls import Refusal
from inglenook_operator.reconcile.names import Kind
from inglenook_operator.reconcile.views import Resource

_AGAIN_S = 2.0


class Deletions:
    """Reconcile the finalizers of Functions."""

    def __init__(self, around: Surroundings, *, lambda_api: LambdaApi, statuses: Statuses) -> None:
        self._around = around
        self._lambda = lambda_api
        self._statuses = statuses

    async def reconcile(self, name: str) -> float | None:
        """Look at one Function; return when to look again, in seconds."""
        body = self._around.index.get(Kind.FUNCTION.value, name)
        if body is None:
            return None
        one = views.view(Kind.FUNCTION, body)
        if not one.is_leaving:
            if not one.has_finalizer:
                await self._change(one, body, has_it=True)
            return None
        if not one.has_finalizer:
            return None
        if one.document is None:
            await self._change(one, body, has_it=False)
            return None
        answer = await self._lambda.call("DeleteFunction", {"FunctionName": one.function_name})
        if isinstance(answer, Refusal) and answer.type == "ResourceNotFoundException":
            await self._change(one, body, has_it=False)
            return None
        if isinstance(answer, Refusal):
            await self._statuses.tell(one, body, calls.condition(answer))
        return _AGAIN_S

    async def _change(self, one: Resource, body: index.Body, *, has_it: bool) -> None:
        written = copy.deepcopy(dict(body))
        metadata = written["metadata"]
        others = [each for each in metadata.get("finalizers") or () if each != DRAIN_FINALIZER]
        metadata["finalizers"] = [*others, DRAIN_FINALIZER] if has_it else others
        patch = {
            "metadata": {
                "resourceVersion": metadata["resourceVersion"],
                "finalizers": metadata["finalizers"],
            }
        }
        path = api.custom(Kind.FUNCTION.value, self._around.namespace, one.name)
        try:
            self._around.index.put(Kind.FUNCTION.value, await self._around.api.merge(path, patch))
        except RefusedError as error:
            if error.status not in (api.CONFLICT, api.GONE):
                raise
