"""Where queues are kept, one kind for each engine: what the suites over both of them open."""

import asyncio
import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from support.nats_server import NatsServer

from inglenook import settings
from inglenook.events import sqlite
from inglenook.events.queue import Queue
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.queue import JetStreamQueue

BYTES_MAX = 1_000_000
ITEMS_MAX = 1000
_names = itertools.count()


class Closable(Queue, Protocol):
    async def close(self) -> None: ...


class Site(Protocol):
    """A place where a queue keeps its items."""

    keeps_leases: bool
    """Whether a lease outlives the process that has it."""

    async def open(self) -> Closable: ...

    async def crash(self, old: Closable) -> Closable:
        """Return the queue as it is after the power went: `old` is never heard of again."""
        ...


MakeSite = Callable[[Path], Site]


class SqliteSite:
    keeps_leases = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "life"
        self._folder.mkdir()

    async def open(self) -> Closable:
        return await sqlite.SqliteQueue.open(
            self._folder / "events.sqlite", bytes_max=BYTES_MAX, items_max=ITEMS_MAX
        )

    async def crash(self, old: Closable) -> Closable:
        # With the write-ahead log as it is, which closing would have tidied up.
        left = self._folder.with_name(f"{self._folder.name}+")
        await asyncio.to_thread(shutil.copytree, self._folder, left)
        await old.close()
        self._folder = left
        return await self.open()


class JetStreamSite:
    """A stream of its own in a server that others use as well."""

    keeps_leases = True

    def __init__(self, server: NatsServer) -> None:
        self._server = server
        self._name = f"events-{next(_names)}"

    async def open(self) -> Closable:
        connection = await connected(self._server)
        return await opened(connection, name=self._name, kind=_WithItsConnection)

    async def crash(self, old: Closable) -> Closable:
        await asyncio.to_thread(self._server.kill)
        assert isinstance(old, _WithItsConnection)
        try:
            await old.end()
        finally:
            # Whatever comes of this test, others need the server.
            await asyncio.to_thread(self._server.start)
        return await self.open()


async def connected(server: NatsServer) -> Connection:
    return await Connection.open(settings.Cluster(nats_url=server.url), name="test")


async def opened(
    connection: Connection,
    *,
    name: str,
    kind: type[JetStreamQueue] = JetStreamQueue,
    bytes_max: int = BYTES_MAX,
    items_max: int = ITEMS_MAX,
) -> JetStreamQueue:
    queue = await kind.open(
        connection, name=name, bytes_max=bytes_max, items_max=items_max, rng=random.Random(1)
    )
    if isinstance(queue, _WithItsConnection):
        queue.connection = connection
    return queue


class _WithItsConnection(JetStreamQueue):
    """A queue that closes its connection too."""

    connection: Connection

    async def close(self) -> None:
        await super().close()
        await self.connection.close()

    async def end(self) -> None:
        """Leave everything as a process does that is killed."""
        await self.connection.close()
        await super().close()
