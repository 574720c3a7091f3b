"""CreateFunction, UpdateFunctionCode, UpdateFunctionConfiguration and DeleteFunction.

Creating and updating answer before the code is ready: the function is Pending, or its update in
progress, until somebody who watches the store has made it so.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from inglenook import errors
from inglenook.model import function, lifecycle, limits
from inglenook.model.arn import FunctionRef
from inglenook.store import documents, kinds
from inglenook_gateway.api import validation
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import (
    code_signing_configs,
    deletion,
    images,
    layer_use,
    preconditions,
    publishing,
    rendering,
    specification,
    tag_rules,
    unbuilt,
)
from inglenook_gateway.operations.packages import Packages
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns


class Functions:
    """The operations that write functions."""

    def __init__(
        self,
        *,
        resources: Resources,
        packages: Packages,
        turns: Turns,
        strict_runtimes: bool,
        runs_images: bool,
    ) -> None:
        """`runs_images` tells whether a function's code may be a container image here."""
        self._resources = resources
        self._account = resources.account
        self._packages = packages
        self._turns = turns
        self._strict_runtimes = strict_runtimes
        self._runs_images = runs_images

    def handlers(self) -> dict[str, Handler]:
        return {
            "CreateFunction": self.create,
            "UpdateFunctionCode": self.update_code,
            "UpdateFunctionConfiguration": self.update_configuration,
            "DeleteFunction": self.delete,
        }

    async def create(self, call: Call) -> Reply:
        params = call.params
        name = self._new_name(params)
        unbuilt.check(params)
        await self._check_absent(name)
        # Every rule about the rest first: a zip may be large.
        blank = function.Code(sha256="", size_bytes=0)
        image = images.asked(params, are_run=self._runs_images)
        spec = specification.initial(
            params, name=name, code=blank, image=image, strict_runtimes=self._strict_runtimes
        )
        spec = await layer_use.applied(self._resources, spec, params)
        tags = tag_rules.merged({}, params.get("Tags") or {})
        # In nobody's turn: S3 may be slow.
        if image is None:
            code = await self._packages.take(params.get("Code") or {})
        else:
            code = images.code(image)
        spec = msgspec.structs.replace(spec, code=code)
        layer_use.check_size(spec)
        config_arn, resources = params.get("CodeSigningConfigArn"), self._resources
        async with (
            self._turns.of(name),
            code_signing_configs.held(resources, self._turns, config_arn) as config_id,
        ):
            await self._check_absent(name)
            owner = function.Function(
                name=name,
                uid=resources.new_id(),
                spec=spec,
                status=lifecycle.created(now=resources.clock.now(), revision=resources.new_id()),
                tags=tags,
                code_signing_config=config_id,
            )
            return await self._create(owner, publish=bool(params.get("Publish")))

    async def _check_absent(self, name: str) -> None:
        existing = await self._resources.find(kinds.FUNCTION, name)
        if existing is not None:
            raise _exists(existing.value)

    def _new_name(self, params: Mapping[str, Any]) -> str:
        name = preconditions.unqualified(self._account, params).name
        if len(name) > limits.FUNCTION_NAME_LENGTH_MAX:
            too_long = validation.Violation(
                path="functionName",
                value=params["FunctionName"],
                constraint="Member must have length less than or equal to "
                f"{limits.FUNCTION_NAME_LENGTH_MAX}",
            )
            raise errors.InvalidParameterValueError(validation.counted([too_long]))
        return name

    async def _create(self, owner: function.Function, *, publish: bool) -> Reply:
        resources = self._resources
        reservation: publishing.Reservation | None = None
        if publish:
            # Nobody knows this function's id yet, so the reservation is nobody else's.
            reservation = await publishing.reserve(resources, owner, description=None)
            owner = reservation.owner
        try:
            await resources.create(kinds.FUNCTION, owner.name, owner)
        except documents.AlreadyExistsError:
            raise _exists(owner) from None
        if reservation is not None:
            await publishing.hold(resources, reservation)
        return await self._answer(owner, reservation, publish=publish)

    async def update_code(self, call: Call) -> Reply:
        params = call.params
        ref = preconditions.unqualified(self._account, params)
        unbuilt.check(params)
        owner = (await self._resources.living(*ref)).value
        preconditions.changeable(self._account, owner, params)
        image = images.replaced(owner.spec, params)
        is_dry = bool(params.get("DryRun"))
        # In nobody's turn: S3 may be slow.
        if image is not None:
            code = images.code(image)
        elif is_dry:
            code = await self._packages.check(params)
        else:
            code = await self._packages.take(params)
        if is_dry:
            spec = specification.recoded(owner.spec, params, code=code)
            layer_use.check_size(spec)
            would_be = msgspec.structs.replace(owner, spec=spec)
            return Reply(output=rendering.latest(self._account, would_be))
        async with self._turns.of(ref.name):
            return await self._update(
                ref,
                params,
                lambda owner: specification.recoded(owner.spec, params, code=code),
                publish=bool(params.get("Publish")),
            )

    async def update_configuration(self, call: Call) -> Reply:
        params = call.params
        ref = preconditions.unqualified(self._account, params)
        unbuilt.check(params)
        async with self._turns.of(ref.name):
            return await self._update(
                ref,
                params,
                lambda owner: self._configured(owner, params),
                publish=False,
            )

    def _configured(self, owner: function.Function, params: Mapping[str, Any]) -> function.Spec:
        spec = specification.changed(
            owner.spec, params, name=owner.name, strict_runtimes=self._strict_runtimes
        )
        if owner.runtime_management.update_on == "Manual" and spec.runtime != owner.spec.runtime:
            raise errors.InvalidParameterValueError(
                "Cannot change runtime identifier when runtime management configuration is set to "
                "'Manual'. Change the runtime management configuration to 'Auto' or "
                "'FunctionUpdate', then retry."
            )
        return spec

    async def _update(
        self,
        ref: FunctionRef,
        params: Mapping[str, Any],
        change: Callable[[function.Function], function.Spec],
        *,
        publish: bool,
    ) -> Reply:
        resources = self._resources
        reservation: publishing.Reservation | None = None

        async def decide(owner: function.Function) -> function.Function:
            nonlocal reservation
            reservation = None
            preconditions.changeable(self._account, owner, params)
            owner = lifecycle.updated(
                owner,
                await layer_use.applied(resources, change(owner), params),
                now=resources.clock.now(),
                revision=resources.new_id(),
            )
            if not publish or await publishing.published(resources, owner) is not None:
                return owner
            reservation = await publishing.reserve(resources, owner, description=None)
            return reservation.owner

        stored = await resources.change(ref.name, decide)
        if reservation is not None:
            await publishing.tidy(resources, reservation)
        return await self._answer(stored, reservation, publish=publish)

    async def _answer(
        self,
        owner: function.Function,
        reservation: publishing.Reservation | None,
        *,
        publish: bool,
    ) -> Reply:
        if reservation is not None:
            return Reply(output=rendering.version(self._account, reservation.version))
        if publish:
            document = await self._resources.version(owner, owner.last_version)
            if document is not None:
                return Reply(output=rendering.version(self._account, document.value))
        return Reply(output=rendering.latest(self._account, owner))

    async def delete(self, call: Call) -> Reply:
        ref = self._account.ref(call.params["FunctionName"], call.params.get("Qualifier"))
        async with self._turns.of(ref.name):
            await deletion.delete(self._resources, ref)
        return Reply(status=204)


def _exists(existing: function.Function) -> errors.ResourceConflictError:
    if existing.deleting:
        return errors.ResourceConflictError(
            "The operation cannot be performed at this time. The function is currently in the "
            "following state: Deleting"
        )
    return errors.ResourceConflictError(f"Function already exist: {existing.name}")
