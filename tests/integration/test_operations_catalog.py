"""The catalog against a real store that others write to."""

import asyncio
import contextlib
import random
from pathlib import Path

import pytest
from support import operations_stand

from inglenook import errors
from inglenook.aio import clock
from inglenook.catalog.catalog import Catalog
from inglenook.store import documents, kinds, sqlite
from inglenook_gateway.operations import resources


class Expiring:
    """A store whose first watch has expired."""

    def __init__(self, store: sqlite.SqliteStore) -> None:
        self._store = store
        self._expired = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def watch(self, since: int = 0) -> object:
        if not self._expired:
            self._expired = True
            raise documents.WatchExpiredError
        async for change in self._store.watch(since):
            yield change


async def test_a_catalog_that_missed_changes_reads_anew(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand:
        late = Catalog(stand.account)
        await stand.create("kept")
        await stand.create("gone")
        await late.load(stand.store)
        await stand.call("DeleteFunction", FunctionName="gone")
        await stand.create("new")
        is_noticed = asyncio.Event()
        late.subscribe(lambda retired: is_noticed.set())
        async with asyncio.TaskGroup() as group:
            task = group.create_task(late.follow(Expiring(stand.store), 1))
            async with asyncio.timeout(5):
                await is_noticed.wait()
            assert [one.name for one in late.functions()] == ["kept", "new"]
            task.cancel()


async def test_two_gateways_that_publish_and_update_at_once_agree(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as one, one.activating():
        await one.created()
        other_catalog = Catalog(one.account)
        other_resources = resources.Resources(
            store=one.store,
            catalog=other_catalog,
            account=one.account,
            clock=clock.SystemClock(),
        )
        other = operations_stand.beside(one, other_resources)
        answers: list[tuple[str, str]] = []

        async def work(stand: operations_stand.Stand, seed: int) -> None:
            rng = random.Random(seed)
            for step in range(15):
                with contextlib.suppress(errors.ResourceConflictError):
                    if rng.random() < 0.5:
                        text = operations_stand.package(f"x = {seed}, {step}")
                        await stand.call("UpdateFunctionCode", FunctionName="f", ZipFile=text)
                    else:
                        shown = await stand.call("PublishVersion", FunctionName="f")
                        answers.append((shown["Version"], shown["CodeSha256"]))
                await stand.settled()

        await asyncio.gather(work(one, 1), work(other, 2), work(other, 3))
        owner = (await one.resources.living("f")).value
        listed = (await one.call("ListVersionsByFunction", FunctionName="f"))["Versions"][1:]
        numbers = [int(version["Version"]) for version in listed]
        # A number that one of them reserved and lost to the other's update is passed over.
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == owner.last_version
        assert {(version["Version"], version["CodeSha256"]) for version in listed} == set(answers)
        assert len(await one.store.list(kinds.VERSION)) == len(numbers)


@pytest.mark.parametrize("seed", range(3))
async def test_activation_and_deletion_at_once_end_in_deletion(tmp_path: Path, seed: int) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        rng = random.Random(seed)
        for _ in range(10):
            await stand.create(Publish=True)
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)
            await stand.call("DeleteFunction", FunctionName="f")
            assert await stand.store.list(kinds.FUNCTION) == []
            assert await stand.store.list(kinds.VERSION) == []
            assert stand.catalog.code_bytes == 0
