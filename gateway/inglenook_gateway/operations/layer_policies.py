"""AddLayerVersionPermission, RemoveLayerVersionPermission and GetLayerVersionPolicy.

A layer version's policy is kept with it and goes with it. Here it is stored and shown; who may use
a layer is enforced where callers are authenticated.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from inglenook import errors
from inglenook.model import arn, layer, policy
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import policy_statements
from inglenook_gateway.operations.layer_versions import LayerVersions
from inglenook_gateway.operations.resources import Resources


class LayerPolicies:
    """The operations on the policies of layer versions."""

    def __init__(self, *, resources: Resources) -> None:
        self._resources = resources
        self._account = resources.account
        self._versions = LayerVersions(resources)

    def handlers(self) -> dict[str, Handler]:
        return {
            "AddLayerVersionPermission": self.add,
            "RemoveLayerVersionPermission": self.remove,
            "GetLayerVersionPolicy": self.get,
        }

    async def add(self, call: Call) -> Reply:
        params = call.params
        name, number = self._place(params)
        statement = self._statement(params, name, number)

        def decide(version: layer.LayerVersion) -> layer.LayerVersion:
            policy_statements.check_new(version.statements, params["StatementId"])
            _check_revision(params, version)
            statements = (*version.statements, statement)
            policy_statements.check_size(policy_statements.policy_json(statements))
            return self._with(version, statements)

        changed = await self._versions.change(name, number, decide)
        output = {
            "Statement": policy_statements.statement_json(statement),
            "RevisionId": changed.policy_revision_id,
        }
        return Reply(output=output)

    def _statement(self, params: Mapping[str, Any], name: str, number: int) -> policy.Statement:
        return policy.Statement(
            sid=params["StatementId"],
            principal=policy_statements.principal(
                params["Principal"], partition=arn.partition(self._account.region)
            ),
            action=params["Action"],
            resource=layer.version_arn(self._account, name, number),
            condition=policy_statements.conditions(
                {"PrincipalOrgID": params.get("OrganizationId")}
            ),
        )

    async def remove(self, call: Call) -> Reply:
        params = call.params
        name, number = self._place(params)

        def decide(version: layer.LayerVersion) -> layer.LayerVersion:
            _check_revision(params, version)
            left = policy_statements.without(version.statements, params["StatementId"])
            return self._with(version, left)

        await self._versions.change(name, number, decide)
        return Reply(status=204)

    async def get(self, call: Call) -> Reply:
        found = await self._versions.living(*self._place(call.params))
        version = found.value
        if not version.statements:
            raise errors.ResourceNotFoundError("No policy is associated with the given resource.")
        output = {
            "Policy": policy_statements.policy_json(version.statements),
            "RevisionId": version.policy_revision_id,
        }
        return Reply(output=output)

    def _place(self, params: Mapping[str, Any]) -> tuple[str, int]:
        return self._versions.name(params["LayerName"]), params["VersionNumber"]

    def _with(
        self, version: layer.LayerVersion, statements: tuple[policy.Statement, ...]
    ) -> layer.LayerVersion:
        return msgspec.structs.replace(
            version, statements=statements, policy_revision_id=self._resources.new_id()
        )


def _check_revision(params: Mapping[str, Any], version: layer.LayerVersion) -> None:
    given = params.get("RevisionId")
    if given is not None and given != version.policy_revision_id:
        raise errors.PreconditionFailedError("GetLayerPolicy")
