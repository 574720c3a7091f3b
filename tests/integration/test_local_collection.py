"""Packages that nobody refers to go, and none that somebody may still need."""

from dataclasses import dataclass
from pathlib import Path

from support import operations_stand

from inglenook.aio import clock
from inglenook.store import code as code_store
from inglenook.upkeep import collection


@dataclass
class Later:
    """The machine's clock, some time ahead."""

    ahead_s: float = 0.0

    def now(self) -> float:
        return clock.SystemClock.now() + self.ahead_s

    def monotonic(self) -> float:
        return clock.SystemClock.monotonic() + self.ahead_s


async def test_replaced_and_deleted_code_goes_once_nothing_can_run_it(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        time = Later()
        blobs, unpacked = stand.codes, stand.unpacked
        garbage = collection.Collection(
            store=stand.store, blobs=blobs, unpacked=unpacked, time=time, grace_s=100
        )
        kept = operations_stand.package("kept = 1")
        replaced = await blobs.put(operations_stand.package("replaced = 1"))
        used = await blobs.put(kept)
        folder = await unpacked.folder(replaced.sha256)
        await stand.created(Code={"ZipFile": kept})
        assert await garbage.collect() == set()
        time.ahead_s = 99
        assert await garbage.collect() == set()
        time.ahead_s = 101
        assert await garbage.collect() == {replaced.sha256}
        assert await blobs.list() == {used.sha256}
        assert not folder.exists()
        assert (await unpacked.folder(used.sha256)).exists()
        await stand.call("DeleteFunction", FunctionName="f")
        assert await garbage.collect() == set()
        time.ahead_s = 300
        assert await garbage.collect() == {used.sha256}


async def test_code_that_is_stored_again_has_its_time_again(tmp_path: Path) -> None:
    blobs = await code_store.CodeStore.open(tmp_path)
    package = operations_stand.package("x = 1")
    stored = await blobs.put(package)
    (tmp_path / stored.sha256).touch()
    before = (tmp_path / stored.sha256).stat().st_mtime
    await blobs.put(package)
    assert not await blobs.delete(stored.sha256, stored_before=before)
    assert await blobs.read(stored.sha256) == package
    assert await blobs.delete(stored.sha256)
    assert await blobs.list() == set()
