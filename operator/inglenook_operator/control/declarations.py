"""Takes what custom resources declare over to the platform, by calls of the Lambda API.

One resource at a time: read what is declared and what the platform has, ask `reconcile` what to
call, call it, look again. It ends with the conditions of the resource, which say whether the
platform has it, and if not why, in AWS's words. Every step is safe to repeat.
"""

import logging

from inglenook.aio import backoff
from inglenook_operator.cluster import api, index
from inglenook_operator.cluster.lambda_api import LambdaApi
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.control.choices import Choices
from inglenook_operator.control.deployments import Deployment, Deployments
from inglenook_operator.control.mirroring import Mirror
from inglenook_operator.control.sources import NotThereYetError
from inglenook_operator.control.statuses import Statuses
from inglenook_operator.reconcile import calls, packages, views
from inglenook_operator.reconcile.calls import Call, Decision, Refusal
from inglenook_operator.reconcile.conditions import Condition
from inglenook_operator.reconcile.names import Kind
from inglenook_operator.reconcile.packages import BadSourceError
from inglenook_operator.reconcile.views import Resource

logger = logging.getLogger(__name__)

_ROUNDS = 12
"""Of calls for one resource in one turn; more would be a mistake of ours."""
_WAIT_S = 1.0
_WAIT_S_MAX = 30.0
_REJECTED_S = 60.0
"""The world may have changed: what was rejected is tried again, seldom."""
_CUT_OFF_S = 600.0
"""A resource of the API's that has kept nothing for so long is the rest of a crash."""


class Declarations:
    """Reconcile declared resources of all kinds, one at a time."""

    def __init__(
        self,
        around: Surroundings,
        *,
        lambda_api: LambdaApi,
        statuses: Statuses,
        choices: Choices,
        deployments: Deployments,
        mirror: Mirror,
    ) -> None:
        self._around = around
        self._lambda = lambda_api
        self._statuses = statuses
        self._choices = choices
        self._deployments = deployments
        self._mirror = mirror
        self._pauses: dict[tuple[Kind, str], backoff.Backoff] = {}

    async def reconcile(self, kind: Kind, name: str) -> float | None:
        """Look at one resource; return when to look again, in seconds."""
        for _ in range(_ROUNDS):
            body = self._around.index.get(kind.value, name)
            one = None if body is None else views.view(kind, body)
            if body is None or one is None or one.is_leaving:
                self._pauses.pop((kind, name), None)
                return None
            if not one.is_readable or (one.is_of_the_api and one.document is None):
                return await self._damaged(one, body)
            decision, deployment = await self._choices.decide(one)
            if decision.problem is not None:
                return await self._end(one, body, decision.problem)
            if not decision.calls:
                return await self._agree(one, body, decision, deployment)
            for call in decision.calls:
                refused = await self._call(one, call, deployment)
                if refused is not None:
                    return await self._refused(one, body, refused)
            await self._look_again(kind, name)
        logger.warning("a resource does not settle", extra={"kind": kind.value, "resource": name})
        return _WAIT_S

    async def _call(
        self, one: Resource, call: Call, deployment: Deployment | None
    ) -> Refusal | Condition | None:
        """Call; return what the API, or the source of the code, has against it."""
        params = dict(call.params)
        if call.code_in is not None and deployment is not None:
            try:
                members = await deployment.members()
            except BadSourceError as error:
                return calls.rejected(error.reason, error.message)
            except NotThereYetError as error:
                return calls.waiting(str(error))
            if call.code_in:
                members = {call.code_in: members | (params.get(call.code_in) or {})}
            params |= members
        answer = await self._lambda.call(call.operation, params)
        about = {"operation": call.operation, "kind": one.kind.value, "resource": one.name}
        if isinstance(answer, Refusal):
            logger.debug("the Lambda API refused", extra={**about, "why": answer.type})
            return answer
        logger.info("a declared resource was taken to the Lambda API", extra=about)
        if call.code_in is not None and deployment is not None and one.kind is Kind.FUNCTION:
            await self._deployments.record(one, deployment, answer.get("CodeSha256"))
        return None

    async def _look_again(self, kind: Kind, name: str) -> None:
        body = await self._around.api.get(api.custom(kind.value, self._around.namespace, name))
        if body is not None:
            self._around.index.put(kind.value, body)

    async def _refused(
        self, one: Resource, body: index.Body, refusal: Refusal | Condition
    ) -> float:
        said = refusal if isinstance(refusal, Condition) else calls.condition(refusal)
        return await self._end(one, body, said)

    async def _end(self, one: Resource, body: index.Body, problem: Condition) -> float:
        """Say why the platform does not have what is declared; return when to try again."""
        await self._statuses.tell(one, body, problem, is_observed=problem.status is False)
        # Who serves a zip may have been applied together with what names it.
        may_pass = problem.status is None or problem.reason == packages.FETCH_FAILED
        return self._pause(one) if may_pass else _REJECTED_S

    async def _agree(
        self, one: Resource, body: index.Body, decision: Decision, deployment: Deployment | None
    ) -> float | None:
        """Say that the platform has it, or mirror what it has."""
        if decision.waits_for is not None:
            await self._statuses.tell(one, body, calls.waiting(decision.waits_for))
            return self._pause(one)
        self._pauses.pop((one.kind, one.name), None)
        if one.is_taken_over and await self._mirror.reconcile(one, body):
            return None
        if deployment is not None:
            await self._deployments.record(one, deployment, None)
        await self._statuses.tell(one, body, calls.accepted(), is_observed=True)
        return None

    def _pause(self, one: Resource) -> float:
        fresh = backoff.Backoff(_WAIT_S, _WAIT_S_MAX)
        return self._pauses.setdefault((one.kind, one.name), fresh).next()

    async def _damaged(self, one: Resource, body: index.Body) -> float | None:
        """Delete what the API began to make, and did not end making, long ago."""
        if not one.is_readable:
            return await self._end(one, body, calls.unreadable())
        left = one.created + _CUT_OFF_S - self._around.clock.now()
        if left > 0:
            return left
        metadata = body["metadata"]
        await self._around.api.delete(
            api.custom(one.kind.value, self._around.namespace, one.name),
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
        )
        return None
