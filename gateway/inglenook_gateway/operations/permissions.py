"""AddPermission, RemovePermission and GetPolicy."""

import msgspec

from inglenook import errors
from inglenook.model import arn, function, policy
from inglenook.model.arn import FunctionRef
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import policy_changes, policy_statements
from inglenook_gateway.operations.policy_changes import Found, Policies
from inglenook_gateway.operations.resources import Resources

_URL_ACTION = "lambda:InvokeFunctionUrl"


class Permissions:
    """The operations that add and remove single statements of policies.

    Statements are kept and shown. Nothing here enforces them.
    """

    def __init__(self, *, resources: Resources, policies: Policies) -> None:
        self._resources = resources
        self._account = resources.account
        self._policies = policies

    def handlers(self) -> dict[str, Handler]:
        return {
            "AddPermission": self.add,
            "RemovePermission": self.remove,
            "GetPolicy": self.get,
        }

    async def add(self, call: Call) -> Reply:
        ref = self._ref(call)
        if ref.qualifier == function.LATEST:
            raise errors.InvalidParameterValueError(
                "We currently do not support adding policies for $LATEST."
            )
        statement = self._statement(call, ref)

        def decide(found: Found) -> policy.Policy:
            policy_changes.check_revision(call.params, found)
            known = found.policy or policy.Policy(
                function_name=found.owner.name,
                function_uid=found.owner.uid,
                qualifier=ref.qualifier,
                statements=(),
            )
            policy_statements.check_new(known.statements, call.params["StatementId"])
            grown = msgspec.structs.replace(known, statements=(*known.statements, statement))
            policy_statements.check_size(policy_statements.whole_json(grown))
            return grown

        await self._policies.change(ref, decide)
        return Reply(output={"Statement": policy_statements.statement_json(statement)})

    def _statement(self, call: Call, ref: FunctionRef) -> policy.Statement:
        params = call.params
        if params.get("FunctionUrlAuthType") is not None and params["Action"] != _URL_ACTION:
            raise errors.InvalidParameterValueError(
                f"FunctionUrlAuthType is only supported for {_URL_ACTION} action"
            )
        return policy.Statement(
            sid=params["StatementId"],
            principal=policy_statements.principal(
                params["Principal"], partition=arn.partition(self._account.region)
            ),
            action=params["Action"],
            resource=self._account.function_arn(*ref),
            condition=policy_statements.conditions(params),
        )

    async def remove(self, call: Call) -> Reply:
        ref = self._ref(call)
        try:
            await self._resources.living(*ref)
        except errors.ResourceNotFoundError:
            named = self._account.function_arn(ref.name)
            raise errors.ResourceNotFoundError(f"No policy found for: {named}") from None

        def decide(found: Found) -> policy.Policy:
            if found.policy is None:
                raise errors.ResourceNotFoundError(
                    "No policy is associated with the given resource."
                )
            left = policy_statements.without(found.policy.statements, call.params["StatementId"])
            policy_changes.check_revision(call.params, found)
            return msgspec.structs.replace(found.policy, statements=left)

        await self._policies.change(ref, decide)
        return Reply(status=204)

    async def get(self, call: Call) -> Reply:
        try:
            found = await self._policies.read(self._ref(call))
        except errors.ResourceNotFoundError:
            # Not the text that other operations have for it.
            raise errors.ResourceNotFoundError from None
        if found.policy is None:
            raise errors.ResourceNotFoundError
        return Reply(
            output={
                "Policy": policy_statements.whole_json(found.policy),
                "RevisionId": found.revision_id,
            }
        )

    def _ref(self, call: Call) -> FunctionRef:
        return self._account.ref(call.params["FunctionName"], call.params.get("Qualifier"))
