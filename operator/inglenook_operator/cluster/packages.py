"""The engine's packages for a process that works without them, too, while the engine is away.

Opened in the background. Until it is open, reading is refused; collecting garbage waits.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from inglenook import errors, settings
from inglenook.aio import clock, tasks
from inglenook.store import blobs, documents
from inglenook.upkeep.collection import Collection
from inglenook_cluster.streams.blobs import JetStreamBlobs
from inglenook_cluster.streams.connection import Connection

logger = logging.getLogger(__name__)

_RETRY_S = 10.0


class Packages:
    """Packages in JetStream, once it is there."""

    def __init__(self) -> None:
        self._blobs: blobs.Blobs | None = None

    async def read(self, sha256: str) -> bytes:
        """Return a package, verified. Raises ServiceError and what the engine's do."""
        if self._blobs is None:
            raise errors.ServiceError("The engine that keeps packages is not connected.")
        return await self._blobs.read(sha256)

    async def run(
        self, options: settings.Cluster, store: documents.Store, time: clock.Clock
    ) -> None:
        """Connect for as long as it takes, then collect garbage, without end."""
        connection = await Connection.open(options, name=options.pod_name or "operator")
        try:
            while True:
                try:
                    self._blobs = self._blobs or await JetStreamBlobs.open(connection)
                    await Collection(store=store, blobs=self._blobs, unpacked=None, time=time).run()
                except Exception:
                    # The one place where this loop's errors end.
                    logger.exception("packages could not be collected; it is tried again")
                await asyncio.sleep(_RETRY_S)
        finally:
            await connection.close()


@asynccontextmanager
async def opening(
    options: settings.Cluster, store: documents.Store, time: clock.Clock
) -> AsyncIterator[Packages]:
    """Use packages for a while."""
    opened, background = Packages(), tasks.Tasks()
    _ = background.start(opened.run(options, store, time), name="packages")
    try:
        yield opened
    finally:
        await background.close()
