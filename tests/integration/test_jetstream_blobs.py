"""What is particular to packages in an object store of JetStream."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator

import pytest
from support.blob_sites import ObjectStoreSite
from support.nats_server import NatsServer

from inglenook_cluster.streams import api
from inglenook_cluster.streams import blobs as jetstream_blobs
from inglenook_cluster.streams.failures import UnavailableError
from inglenook_cluster.streams.stream import Message, Stream

LARGE = os.urandom(2_000_000)
SMALL = b"small"
SMALL_SHA256 = hashlib.sha256(SMALL).hexdigest()
LARGE_SHA256 = hashlib.sha256(LARGE).hexdigest()


@pytest.fixture
async def site(nats: NatsServer) -> AsyncIterator[ObjectStoreSite]:
    made = ObjectStoreSite(nats)
    yield made
    await made.close()


async def messages(site: ObjectStoreSite) -> int:
    info = await api.call(await site.connect(), f"STREAM.INFO.OBJ_{site.bucket}", {})
    return int(info["state"]["messages"])


async def test_what_was_read_is_kept_in_memory(site: ObjectStoreSite, nats: NatsServer) -> None:
    blobs = await site.open()
    await blobs.put(LARGE)
    await asyncio.gather(*(blobs.read(LARGE_SHA256) for _ in range(50)))
    await asyncio.to_thread(nats.kill)
    assert await blobs.read(LARGE_SHA256) == LARGE
    await asyncio.to_thread(nats.start)


async def test_nothing_is_left_of_what_was_deleted_or_stored_again(site: ObjectStoreSite) -> None:
    blobs = await site.open()
    await blobs.put(LARGE)
    once = await messages(site)
    await asyncio.gather(*(blobs.put(LARGE) for _ in range(5)))
    assert await messages(site) == once
    await blobs.delete(LARGE_SHA256)
    assert await messages(site) == 0


async def test_of_those_who_store_and_delete_at_once_all_see_it_whole_or_gone(
    site: ObjectStoreSite,
) -> None:
    one, other = await site.open(), await site.open()
    for _ in range(20):
        await asyncio.gather(
            one.put(SMALL), other.delete(SMALL_SHA256), other.put(SMALL), one.delete(SMALL_SHA256)
        )
        fresh = await site.open()
        if await fresh.list():
            assert await fresh.read(SMALL_SHA256) == SMALL
            assert await messages(site) == 2
        else:
            assert await messages(site) == 0


async def test_what_is_stored_again_is_as_new(site: ObjectStoreSite) -> None:
    blobs = await site.open()
    await blobs.put(SMALL)
    before = time.time()
    await (await site.open()).put(SMALL)
    assert not await blobs.delete(SMALL_SHA256, stored_before=before)
    assert await blobs.delete(SMALL_SHA256, stored_before=time.time())


async def test_an_upload_that_was_cut_off_is_removed_at_a_later_start_but_not_too_soon(
    site: ObjectStoreSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = await site.open()
    await blobs.put(LARGE)
    once = await messages(site)
    stream = Stream(await site.connect(), f"OBJ_{site.bucket}")
    await stream.write([Message(subject=f"$O.{site.bucket}.C.lost", body=b"half")])
    await site.open()
    assert await messages(site) == once + 1
    monkeypatch.setattr(jetstream_blobs, "_CUT_OFF_S", -1.0)
    again = await site.open()
    assert await messages(site) == once
    assert await again.read(LARGE_SHA256) == LARGE


async def test_a_server_that_is_killed_while_packages_are_stored_loses_none_it_has_taken(
    site: ObjectStoreSite, nats: NatsServer
) -> None:
    blobs = await site.open()
    packages = [os.urandom(700_000 + number) for number in range(30)]
    contents = {hashlib.sha256(one).hexdigest(): one for one in packages}
    storing = asyncio.gather(*(blobs.put(one) for one in contents.values()))
    for _ in range(2):
        await asyncio.wait([storing], timeout=0.1)
        await asyncio.to_thread(nats.kill)
        await asyncio.to_thread(nats.start)
    await storing
    fresh = await site.open()
    assert await fresh.list() == set(contents)
    for sha256, content in contents.items():
        assert await fresh.read(sha256) == content


async def test_while_the_server_is_away_storing_fails(
    site: ObjectStoreSite, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "PATIENCE_S", 0.3)
    blobs = await site.open()
    await asyncio.to_thread(nats.kill)
    with pytest.raises(UnavailableError):
        await blobs.put(LARGE)
    with pytest.raises(UnavailableError):
        await blobs.read(LARGE_SHA256)
    await asyncio.to_thread(nats.start)
