"""Where packages are kept, one kind for each engine: what the suite over both of them opens."""

import itertools
from pathlib import Path
from typing import Protocol

import msgspec
from support.event_queues import connected
from support.nats_server import NatsServer

from inglenook.store import code
from inglenook.store.blobs import Blobs
from inglenook_cluster.streams.blobs import JetStreamBlobs
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.stream import Message, Stream

_names = itertools.count()


class BlobSite(Protocol):
    """A place where packages are kept."""

    async def open(self) -> Blobs: ...

    async def harm(self, sha256: str, content: bytes) -> None:
        """Have something else stand where a package was."""

    async def close(self) -> None: ...


class FolderSite:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def open(self) -> Blobs:
        return await code.CodeStore.open(self._folder)

    async def harm(self, sha256: str, content: bytes) -> None:
        (self._folder / sha256).write_bytes(content)

    async def close(self) -> None:
        pass


class ObjectStoreSite:
    def __init__(self, server: NatsServer) -> None:
        self._server = server
        self.bucket = f"code-{next(_names)}"
        self._connections: list[Connection] = []

    async def connect(self) -> Connection:
        self._connections.append(await connected(self._server))
        return self._connections[-1]

    async def open(self) -> JetStreamBlobs:
        return await JetStreamBlobs.open(await self.connect(), bucket=self.bucket)

    async def harm(self, sha256: str, content: bytes) -> None:
        stream = Stream(await self.connect(), f"OBJ_{self.bucket}")
        for subject in await stream.subjects(f"$O.{self.bucket}.M.>"):
            stored = await stream.latest(subject)
            assert stored is not None
            described = msgspec.json.decode(stored.body)
            if described["name"] == sha256:
                pieces = f"$O.{self.bucket}.C.{described['nuid']}"
                await stream.purge(pieces)
                await stream.write([Message(subject=pieces, body=content)])

    async def close(self) -> None:
        for connection in self._connections:
            await connection.close()
