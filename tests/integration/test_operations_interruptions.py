"""What fails on its way, and goes on, leaves nothing that is in the way of the next try."""

from pathlib import Path
from typing import Any

import pytest
from support import operations_stand
from support.operations_stand import Stand, package

from inglenook import errors
from inglenook.store import documents, kinds
from inglenook.upkeep import collection

_QUALIFIED_CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("AddPermission", {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}),
    ("CreateFunctionUrlConfig", {"AuthType": "NONE"}),
    ("PutFunctionEventInvokeConfig", {"MaximumRetryAttempts": 1}),
    ("PutProvisionedConcurrencyConfig", {"ProvisionedConcurrentExecutions": 2}),
)


class Ailing:
    """A store of which one write fails, as on a disk that is full for a moment."""

    def __init__(self, store: documents.Store, writes: int, *, dies: bool = False) -> None:
        """Let `writes` pass first; with `dies`, all after them fail."""
        self._store = store
        self._left = writes
        self._dies = dies

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in ("create", "replace", "delete"):
            return found
        self._left -= 1
        if self._left == -1 or (self._dies and self._left < 0):
            raise errors.ServiceError("No space is left.")
        return found


async def _furnished(stand: Stand) -> None:
    """Make a function with an alias, a version and one of all that these may have."""
    await stand.created(Publish=True)
    await stand.settled(qualifier="1")
    await stand.call("CreateAlias", FunctionName="f", Name="prod", FunctionVersion="$LATEST")
    await stand.call("UpdateAlias", FunctionName="f", Name="prod", FunctionVersion="1")
    for operation, params in _QUALIFIED_CALLS:
        await stand.call(operation, FunctionName="f", Qualifier="prod", **params)


async def _left(stand: Stand) -> list[str]:
    return [document.name for kind in kinds.CHILDREN for document in await stand.store.list(kind)]


@pytest.mark.parametrize("writes", range(9))
async def test_a_deletion_that_failed_anywhere_is_finished_by_the_next_one(
    tmp_path: Path, writes: int
) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await _furnished(stand)
        stand.resources._store = Ailing(stand.store, writes)
        try:
            await stand.call("DeleteFunction", FunctionName="f")
        except errors.ServiceError:
            assert writes < 8
            stand.resources._store = stand.store
            await stand.call("DeleteFunction", FunctionName="f")
        else:
            assert writes == 8
            stand.resources._store = stand.store
        assert await _left(stand) == []
        await stand.created()


@pytest.mark.parametrize("writes", range(6))
@pytest.mark.parametrize("repeats", [True, False])
async def test_a_new_alias_has_nothing_of_one_whose_deletion_failed(
    tmp_path: Path, writes: int, repeats: bool
) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await _furnished(stand)
        stand.resources._store = Ailing(stand.store, writes)
        try:
            await stand.call("DeleteAlias", FunctionName="f", Name="prod")
        except errors.ServiceError:
            assert writes < 5
        stand.resources._store = stand.store
        if repeats or not writes:
            await stand.call("DeleteAlias", FunctionName="f", Name="prod")
            assert await _left(stand) == ["f.0000000001"]
        await stand.call("CreateAlias", FunctionName="f", Name="prod", FunctionVersion="1")
        assert await _left(stand) == ["f.prod", "f.0000000001"]
        for operation in ("GetPolicy", "GetFunctionUrlConfig", "GetProvisionedConcurrencyConfig"):
            with pytest.raises(errors.ApiError) as refused:
                await stand.call(operation, FunctionName="f", Qualifier="prod")
            assert refused.value.status == 404


@pytest.mark.parametrize("writes", range(27))
async def test_a_life_cut_off_anywhere_leaves_nothing_that_nobody_has(
    tmp_path: Path, writes: int
) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        stand.resources._store = Ailing(stand.store, writes, dies=True)
        try:
            await _life_with_layers(stand)
        except errors.ServiceError:
            # One more than it takes, for each time that the activation was faster.
            assert writes < 26
        else:
            assert writes >= 23
    async with operations_stand.stand(tmp_path) as stand:
        await collection.sweep(stand.store, stand.codes)
        owners = {one.value.uid: one.value for one in await stand.store.list(kinds.FUNCTION)}
        assert not any(owner.deleting for owner in owners.values())
        used = set()
        for owner in owners.values():
            versions = await stand.resources.versions(owner)
            assert [one.value.number for one in versions] == list(range(1, owner.last_version + 1))
            aliases = await stand.resources.aliases(owner)
            names = {str(one.value.number) for one in versions} | {a.value.name for a in aliases}
            for kind in kinds.QUALIFIED:
                for child in await stand.store.list(kind):
                    assert child.value.qualifier in {None, "$LATEST", *names}
            for spec in (owner.spec, owner.serving.spec, *(one.value.spec for one in versions)):
                used |= {spec.code.sha256, *(each.code.sha256 for each in spec.layers)}
        for kind in kinds.CHILDREN:
            assert {one.value.function_uid for one in await stand.store.list(kind)} <= set(owners)
        layers = await stand.store.list(kinds.LAYER_VERSION)
        used |= {one.value.code.sha256 for one in layers}
        assert await stand.codes.list() == used


async def _life_with_layers(stand: Stand) -> None:
    content = {"ZipFile": package("layer = 1")}
    layer = await stand.call("PublishLayerVersion", LayerName="l", Content=content)
    await stand.create(Publish=True, Layers=[layer["LayerVersionArn"]])
    await stand.settled()
    await stand.call("CreateAlias", FunctionName="f", Name="prod", FunctionVersion="1")
    for operation, params in _QUALIFIED_CALLS:
        await stand.call(operation, FunctionName="f", Qualifier="prod", **params)
    await stand.call("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    await stand.call("UpdateFunctionCode", FunctionName="f", ZipFile=package("x = 2"), Publish=True)
    await stand.settled()
    await stand.call("DeleteAlias", FunctionName="f", Name="prod")
    await stand.call("DeleteFunction", FunctionName="f")
