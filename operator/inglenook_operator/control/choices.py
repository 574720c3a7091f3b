"""What is to be called for a declared resource now: facts are gathered, and `reconcile` is asked.

Nothing is called here but what tells which code is declared.
"""

from inglenook.model.account import Account
from inglenook.store import kinds
from inglenook_cluster.resources import codec, manifest, names
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.control.deployments import Deployment, Deployments
from inglenook_operator.control.sources import NotThereYetError
from inglenook_operator.reconcile import calls, children, functions, publishing, views
from inglenook_operator.reconcile.calls import Decision
from inglenook_operator.reconcile.names import LAYERS, Kind
from inglenook_operator.reconcile.packages import BadSourceError
from inglenook_operator.reconcile.views import Resource


class Choices:
    """Choose the next calls for resources."""

    def __init__(self, around: Surroundings, *, deployments: Deployments, account: Account) -> None:
        self._around = around
        self._deployments = deployments
        self._account = account

    async def decide(self, one: Resource) -> tuple[Decision, Deployment | None]:
        try:
            return await self._decide(one)
        except BadSourceError as error:
            return Decision(problem=calls.rejected(error.reason, error.message)), None
        except NotThereYetError as error:
            return Decision(problem=calls.waiting(str(error))), None

    async def _decide(self, one: Resource) -> tuple[Decision, Deployment | None]:
        if one.right_name != one.name:
            return Decision(problem=children.misnamed(one.kind, one.right_name)), None
        if one.kind is Kind.FUNCTION:
            return await self._of_function(one)
        is_new = one.document is None
        is_fixed = not is_new and one.kind in children.IMMUTABLE
        if one.is_taken_over or is_fixed or one.is_as_declared:
            return Decision(), None
        obstacle = self._obstacle(one)
        if obstacle is not None:
            return obstacle, None
        decision = children.decide(
            one.kind, account=self._account, wanted=one.wanted, is_new=is_new
        )
        has_code = any(call.code_in is not None for call in decision.calls)
        return decision, await self._deployments.of(one) if has_code else None

    async def _of_function(self, one: Resource) -> tuple[Decision, Deployment | None]:
        deployment = await self._deployments.of(one)
        if one.is_taken_over and not deployment.is_new:
            return Decision(), deployment
        decision = functions.decide(
            name=one.function_name,
            account=self._account,
            wanted=one.wanted,
            present=one.present,
            is_settled=views.is_settled(one),
            is_code_new=deployment.is_new,
        )
        return decision, deployment

    def _obstacle(self, one: Resource) -> Decision | None:
        number = children.number(one.kind, one.name)
        if one.kind is Kind.LAYER_VERSION:
            return publishing.layer_obstacle(number, self._last_layer_version(one))
        if not one.function_name:
            return None
        owner = self._owner(one)
        if owner is None or owner.document is None:
            return Decision(problem=calls.waiting("The function is not there yet."))
        return publishing.obstacle(number, owner) if one.kind is Kind.VERSION else None

    def _owner(self, one: Resource) -> Resource | None:
        name = names.resource_name(kinds.FUNCTION.name, one.function_name)
        body = self._around.index.get(Kind.FUNCTION.value, name)
        return None if body is None else views.view(Kind.FUNCTION, body)

    def _last_layer_version(self, one: Resource) -> int:
        name = names.resource_name(kinds.LAYER.name, one.spec["layerName"])
        body = self._around.index.get(LAYERS, name)
        found = None if body is None else codec.document(kinds.LAYER, manifest.read(body))
        return 0 if found is None else found.value.last_version
