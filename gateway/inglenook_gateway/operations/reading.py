"""GetFunction, GetFunctionConfiguration and ListFunctions."""

from collections.abc import Iterator
from typing import Any

from inglenook.model import function
from inglenook.model.arn import FunctionRef
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import images, paging, rendering
from inglenook_gateway.operations.code_location import CodeLocations
from inglenook_gateway.operations.resources import Resources


class Reading:
    """The operations that show functions."""

    def __init__(self, *, resources: Resources, locations: CodeLocations) -> None:
        self._resources = resources
        self._account = resources.account
        self._locations = locations

    def handlers(self) -> dict[str, Handler]:
        return {
            "GetFunction": self.get,
            "GetFunctionConfiguration": self.get_configuration,
            "ListFunctions": self.list,
        }

    async def get(self, call: Call) -> Reply:
        owner, version, qualifier = await self._find(call)
        spec = (version or owner).spec
        output: dict[str, Any] = {
            "Configuration": self._rendered(owner, version, qualifier),
            "Code": self._location(spec),
        }
        if spec.code_kms_key_arn is not None:
            output["Code"]["SourceKMSKeyArn"] = spec.code_kms_key_arn
        if owner.tags:
            output["Tags"] = owner.tags
        if owner.reserved_concurrency is not None:
            output["Concurrency"] = {"ReservedConcurrentExecutions": owner.reserved_concurrency}
        return Reply(output=output)

    def _location(self, spec: function.Spec) -> dict[str, Any]:
        if spec.image is not None:
            return images.location(spec.image)
        return {"RepositoryType": "S3", "Location": self._locations.url(spec.code.sha256)}

    async def get_configuration(self, call: Call) -> Reply:
        return Reply(output=self._rendered(*await self._find(call)))

    async def _find(
        self, call: Call
    ) -> tuple[function.Function, function.Version | None, str | None]:
        """Return the function and, if a qualifier names one, the version."""
        ref = self._account.ref(call.params["FunctionName"], call.params.get("Qualifier"))
        owner = (await self._resources.living(*ref)).value
        if ref.qualifier in (None, function.LATEST):
            return owner, None, ref.qualifier
        number = await self._number(owner, ref)
        if number == function.LATEST:
            return owner, None, ref.qualifier
        version = await self._resources.published(owner, number)
        if version is None:
            raise self._resources.function_not_found(*ref)
        return owner, version.value, ref.qualifier

    async def _number(self, owner: function.Function, ref: FunctionRef) -> str:
        qualifier = ref.qualifier or function.LATEST
        if qualifier.isdigit():
            return qualifier
        alias = await self._resources.alias(owner, qualifier)
        if alias is None:
            raise self._resources.function_not_found(*ref)
        return alias.value.function_version

    def _rendered(
        self, owner: function.Function, version: function.Version | None, qualifier: str | None
    ) -> dict[str, Any]:
        if version is None:
            return rendering.latest(self._account, owner, qualifier=qualifier)
        return rendering.version(self._account, version, qualifier=qualifier)

    async def list(self, call: Call) -> Reply:
        # A key is a function's name, or begins with it and a space.
        since = paging.last_shown(call.params).partition(" ")[0]
        functions = self._resources.catalog.functions(since)
        items: Iterator[_Item]
        qualifier = None
        if call.params.get("FunctionVersion") == "ALL":
            items, qualifier = self._with_versions(functions), function.LATEST
        else:
            items = ((one.name, one) for one in functions)
        shown, marker = paging.page(items, lambda item: item[0], call.params)
        rendered = [rendering.listed(self._account, one, qualifier=qualifier) for _, one in shown]
        return Reply(output=paging.listing("Functions", rendered, marker))

    def _with_versions(self, functions: Iterator[function.Function]) -> "Iterator[_Item]":
        for owner in functions:
            # A space sorts before all that a name may hold, so `a` and its versions come before
            # `a-b`.
            yield f"{owner.name} ", owner
            for version in self._resources.catalog.versions(owner.name):
                yield f"{owner.name} {version.number:010d}", version


_Item = tuple[str, function.Function | function.Version]
"""What is listed, and the key it is ordered by."""
