"""Publishing layers while processes die and other gateways publish too."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import operations_stand
from support.operations_stand import Stand, package

from inglenook import errors
from inglenook.catalog.catalog import Catalog
from inglenook.model import limits
from inglenook.model.account import Account
from inglenook.store import documents, kinds
from inglenook.upkeep import recovery
from inglenook_gateway.operations import resources

LAYER_ARN = "arn:aws:lambda:us-east-1:000000000000:layer:l:1"


class KilledError(Exception):
    """The process ends here."""


class Mortal:
    """A store that lives for a number of writes."""

    def __init__(self, store: documents.Store, writes: int) -> None:
        self._store = store
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        if name in ("create", "replace", "delete"):
            if self._left == 0:
                raise KilledError
            self._left -= 1
        return getattr(self._store, name)


async def publish(stand: Stand, text: str = "x") -> int:
    content = {"ZipFile": package(text)}
    number: int = (await stand.call("PublishLayerVersion", LayerName="l", Content=content))[
        "Version"
    ]
    return number


async def numbers(stand: Stand) -> list[int]:
    listed = await stand.call("ListLayerVersions", LayerName="l")
    return [version["Version"] for version in listed["LayerVersions"]]


@pytest.mark.parametrize("writes", range(7))
async def test_a_kill_before_any_write_leaves_whole_versions_and_unused_numbers(
    tmp_path: Path, writes: int
) -> None:
    answered: list[int] = []
    async with operations_stand.stand(tmp_path) as stand:
        stand.resources._store = Mortal(stand.store, writes)
        with contextlib.suppress(KilledError):
            while True:
                answered.append(await publish(stand, str(len(answered))))
    async with operations_stand.stand(tmp_path) as stand:
        await recovery.recover(stand.store)
        assert await numbers(stand) == answered[::-1]
        for number in answered:
            shown = await stand.call("GetLayerVersion", LayerName="l", VersionNumber=number)
            await stand.codes.read(_digest(shown))
        number = await publish(stand, "after")
        assert number > max(answered, default=0)
        assert await numbers(stand) == [number, *answered[::-1]]


def _digest(shown: dict[str, Any]) -> str:
    location: str = shown["Content"]["Location"]
    return location.partition("?")[0].rpartition("/")[2]


async def test_two_gateways_never_give_one_number_twice(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand:
        known = resources.Resources(
            store=stand.store,
            catalog=Catalog(stand.account),
            account=stand.account,
            clock=stand.resources.clock,
        )
        other = operations_stand.beside(stand, known)
        given = await asyncio.gather(
            *(publish(one, str(turn)) for turn in range(10) for one in (stand, other))
        )
        assert sorted(given) == list(range(1, 21))
        assert await numbers(stand) == await numbers(other) == list(range(20, 0, -1))


async def test_layers_fill_the_accounts_storage(tmp_path: Path) -> None:
    room = 2 * len(package("x"))
    account = Account(code_storage_bytes=room)
    async with operations_stand.stand(tmp_path, account=account) as stand:
        await publish(stand)
        await publish(stand)
        with pytest.raises(errors.CodeStorageExceededError):
            await publish(stand)
        assert stand.catalog.code_bytes == room
        await stand.call("DeleteLayerVersion", LayerName="l", VersionNumber=1)
        assert await publish(stand) == 3


async def test_a_layer_whose_code_is_lost_fails_the_function_that_asks_for_it(
    tmp_path: Path,
) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        content = {"ZipFile": package("lost")}
        made = await stand.call("PublishLayerVersion", LayerName="l", Content=content)
        await stand.codes.delete(_digest(made))
        shown = await stand.created(Layers=[made["LayerVersionArn"]])
        assert (shown["State"], shown["StateReasonCode"]) == ("Failed", "InternalError")


@pytest.mark.parametrize("is_dry", [True, False])
async def test_new_code_that_is_too_large_beside_the_layers_is_refused(
    tmp_path: Path, is_dry: bool
) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await publish(stand)
        (found,) = await stand.store.list(kinds.LAYER_VERSION)
        large = msgspec.structs.replace(found.value.code, unzipped_bytes=limits.UNZIPPED_BYTES_MAX)
        await stand.resources.replace(found, msgspec.structs.replace(found.value, code=large))
        await stand.created(Code={"ZipFile": package("")}, Layers=[LAYER_ARN])
        with pytest.raises(errors.InvalidParameterValueError, match="combined with layers"):
            await stand.call(
                "UpdateFunctionCode", FunctionName="f", ZipFile=package("more"), DryRun=is_dry
            )
