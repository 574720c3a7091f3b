"""The durable queue and the packages with three servers, each of which keeps everything."""

import asyncio
import hashlib
import os
import random
from collections.abc import AsyncIterator, Iterator

import pytest
from support import nats_server
from support.nats_server import NatsServer
from support.queue_load import Load

from inglenook import settings
from inglenook_cluster.streams import api
from inglenook_cluster.streams.blobs import JetStreamBlobs
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.queue import JetStreamQueue

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def servers(
    nats: NatsServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[NatsServer]]:
    del nats  # which has seen to it that there is a server's program
    with nats_server.cluster(tmp_path_factory.mktemp("servers")) as running:
        yield running


@pytest.fixture
async def connection(servers: list[NatsServer]) -> AsyncIterator[Connection]:
    urls = ", ".join(server.url for server in servers)
    options = settings.Cluster(nats_url=urls, nats_replicas=3)
    opened = await Connection.open(options, name="test")
    yield opened
    await opened.close()


async def test_while_each_server_in_turn_is_killed_no_item_is_lost_or_done_twice(
    servers: list[NatsServer], connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two servers of three may be electing a leader while the third is still starting.
    monkeypatch.setattr(api, "PATIENCE_S", 60.0)
    queues = [
        await JetStreamQueue.open(
            connection, bytes_max=10**8, items_max=10**5, rng=random.Random(one), name="replicated"
        )
        for one in range(2)
    ]
    load = Load(queues[0], queues)

    async def kill() -> None:
        for server in servers:
            await load.until_settled(200)
            await asyncio.to_thread(server.kill)
            await load.until_settled(100)
            await asyncio.to_thread(server.start)
        load.stop()

    await asyncio.gather(kill(), load.run(putters=10))
    assert load.settled == load.accepted
    assert set(load.done.values()) == {1}
    for one in queues:
        await one.close()


async def test_packages_are_read_whichever_server_answers(
    servers: list[NatsServer], connection: Connection
) -> None:
    blobs = await JetStreamBlobs.open(connection, bucket="replicated")
    content = os.urandom(3_000_000)
    sha256 = hashlib.sha256(content).hexdigest()
    await asyncio.gather(*(blobs.put(content) for _ in range(3)))
    for server in servers:
        options = settings.Cluster(nats_url=server.url, nats_replicas=3)
        other = await Connection.open(options, name="test")
        try:
            fresh = await JetStreamBlobs.open(other, bucket="replicated")
            assert await fresh.read(sha256) == content
        finally:
            await other.close()
    await asyncio.to_thread(servers[0].kill)
    assert (
        await (await JetStreamBlobs.open(connection, bucket="replicated")).read(sha256) == content
    )
    await asyncio.to_thread(servers[0].start)


async def test_more_replicas_are_made_of_what_is_there_when_the_setting_asks_for_them(
    servers: list[NatsServer], connection: Connection
) -> None:
    urls = ", ".join(server.url for server in servers)
    single = await Connection.open(settings.Cluster(nats_url=urls), name="test")
    content = os.urandom(1000)
    try:
        stored = await (await JetStreamBlobs.open(single, bucket="growing")).put(content)
        grown = await JetStreamBlobs.open(connection, bucket="growing")
        assert await grown.read(stored.sha256) == content
        info = await api.call(connection, "STREAM.INFO.OBJ_growing", {})
        assert info["config"]["num_replicas"] == 3
    finally:
        await single.close()
