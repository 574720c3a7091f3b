"""Deletes the packages that no function refers to any more, while the platform runs.

A package is given up only after nobody has referred to it for longer than any invocation can last:
environments of a version that was just replaced or deleted may still read from its folder. One that
is stored anew meanwhile, by a request that has yet to write its function, is left alone.
"""

import asyncio

from inglenook.aio import clock
from inglenook.model import limits
from inglenook.store import code, documents
from inglenook_gateway.operations import recovery

_GRACE_S = limits.TIMEOUT_S_MAX + 300.0
_EVERY_S = 600.0


async def sweep(store: documents.Store, blobs: code.CodeStore) -> None:
    """Delete at once what no function refers to. Only before anything else runs."""
    for sha256 in await _unreferenced(store, blobs):
        await blobs.delete(sha256)


async def _unreferenced(store: documents.Store, blobs: code.CodeStore) -> set[str]:
    # First what is stored, then what is used: a package that comes in between is not listed.
    stored = await blobs.list()
    return code.unreferenced(stored, await recovery.code_in_use(store))


class Collection:
    """Collect the garbage of a code store and of the folders unpacked from it."""

    def __init__(
        self,
        *,
        store: documents.Store,
        blobs: code.CodeStore,
        unpacked: code.UnpackedCode,
        time: clock.Clock,
        grace_s: float = _GRACE_S,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._unpacked = unpacked
        self._clock = time
        self._grace_s = grace_s
        self._unreferenced_since: dict[str, float] = {}

    async def run(self) -> None:
        """Collect every ten minutes, without end."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.collect()

    async def collect(self) -> set[str]:
        """Delete what has been garbage for long enough; return its digests."""
        garbage = await _unreferenced(self._store, self._blobs)
        now = self._clock.now()
        self._unreferenced_since = {
            sha256: self._unreferenced_since.get(sha256, now) for sha256 in garbage
        }
        deleted = set()
        for sha256, since in self._unreferenced_since.items():
            old = since <= now - self._grace_s
            if old and await self._blobs.delete(sha256, stored_before=now - self._grace_s):
                await self._unpacked.forget(sha256)
                deleted.add(sha256)
        return deleted
