"""A node's merged layers: one folder for each list of them, made once, collected when unused."""

import asyncio
from pathlib import Path

import pytest
from support import operations_stand

from inglenook.store import code
from inglenook.upkeep import collection


@pytest.fixture
async def store(tmp_path: Path) -> code.CodeStore:
    return await code.CodeStore.open(tmp_path / "code")


@pytest.fixture
async def unpacked(store: code.CodeStore, tmp_path: Path) -> code.UnpackedCode:
    return await code.UnpackedCode.open(store, tmp_path / "cache")


async def put(store: code.CodeStore, text: str) -> str:
    return (await store.put(operations_stand.package(text))).sha256


def text(folder: Path) -> str:
    return (folder / "app.py").read_text()


async def test_the_order_decides_and_one_alone_is_its_own_folder(
    store: code.CodeStore, unpacked: code.UnpackedCode
) -> None:
    one, two = await put(store, "1"), await put(store, "2")
    assert text(await unpacked.merged([one, two])) == "2"
    assert text(await unpacked.merged([two, one])) == "1"
    assert await unpacked.merged([one]) == await unpacked.folder(one)
    assert set(unpacked.merged_lists()) == {(one, two), (two, one)}


async def test_many_who_ask_at_once_share_one_merge(
    store: code.CodeStore, unpacked: code.UnpackedCode, tmp_path: Path
) -> None:
    one, two = await put(store, "1"), await put(store, "2")
    folders = await asyncio.gather(*(unpacked.merged([one, two]) for _ in range(50)))
    assert len(set(folders)) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 3


async def test_a_missing_layer_fails_and_is_looked_for_anew(
    store: code.CodeStore, unpacked: code.UnpackedCode, tmp_path: Path
) -> None:
    one, two = await put(store, "1"), await put(store, "2")
    await store.delete(two)
    with pytest.raises(code.CodeMissingError):
        await unpacked.merged([one, two])
    await unpacked.folder(one)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [one]
    await put(store, "2")
    assert text(await unpacked.merged([one, two])) == "2"


async def test_a_forgotten_merge_is_made_anew_and_its_layers_stay(
    store: code.CodeStore, unpacked: code.UnpackedCode
) -> None:
    one, two = await put(store, "1"), await put(store, "2")
    folder = await unpacked.merged([one, two])
    await unpacked.forget_merged((one, two))
    assert not folder.exists()
    assert text(await unpacked.folder(one)) == "1"
    await unpacked.forget_merged((one, two))
    assert await unpacked.merged([one, two]) == folder


async def test_what_another_process_has_merged_is_not_trusted(
    store: code.CodeStore, unpacked: code.UnpackedCode, tmp_path: Path
) -> None:
    one, two = await put(store, "1"), await put(store, "2")
    (await unpacked.merged([one, two]) / "evil").touch()
    again = await code.UnpackedCode.open(store, tmp_path / "cache")
    assert not (await again.merged([one, two]) / "evil").exists()


class Later:
    """A clock that is set by hand."""

    seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


async def test_merged_layers_go_once_no_function_has_them_in_that_order(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        time = Later()
        garbage = collection.Collection(
            store=stand.store, blobs=stand.codes, unpacked=stand.unpacked, time=time, grace_s=100
        )
        arns = [await _published(stand, name) for name in ("one", "two")]
        await stand.created(Layers=arns)
        (first,) = stand.unpacked.merged_lists()
        await garbage.collect()
        time.seconds = 200
        await garbage.collect()
        assert set(stand.unpacked.merged_lists()) == {first}
        await stand.call("PublishVersion", FunctionName="f")
        await stand.call("UpdateFunctionConfiguration", FunctionName="f", Layers=arns[::-1])
        await stand.settled()
        time.seconds = 400
        await garbage.collect()
        time.seconds = 600
        await garbage.collect()
        # The version has them still.
        assert set(stand.unpacked.merged_lists()) == {first, first[::-1]}
        await stand.call("DeleteFunction", FunctionName="f", Qualifier="1")
        await garbage.collect()
        assert set(stand.unpacked.merged_lists()) == {first, first[::-1]}
        time.seconds = 800
        await garbage.collect()
        assert set(stand.unpacked.merged_lists()) == {first[::-1]}


async def test_merged_layers_that_a_short_lived_function_has_had_have_their_time_again(
    tmp_path: Path,
) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        time = Later()
        garbage = collection.Collection(
            store=stand.store, blobs=stand.codes, unpacked=stand.unpacked, time=time, grace_s=100
        )
        arns = [await _published(stand, name) for name in ("one", "two")]
        await stand.created(Layers=arns)
        await stand.call("DeleteFunction", FunctionName="f")
        await garbage.collect()
        # Between two looks, and perhaps an invocation of it goes on.
        await stand.created(Layers=arns)
        await stand.call("DeleteFunction", FunctionName="f")
        time.seconds = 110
        await garbage.collect()
        assert len(stand.unpacked.merged_lists()) == 1
        time.seconds = 220
        await garbage.collect()
        assert not stand.unpacked.merged_lists()


async def test_a_deleted_layer_versions_code_stays_while_a_version_has_it(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        arn = await _published(stand, "one")
        await stand.created(Layers=[arn])
        await stand.call("PublishVersion", FunctionName="f")
        await stand.call("DeleteLayerVersion", LayerName="one", VersionNumber=1)
        await stand.call("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
        await stand.settled()
        before = await stand.codes.list()
        await collection.sweep(stand.store, stand.codes)
        assert await stand.codes.list() == before
        await stand.settled(qualifier="1")
        await stand.call("DeleteFunction", FunctionName="f", Qualifier="1")
        await collection.sweep(stand.store, stand.codes)
        assert len(await stand.codes.list()) == len(before) - 1


async def _published(stand: operations_stand.Stand, name: str) -> str:
    published = await stand.call(
        "PublishLayerVersion",
        LayerName=name,
        Content={"ZipFile": operations_stand.package(f"# {name}")},
    )
    arn: str = published["LayerVersionArn"]
    return arn
