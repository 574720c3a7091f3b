"""What every implementation of the store of packages promises."""

import asyncio
import hashlib
import io
import os
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from support.blob_sites import BlobSite, FolderSite, ObjectStoreSite

from inglenook.model import function
from inglenook.store import code
from inglenook.store.blobs import Blobs


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("app", content)
    return buffer.getvalue()


SMALL, OTHER = zipped(b"print(1)"), zipped(b"print(2)")
LARGE = zipped(os.urandom(3_000_000))
SMALL_SHA256 = hashlib.sha256(SMALL).hexdigest()


@pytest.fixture(autouse=True)
def _loop_is_never_blocked() -> Iterator[None]:
    with blockbuster_ctx(["inglenook", "inglenook_cluster"]):
        yield


@pytest.fixture(params=["folder", "jetstream"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BlobSite]:
    made: BlobSite
    if request.param == "folder":
        made = FolderSite(tmp_path / "code")
    else:
        made = ObjectStoreSite(request.getfixturevalue("nats"))
    yield made
    await made.close()


@pytest.fixture
async def blobs(site: BlobSite) -> Blobs:
    return await site.open()


@pytest.mark.parametrize("content", [SMALL, LARGE, b""])
async def test_a_package_reads_back_by_its_hash_also_elsewhere(
    site: BlobSite, blobs: Blobs, content: bytes
) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    assert await blobs.put(content) == function.Code(sha256=sha256, size_bytes=len(content))
    assert await blobs.read(sha256) == content
    assert await (await site.open()).read(sha256) == content


async def test_storing_one_package_many_times_at_once_stores_it_once(
    site: BlobSite, blobs: Blobs
) -> None:
    other = await site.open()
    stored = await asyncio.gather(*(one.put(SMALL) for one in [blobs, other] * 10))
    assert len(set(stored)) == 1
    assert await blobs.list() == {SMALL_SHA256}
    assert await (await site.open()).read(SMALL_SHA256) == SMALL


async def test_what_was_stored_is_listed(site: BlobSite, blobs: Blobs) -> None:
    assert await blobs.list() == set()
    both = {(await blobs.put(SMALL)).sha256, (await blobs.put(OTHER)).sha256}
    assert await blobs.list() == both
    assert await (await site.open()).list() == both


async def test_a_deleted_package_is_gone_and_deleting_it_again_is_no_failure(blobs: Blobs) -> None:
    await blobs.put(SMALL)
    assert await blobs.delete(SMALL_SHA256)
    assert await blobs.delete(SMALL_SHA256)
    assert await blobs.list() == set()
    with pytest.raises(code.CodeMissingError, match=SMALL_SHA256):
        await blobs.read(SMALL_SHA256)
    await blobs.put(SMALL)
    assert await blobs.read(SMALL_SHA256) == SMALL


async def test_a_package_that_was_stored_lately_is_not_deleted_as_old(blobs: Blobs) -> None:
    await blobs.put(SMALL)
    assert not await blobs.delete(SMALL_SHA256, stored_before=time.time() - 60)
    assert await blobs.list() == {SMALL_SHA256}
    assert await blobs.delete(SMALL_SHA256, stored_before=time.time() + 60)
    assert await blobs.list() == set()


async def test_storing_and_deleting_at_once_leaves_it_whole_or_gone(
    site: BlobSite, blobs: Blobs
) -> None:
    for _ in range(20):
        await asyncio.gather(blobs.put(SMALL), blobs.delete(SMALL_SHA256), blobs.put(SMALL))
        fresh = await site.open()
        try:
            assert await fresh.read(SMALL_SHA256) == SMALL
        except code.CodeMissingError:
            assert await fresh.list() == set()


@pytest.mark.parametrize("harm", [b"", SMALL[:-1], SMALL + b"x", OTHER])
async def test_a_damaged_package_is_never_handed_out_and_healed_by_storing_it_again(
    site: BlobSite, blobs: Blobs, harm: bytes
) -> None:
    await blobs.put(SMALL)
    await site.harm(SMALL_SHA256, harm)
    for one in (blobs, await site.open()):
        with pytest.raises(code.CodeDamagedError, match=SMALL_SHA256):
            await one.read(SMALL_SHA256)
    await blobs.put(SMALL)
    assert await blobs.read(SMALL_SHA256) == SMALL
    assert await (await site.open()).read(SMALL_SHA256) == SMALL


@pytest.mark.parametrize("name", ["", "../x", "a" * 63, "A" * 64, "g" * 64, "a" * 65, "*", ">"])
async def test_what_is_no_hash_names_no_package(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        await blobs.read(name)
    with pytest.raises(ValueError, match="not a SHA-256"):
        await blobs.delete(name)
