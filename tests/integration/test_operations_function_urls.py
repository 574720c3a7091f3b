from pathlib import Path
from urllib import parse

import pytest
from support import operations_stand

from inglenook import errors
from inglenook.store import kinds, sqlite
from inglenook.upkeep import recovery
from inglenook_gateway.urls import index


def id_of(shown: dict[str, str]) -> str:
    return (parse.urlsplit(shown["FunctionUrl"]).hostname or "").partition(".")[0]


async def test_a_url_is_found_before_its_creator_hears_of_it(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        known = index.Index(stand.catalog)
        await stand.created()
        shown = await stand.call("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        found = known.find(id_of(shown))
        assert found is not None
        assert (found.function_name, found.qualifier) == ("f", None)
        await stand.call("UpdateFunctionUrlConfig", FunctionName="f", AuthType="AWS_IAM")
        found = known.find(id_of(shown))
        assert found is not None
        assert found.needs_signature
        await stand.call("DeleteFunctionUrlConfig", FunctionName="f")
        assert known.find(id_of(shown)) is None


async def test_a_url_of_a_function_that_is_deleted_is_not_found(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        known = index.Index(stand.catalog)
        await stand.created()
        shown = await stand.call("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        await stand.call("DeleteFunction", FunctionName="f")
        assert known.find(id_of(shown)) is None
        await stand.created()
        assert known.find(id_of(shown)) is None


async def test_an_index_made_before_the_catalog_is_loaded_knows_all(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        shown = await stand.call("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        late = operations_stand.Catalog(stand.account)
        known = index.Index(late)
        await late.load(stand.store)
        assert known.find(id_of(shown)) is not None


async def test_what_a_dead_function_left_gives_way(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        shown = await stand.call("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        left = await stand.store.get(kinds.URL, kinds.qualified_name("f", None))
        assert left is not None
        await stand.call("DeleteFunction", FunctionName="f")
        # As after a crash between two steps of a deletion.
        await stand.store.create(kinds.URL, left.name, left.value)
        await stand.created()
        with pytest.raises(errors.ResourceNotFoundError):
            await stand.call("GetFunctionUrlConfig", FunctionName="f")
        again = await stand.call("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        assert again["FunctionUrl"] != shown["FunctionUrl"]


async def test_a_start_sweeps_up_urls_of_nobody(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        await stand.call("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        kept = await stand.store.get(kinds.URL, kinds.qualified_name("f", None))
        assert kept is not None
        await stand.call("DeleteFunction", FunctionName="f")
        await stand.store.create(kinds.URL, kept.name, kept.value)
    store = await sqlite.SqliteStore.open(tmp_path / "store" / "store.db")
    try:
        await recovery.recover(store)
        assert await store.list(kinds.URL) == []
    finally:
        await store.close()
