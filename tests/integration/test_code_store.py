"""What is particular to the code store on a real disk, and the node's cache of unpacked code."""

import asyncio
import base64
import hashlib
import io
import os
import resource
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from inglenook import errors
from inglenook.model import function
from inglenook.store import code, durable


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return buffer.getvalue()


SMALL = zipped(app=b"print(1)")
OTHER = zipped(app=b"print(2)")
SMALL_SHA256 = hashlib.sha256(SMALL).hexdigest()


@pytest.fixture(autouse=True)
def _loop_is_never_blocked() -> Iterator[None]:
    with blockbuster_ctx("inglenook"):
        yield


@pytest.fixture
def _files_of_at_most_64_kib() -> Iterator[None]:
    # As a full disk: the write fails. The signal that comes first is ignored, as Python does.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
async def store(tmp_path: Path) -> code.CodeStore:
    return await code.CodeStore.open(tmp_path / "data" / "code")


@pytest.fixture
async def unpacked(store: code.CodeStore, tmp_path: Path) -> code.UnpackedCode:
    return await code.UnpackedCode.open(store, tmp_path / "cache")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_zip_reads_back_by_its_hash(store: code.CodeStore) -> None:
    stored = await store.put(SMALL)
    assert stored == function.Code(sha256=SMALL_SHA256, size_bytes=len(SMALL))
    assert await store.read(SMALL_SHA256) == SMALL
    assert store.path(SMALL_SHA256).read_bytes() == SMALL
    expected = base64.b64encode(hashlib.sha256(SMALL).digest()).decode()
    assert code.code_sha256_base64(SMALL_SHA256) == expected


async def test_storing_one_zip_many_times_at_once_stores_it_once(store: code.CodeStore) -> None:
    stored = await asyncio.gather(*(store.put(SMALL) for _ in range(20)))
    assert len(set(stored)) == 1
    assert await store.list() == {SMALL_SHA256}
    assert await store.total_bytes() == len(SMALL)
    assert names(store.path(SMALL_SHA256).parent) == {SMALL_SHA256}


async def test_what_was_stored_is_listed_counted_and_outlives_a_reopening(
    store: code.CodeStore, tmp_path: Path
) -> None:
    both = {(await store.put(SMALL)).sha256, (await store.put(OTHER)).sha256}
    again = await code.CodeStore.open(tmp_path / "data" / "code")
    assert await again.list() == both
    assert await again.total_bytes() == len(SMALL) + len(OTHER)
    assert code.unreferenced(await again.list(), {SMALL_SHA256}) == both - {SMALL_SHA256}


@pytest.mark.parametrize("harm", [b"", SMALL[:-1], SMALL + b"x", OTHER])
async def test_a_damaged_zip_is_never_handed_out_and_healed_by_storing_it_again(
    store: code.CodeStore, unpacked: code.UnpackedCode, harm: bytes
) -> None:
    await store.put(SMALL)
    store.path(SMALL_SHA256).write_bytes(harm)
    with pytest.raises(code.CodeDamagedError, match=SMALL_SHA256):
        await store.read(SMALL_SHA256)
    with pytest.raises(code.CodeDamagedError):
        await unpacked.folder(SMALL_SHA256)
    await store.put(SMALL)
    assert await store.read(SMALL_SHA256) == SMALL
    assert names(await unpacked.folder(SMALL_SHA256)) == {"app"}


async def test_what_a_crash_left_half_written_is_cleared_away(
    store: code.CodeStore, tmp_path: Path
) -> None:
    await store.put(SMALL)
    root = tmp_path / "data" / "code"
    (root / f"{durable.PARTIAL_PREFIX}x").write_bytes(b"half")
    assert await store.list() == {SMALL_SHA256}
    await code.CodeStore.open(root)
    assert names(root) == {SMALL_SHA256}


@pytest.mark.usefixtures("_files_of_at_most_64_kib")
async def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    store: code.CodeStore, unpacked: code.UnpackedCode, tmp_path: Path
) -> None:
    with pytest.raises(errors.ServiceError, match="No space is left for code in"):
        await store.put(zipped(app=os.urandom(100_000)))
    assert names(tmp_path / "data" / "code") == set()
    inflating = await store.put(zipped(first=b"1", large=b"\0" * 100_000, small=b"1"))
    with pytest.raises(errors.ServiceError, match="No space is left for code in"):
        await unpacked.folder(inflating.sha256)
    assert names(tmp_path / "cache") == set()
    await store.put(SMALL)
    assert names(await unpacked.folder(SMALL_SHA256)) == {"app"}


async def test_a_folder_is_unpacked_once_for_all_who_ask_at_once(
    store: code.CodeStore, unpacked: code.UnpackedCode, tmp_path: Path
) -> None:
    await store.put(SMALL)
    folders = await asyncio.gather(*(unpacked.folder(SMALL_SHA256) for _ in range(50)))
    assert set(folders) == {tmp_path / "cache" / SMALL_SHA256}
    assert (folders[0] / "app").read_bytes() == b"print(1)"
    assert names(tmp_path / "cache") == {SMALL_SHA256}
    # Unpacked already, so nothing is read any more.
    await store.delete(SMALL_SHA256)
    assert await unpacked.folder(SMALL_SHA256) == folders[0]


async def test_one_who_stops_waiting_does_not_stop_the_others(
    store: code.CodeStore, unpacked: code.UnpackedCode
) -> None:
    await store.put(SMALL)
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(unpacked.folder(SMALL_SHA256)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
    assert waiting[0].cancelled()
    assert names(waiting[1].result()) == names(waiting[2].result()) == {"app"}


async def test_a_failure_is_told_to_all_who_wait_and_tried_anew_by_the_next(
    store: code.CodeStore, unpacked: code.UnpackedCode
) -> None:
    outcomes = await asyncio.gather(
        *(unpacked.folder(SMALL_SHA256) for _ in range(5)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [code.CodeMissingError] * 5
    await store.put(SMALL)
    assert names(await unpacked.folder(SMALL_SHA256)) == {"app"}


async def test_a_zip_that_cannot_be_unpacked_is_the_functions_fault_and_leaves_nothing(
    store: code.CodeStore, unpacked: code.UnpackedCode, tmp_path: Path
) -> None:
    broken = await store.put(b"PK but no zip")
    with pytest.raises(errors.InvalidZipFileError):
        await unpacked.folder(broken.sha256)
    assert names(tmp_path / "cache") == set()


async def test_a_forgotten_folder_is_gone_and_unpacked_anew_when_asked_for(
    store: code.CodeStore, unpacked: code.UnpackedCode, tmp_path: Path
) -> None:
    await store.put(SMALL)
    (await unpacked.folder(SMALL_SHA256) / "left").touch()
    await unpacked.forget(SMALL_SHA256)
    assert names(tmp_path / "cache") == set()
    await unpacked.forget(SMALL_SHA256)
    assert names(await unpacked.folder(SMALL_SHA256)) == {"app"}


async def test_asking_and_forgetting_at_once_always_answers_a_whole_folder(
    store: code.CodeStore, unpacked: code.UnpackedCode, tmp_path: Path
) -> None:
    await store.put(SMALL)
    folder = tmp_path / "cache" / SMALL_SHA256
    for _ in range(20):
        asked = [unpacked.folder(SMALL_SHA256) for _ in range(3)]
        forgotten = [unpacked.forget(SMALL_SHA256) for _ in range(3)]
        answers = await asyncio.gather(*asked, *forgotten)
        assert answers == [folder] * 3 + [None] * 3
    assert names(await unpacked.folder(SMALL_SHA256)) == {"app"}
    assert names(tmp_path / "cache") == {SMALL_SHA256}


async def test_what_another_process_left_in_the_cache_is_not_trusted(
    store: code.CodeStore, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    left = cache / SMALL_SHA256
    left.mkdir(parents=True)
    (left / "evil").touch()
    (cache / f"{durable.PARTIAL_PREFIX}x").mkdir()
    (cache / ("a" * 64)).symlink_to(tmp_path)
    (cache / "somebody's letter").touch()
    unpacked = await code.UnpackedCode.open(store, cache)
    assert names(cache) == {"somebody's letter"}
    assert names(tmp_path) == {"cache", "data"}
    await store.put(SMALL)
    assert names(await unpacked.folder(SMALL_SHA256)) == {"app"}
