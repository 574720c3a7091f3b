"""The resource store on a cluster: every document in a custom resource of its own.

A document stands whole in its resource's status and changes by one write over exactly the version
that was read, so a replacement is done or not done. Creating takes two writes, the resource and
then its status; what a crash leaves between them is no document, and creating again completes it.
A write that has begun is finished even if its caller is cancelled or the store is closed.

Resource versions are etcd's and count every write of the cluster: `latest_version` may be that of
somebody else's. What others write of a resource (its spec, its conditions) moves its version, but
is no change of the document: it is no conflict, and a watch seldom tells it.

An API server that is away, or overloaded, is a ServiceError.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any, TypeVar

from inglenook.store import documents
from inglenook.store.documents import Change, Document, Kind
from inglenook_cluster.kube.client import Client
from inglenook_cluster.kube.requests import Requests, refusals_told
from inglenook_cluster.resources import codec, definitions, watching, writing
from inglenook_cluster.resources.api import Api
from inglenook_cluster.resources.definitions import Definition

T = TypeVar("T")


class KubernetesStore:
    """A `documents.Store` in the custom resources of a namespace.

    Safe for many tasks of one event loop. The client is somebody else's to close, after this.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str,
        known: Iterable[Definition] = definitions.ALL,
    ) -> None:
        """Use an open client. Nothing is asked of the cluster before it is needed."""
        self._definitions = {one.kind.name: one for one in known}
        self._api = Api(Requests(client), namespace)
        self._watches: set[watching.Watch] = set()
        self._writes: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def close(self) -> None:
        """Finish the writes that are under way and end every watch. Safe to repeat."""
        self._is_closed = True
        for watch in list(self._watches):
            watch.fail(documents.ClosedError("the store is closed"))
        while self._writes:
            await asyncio.wait(self._writes)
        await asyncio.gather(*(watch.close() for watch in list(self._watches)))

    async def get(self, kind: Kind[T], name: str) -> Document[T] | None:
        self._require_open()
        with refusals_told():
            return await self._writer(kind).read(name)

    async def list(self, kind: Kind[T], prefix: str = "") -> list[Document[T]]:
        self._require_open()
        with refusals_told():
            listing = await self._api.list(self._definition(kind))
        found = (codec.document(kind, resource) for resource in listing.items)
        kept = [one for one in found if one is not None and one.name.startswith(prefix)]
        return sorted(kept, key=lambda one: one.name)

    async def create(self, kind: Kind[T], name: str, value: T) -> Document[T]:
        return await self._finished(self._writer(kind).create(name, value))

    async def replace(self, document: Document[T], value: T) -> Document[T]:
        return await self._finished(self._writer(document.kind).replace(document, value))

    async def delete(self, document: Document[Any], *, any_version: bool = False) -> None:
        writer = self._writer(document.kind)
        await self._finished(writer.delete(document, any_version=any_version))

    async def latest_version(self) -> int:
        """Return a version that nothing written before this call is newer than."""
        self._require_open()
        return await self._latest()

    async def _latest(self) -> int:
        # Kubernetes reads a listing that names no version at the latest one.
        with refusals_told():
            listing = await self._api.list(next(iter(self._definitions.values())), limit=1)
        return listing.version

    async def watch(self, since: int = 0) -> AsyncIterator[Change]:
        """Yield the changes after `since`: each document's in order, those of a kind in order.

        Changes of several kinds may be yielded in another order than they were made; their resource
        versions tell. A server that is away is waited for.
        """
        self._require_open()
        watch = watching.Watch(self._api, self._definitions.values())
        self._watches.add(watch)
        try:
            if since == 0:
                for change in await watch.begin():
                    yield change
            else:
                await watch.resume(since, self._latest)
            while True:
                yield await watch.next()
        finally:
            self._watches.discard(watch)
            await watch.close()

    def _require_open(self) -> None:
        if self._is_closed:
            raise documents.ClosedError("the store is closed")

    def _definition(self, kind: Kind[Any]) -> Definition:
        return self._definitions[kind.name]

    def _writer(self, kind: Kind[T]) -> writing.Writer[T]:
        return writing.Writer(self._api, self._definition(kind), kind)

    async def _finished(self, work: Coroutine[Any, Any, T]) -> T:
        """Do a write to its end, whatever becomes of who asked for it."""
        if self._is_closed:
            work.close()
            self._require_open()
        task = asyncio.get_running_loop().create_task(work, name="resource write")
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        with refusals_told():
            return await asyncio.shield(task)
