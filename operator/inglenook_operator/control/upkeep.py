"""What the leader does to the platform's documents, beside what was declared of them.

Functions and versions become active, what was cut off is finished, packages that nobody needs go.

All gateways write documents meanwhile. So what looks like the rest of a crash is touched only when
it has looked so, unchanged, for longer than any operation takes (`PatientStore`).
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

from inglenook import errors
from inglenook.aio import clock
from inglenook.store import documents
from inglenook.store.documents import Change, Document, Kind
from inglenook.upkeep import recovery
from inglenook.upkeep.activation import Activation
from inglenook_operator.cluster import index
from inglenook_operator.reconcile import names

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PATIENCE_S = 150.0
_RECOVERY_EVERY_S = 60.0
_RUNTIME_WAIT_S = 10.0
"""A function and its Runtime may have been applied together, in any order."""
_LOOK_S = 0.5
_RETRY_S = 2.0


class StoredCode:
    """Packages that nodes unpack, not the operator.

    A gateway stores a package durably before it writes the document that names it, so there is
    nothing to find out of it here.
    """

    async def folder(self, sha256: str) -> None: ...

    async def merged(self, layers: Sequence[str]) -> None: ...


class KnownRuntimes:
    """The runtimes that the cluster has: those with a Runtime resource."""

    def __init__(self, index: index.Index) -> None:
        self._index = index
        self._missed: dict[str, float] = {}
        """Since when a runtime is known not to be there."""

    async def available(self, runtime: str) -> str | None:
        """Return why a runtime is not available; None if it is."""
        loop = asyncio.get_running_loop()
        while self._index.get(names.RUNTIMES, runtime) is None:
            # A file of manifests is applied within moments; then it is there or is not.
            if loop.time() >= self._missed.setdefault(runtime, loop.time()) + _RUNTIME_WAIT_S:
                break
            await asyncio.sleep(_LOOK_S)
        else:
            self._missed.pop(runtime, None)
            return None
        return f"This cluster has no Runtime resource named {runtime}."


class PatientStore:
    """A store whose deletions wait until they have been asked for twice, some time apart."""

    def __init__(self, store: documents.Store, *, time: clock.Clock, patience_s: float) -> None:
        self._store = store
        self._clock = time
        self._patience_s = patience_s
        self._asked: dict[tuple[str, str, int], float] = {}
        self._asked_now: dict[tuple[str, str, int], float] = {}

    def begin(self) -> None:
        """Begin a round: what was not asked for in the last one has ceased to look so."""
        self._asked, self._asked_now = self._asked_now, {}

    async def delete(self, document: Document[Any], *, any_version: bool = False) -> None:
        """Delete exactly this document, if that was first asked for long enough ago."""
        key = document.kind.name, document.name, document.resource_version
        now = self._clock.monotonic()
        since = self._asked.get(key, now)
        self._asked_now[key] = since
        if now < since + self._patience_s:
            return
        try:
            await self._store.delete(document)
        except documents.ConflictError:
            return
        logger.info(
            "deleted what an operation had left",
            extra={"kind": document.kind.name, "document": document.name},
        )

    async def get(self, kind: Kind[T], name: str) -> Document[T] | None:
        return await self._store.get(kind, name)

    async def list(self, kind: Kind[T], prefix: str = "") -> list[Document[T]]:
        return await self._store.list(kind, prefix)

    async def create(self, kind: Kind[T], name: str, value: T) -> Document[T]:
        return await self._store.create(kind, name, value)

    async def replace(self, document: Document[T], value: T) -> Document[T]:
        return await self._store.replace(document, value)

    async def latest_version(self) -> int:
        return await self._store.latest_version()

    def watch(self, since: int = 0) -> AsyncIterator[Change]:
        return self._store.watch(since)


async def recover(store: documents.Store, time: clock.Clock) -> None:
    """Finish what was cut off, every now and then, without end."""
    patient = PatientStore(store, time=time, patience_s=_PATIENCE_S)
    while True:
        patient.begin()
        try:
            await recovery.recover(patient)
        except (errors.ServiceError, documents.StoreError):
            logger.warning("recovery failed and is tried again", exc_info=True)
        await asyncio.sleep(_RECOVERY_EVERY_S)


async def activate(store: documents.Store, index: index.Index) -> None:
    """Bring functions and versions that are settling to their end, without end."""
    activation = Activation(
        store=store,
        code=StoredCode(),
        runtimes=KnownRuntimes(index),
        new_revision=lambda: str(uuid.uuid4()),
        # Gateways watch the store; nobody here keeps a catalog.
        written=lambda _: None,
        retry_s=_RETRY_S,
    )
    while True:
        try:
            await activation.run()
        except errors.ServiceError:
            logger.warning("the store cannot be watched and is tried again", exc_info=True)
        await asyncio.sleep(_RETRY_S)
