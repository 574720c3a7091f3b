"""Code signing configs, and which of them a function has: stored and shown, signatures not checked.

A config in use cannot be deleted. So whoever gives one to a function holds its turn meanwhile, as
deleting does; a function's own turn is always taken first.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from inglenook import errors
from inglenook.model import arn, code_signing, function, lifecycle
from inglenook.store import documents, kinds
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import paging, preconditions
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns

_ID_DIGITS = 17


class CodeSigning:
    """The operations on code signing configs and on functions that have one."""

    def __init__(self, *, resources: Resources, turns: Turns) -> None:
        self._resources = resources
        self._account = resources.account
        self._turns = turns

    def handlers(self) -> dict[str, Handler]:
        return {
            "CreateCodeSigningConfig": self.create,
            "GetCodeSigningConfig": self.get,
            "UpdateCodeSigningConfig": self.update,
            "DeleteCodeSigningConfig": self.delete,
            "ListCodeSigningConfigs": self.list,
            "ListFunctionsByCodeSigningConfig": self.list_functions,
            "PutFunctionCodeSigningConfig": self.put,
            "GetFunctionCodeSigningConfig": self.get_of_function,
            "DeleteFunctionCodeSigningConfig": self.delete_of_function,
        }

    async def create(self, call: Call) -> Reply:
        params, resources = call.params, self._resources
        config = code_signing.CodeSigningConfig(
            id=f"csc-{resources.new_id().replace('-', '')[:_ID_DIGITS]}",
            allowed_publishers=(),
            last_modified="",
            tags=dict(params.get("Tags") or {}),
        )
        config = self._changed(config, params)
        await resources.create(kinds.CODE_SIGNING, config.id, config)
        return self._reply(config)

    async def get(self, call: Call) -> Reply:
        return self._reply((await self._find(call.params)).value)

    async def update(self, call: Call) -> Reply:
        while True:
            document = await self._find(call.params)
            config = self._changed(document.value, call.params)
            try:
                await self._resources.replace(document, config)
            except (documents.ConflictError, documents.NotFoundError):
                continue
            return self._reply(config)

    async def delete(self, call: Call) -> Reply:
        async with self._turns.of(call.params["CodeSigningConfigArn"]):
            document = await self._find(call.params)
            user = next(self._users(document.value), None)
            if user is not None:
                raise errors.ResourceConflictError(
                    "The code signing configuration cannot be deleted while a function uses it: "
                    f"{user.name}"
                )
            await self._resources.delete(document)
        return Reply(status=204)

    async def list(self, call: Call) -> Reply:
        found = [one.value for one in await self._resources.listed(kinds.CODE_SIGNING, "")]
        shown, marker = paging.page(found, lambda config: config.id, call.params)
        rendered = [self._rendered(config) for config in shown]
        return Reply(output=paging.listing("CodeSigningConfigs", rendered, marker))

    async def list_functions(self, call: Call) -> Reply:
        config = (await self._find(call.params)).value
        shown, marker = paging.page(self._users(config), lambda one: one.name, call.params)
        output: dict[str, Any] = {
            "FunctionArns": [self._account.function_arn(one.name) for one in shown]
        }
        return Reply(output=output if marker is None else output | {"NextMarker": marker})

    async def put(self, call: Call) -> Reply:
        given = call.params["CodeSigningConfigArn"]
        ref = preconditions.unqualified(self._account, call.params)
        async with (
            self._turns.of(ref.name),
            held(self._resources, self._turns, given) as config_id,
        ):
            await self._set(ref.name, config_id)
        return Reply(output={"CodeSigningConfigArn": given, "FunctionName": ref.name})

    async def get_of_function(self, call: Call) -> Reply:
        ref = preconditions.unqualified(self._account, call.params)
        owner = (await self._resources.living(ref.name)).value
        if owner.code_signing_config is None:
            return Reply()
        config_arn = self._arn(owner.code_signing_config)
        return Reply(output={"CodeSigningConfigArn": config_arn, "FunctionName": owner.name})

    async def delete_of_function(self, call: Call) -> Reply:
        ref = preconditions.unqualified(self._account, call.params)
        async with self._turns.of(ref.name):
            await self._set(ref.name, None)
        return Reply(status=204)

    async def _set(self, name: str, config_id: str | None) -> None:
        async def decide(owner: function.Function) -> function.Function:
            return msgspec.structs.replace(owner, code_signing_config=config_id)

        await self._resources.change(name, decide)

    def _changed(
        self, config: code_signing.CodeSigningConfig, params: Mapping[str, Any]
    ) -> code_signing.CodeSigningConfig:
        changes: dict[str, Any] = {
            "last_modified": lifecycle.last_modified(self._resources.clock.now())
        }
        if (description := params.get("Description")) is not None:
            changes["description"] = description
        if (publishers := params.get("AllowedPublishers")) is not None:
            changes["allowed_publishers"] = tuple(publishers["SigningProfileVersionArns"])
        if policy := (params.get("CodeSigningPolicies") or {}).get("UntrustedArtifactOnDeployment"):
            changes["untrusted_artifact_on_deployment"] = policy
        return msgspec.structs.replace(config, **changes)

    async def _find(
        self, params: Mapping[str, Any]
    ) -> documents.Document[code_signing.CodeSigningConfig]:
        given = params["CodeSigningConfigArn"]
        found = await find(self._resources, given)
        if found is None:
            raise errors.ResourceNotFoundError(
                f"The Lambda code signing configuration {given} can not be found."
            )
        return found

    def _users(self, config: code_signing.CodeSigningConfig) -> Iterator[function.Function]:
        """Yield the functions that have a config, by name."""
        for one in self._resources.catalog.functions():
            if one.code_signing_config == config.id:
                yield one

    def _arn(self, config_id: str) -> str:
        return arn.code_signing_config_arn(
            config_id, region=self._account.region, account=self._account.id
        )

    def _reply(self, config: code_signing.CodeSigningConfig) -> Reply:
        return Reply(output={"CodeSigningConfig": self._rendered(config)})

    def _rendered(self, config: code_signing.CodeSigningConfig) -> dict[str, Any]:
        return {
            "CodeSigningConfigId": config.id,
            "CodeSigningConfigArn": self._arn(config.id),
            "Description": config.description,
            "AllowedPublishers": {"SigningProfileVersionArns": list(config.allowed_publishers)},
            "CodeSigningPolicies": {
                "UntrustedArtifactOnDeployment": config.untrusted_artifact_on_deployment
            },
            "LastModified": config.last_modified,
        }


async def find(
    resources: Resources, given: str
) -> documents.Document[code_signing.CodeSigningConfig] | None:
    """Return the config of an ARN; None for one that is not of this account and region."""
    config_id = given.rpartition(":")[2]
    account = resources.account
    ours = arn.code_signing_config_arn(config_id, region=account.region, account=account.id)
    return await resources.find(kinds.CODE_SIGNING, config_id) if given == ours else None


@asynccontextmanager
async def held(resources: Resources, turns: Turns, given: str | None) -> AsyncIterator[str | None]:
    """Keep the config of an ARN from being deleted; yield its id, and None for no ARN.

    Raises CodeSigningConfigNotFoundError.
    """
    if not given:
        yield None
        return
    async with turns.of(given):
        found = await find(resources, given)
        if found is None:
            raise errors.CodeSigningConfigNotFoundError(
                "The code signing configuration cannot be found. Check that the provided "
                f"configuration is not deleted: {given}."
            )
        yield found.value.id
