"""Publishing, showing, listing and deleting layers."""

from collections.abc import Mapping
from typing import Any

from inglenook import errors
from inglenook.model import layer
from inglenook.store import code
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import layer_use, paging
from inglenook_gateway.operations.code_location import CodeLocations
from inglenook_gateway.operations.layer_versions import LayerVersions
from inglenook_gateway.operations.packages import Packages
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.turns import Turns

_NUMBERS_END = 10_000_000_000


class Layers:
    """The operations on layers and their versions; those on policies are elsewhere."""

    def __init__(
        self, *, resources: Resources, packages: Packages, locations: CodeLocations, turns: Turns
    ) -> None:
        self._account = resources.account
        self._versions = LayerVersions(resources)
        self._packages = packages
        self._locations = locations
        self._turns = turns

    def handlers(self) -> dict[str, Handler]:
        return {
            "PublishLayerVersion": self.publish,
            "GetLayerVersion": self.get,
            "GetLayerVersionByArn": self.get_by_arn,
            "ListLayers": self.list,
            "ListLayerVersions": self.list_versions,
            "DeleteLayerVersion": self.delete,
        }

    async def publish(self, call: Call) -> Reply:
        params = call.params
        name = self._versions.name(params["LayerName"])
        members = {
            "description": params.get("Description") or "",
            "license_info": params.get("LicenseInfo"),
            "compatible_runtimes": tuple(params.get("CompatibleRuntimes") or ()),
            "compatible_architectures": tuple(params.get("CompatibleArchitectures") or ()),
        }
        # In nobody's turn: S3 may be slow.
        taken = await self._packages.take(params.get("Content") or {})
        async with self._turns.of(f"layer:{name}"):
            version = await self._versions.publish(name, taken, members)
        return Reply(output=self._whole(version))

    async def get(self, call: Call) -> Reply:
        name = self._versions.name(call.params["LayerName"])
        return await self._get(name, call.params["VersionNumber"])

    async def get_by_arn(self, call: Call) -> Reply:
        arn = call.params["Arn"]
        ref = layer.parse(arn, self._account)
        if ref is None or ref.version is None or ref.region != self._account.region:
            raise errors.ResourceNotFoundError
        if ref.account != self._account.id:
            raise layer_use.not_shared(self._account.id, arn)
        return await self._get(ref.name, ref.version)

    async def _get(self, name: str, number: int) -> Reply:
        found = await self._versions.find(name, number)
        if found is None:
            # Not the text that the operations on policies have for it.
            raise errors.ResourceNotFoundError
        return Reply(output=self._whole(found.value))

    async def list(self, call: Call) -> Reply:
        """List each layer with its latest version that suits; one without any is not listed."""
        found = [
            (name, suiting[0])
            for name, versions in await self._versions.by_layer()
            if (suiting := _suiting(versions, call.params))
        ]
        shown, marker = paging.page(found, lambda item: item[0], call.params)
        rendered = [
            {
                "LayerName": name,
                "LayerArn": layer.layer_arn(self._account, name),
                "LatestMatchingVersion": self._listed(version),
            }
            for name, version in shown
        ]
        return Reply(output=paging.listing("Layers", rendered, marker))

    async def list_versions(self, call: Call) -> Reply:
        name = self._versions.name(call.params["LayerName"])
        found = _suiting(await self._versions.newest_first(name), call.params)
        shown, marker = paging.page(found, _newest_first, call.params)
        rendered = [self._listed(version) for version in shown]
        return Reply(output=paging.listing("LayerVersions", rendered, marker))

    async def delete(self, call: Call) -> Reply:
        """Delete a version; one that is not there is as good as deleted."""
        name = self._versions.name(call.params["LayerName"])
        await self._versions.delete(name, call.params["VersionNumber"])
        return Reply(status=204)

    def _listed(self, version: layer.LayerVersion) -> dict[str, Any]:
        """Return a version as an item of a listing: without its content."""
        shown: dict[str, Any] = {
            "LayerVersionArn": layer.version_arn(self._account, version.layer_name, version.number),
            "Version": version.number,
            "Description": version.description,
            "CreatedDate": version.created,
        }
        if version.compatible_runtimes:
            shown["CompatibleRuntimes"] = list(version.compatible_runtimes)
        if version.compatible_architectures:
            shown["CompatibleArchitectures"] = list(version.compatible_architectures)
        if version.license_info is not None:
            shown["LicenseInfo"] = version.license_info
        return shown

    def _whole(self, version: layer.LayerVersion) -> dict[str, Any]:
        return self._listed(version) | {
            "LayerArn": layer.layer_arn(self._account, version.layer_name),
            "Content": {
                "Location": self._locations.url(version.code.sha256),
                "CodeSha256": code.code_sha256_base64(version.code.sha256),
                "CodeSize": version.code.size_bytes,
            },
        }


def _suiting(
    versions: list[layer.LayerVersion], params: Mapping[str, Any]
) -> list[layer.LayerVersion]:
    return [
        version
        for version in versions
        if version.suits(
            runtime=params.get("CompatibleRuntime"),
            architecture=params.get("CompatibleArchitecture"),
        )
    ]


def _newest_first(version: layer.LayerVersion) -> str:
    """Return a key that grows as numbers fall."""
    return f"{_NUMBERS_END - version.number:010d}"
