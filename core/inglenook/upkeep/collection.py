"""Deletes the packages that no function refers to any more, while the platform runs.

With them go, where packages are unpacked on the same machine, the folders unpacked from them, and
what was merged of layers that no function has any more in that order. All of it is given up only
after nobody has referred to it for longer than any invocation can last: environments of a version
that was just replaced or deleted may still read from its folders. A package that is stored anew
meanwhile, by a request that has yet to write its function, is left alone.
"""

import asyncio
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

from inglenook.aio import clock
from inglenook.model import limits
from inglenook.store import code, documents
from inglenook.store.blobs import Blobs
from inglenook.upkeep import recovery

_GRACE_S = limits.TIMEOUT_S_MAX + 300.0
_EVERY_S = 600.0

K = TypeVar("K", bound=Hashable)


class Unpacked(Protocol):
    """The folders unpacked from packages; a part of `code.UnpackedCode`."""

    def merged_lists(self) -> dict[tuple[str, ...], int]: ...

    async def forget(self, sha256: str) -> None: ...

    async def forget_merged(self, layers: tuple[str, ...]) -> None: ...


class _Garbage(Generic[K]):
    """What has been garbage, and since when."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._since: dict[K, float] = {}

    def old(self, found: set[K], now: float) -> list[K]:
        """Return what of the garbage `found` now has been garbage for long enough."""
        self._since = {one: self._since.get(one, now) for one in found}
        return [one for one, since in self._since.items() if since <= now - self._grace_s]


async def sweep(store: documents.Store, blobs: Blobs) -> None:
    """Delete at once what no function refers to. Only before anything else runs."""
    for sha256 in await _unreferenced(store, blobs):
        await blobs.delete(sha256)


async def _unreferenced(store: documents.Store, blobs: Blobs) -> set[str]:
    # First what is stored, then what is used: a package that comes in between is not listed.
    stored = await blobs.list()
    return code.unreferenced(stored, await recovery.code_in_use(store))


class Collection:
    """Collect the garbage of a code store and of the folders unpacked from it."""

    def __init__(
        self,
        *,
        store: documents.Store,
        blobs: Blobs,
        unpacked: Unpacked | None,
        time: clock.Clock,
        grace_s: float = _GRACE_S,
    ) -> None:
        """Collect; `unpacked` is None where packages are unpacked elsewhere."""
        self._store = store
        self._blobs = blobs
        self._unpacked = unpacked
        self._clock = time
        self._grace_s = grace_s
        self._packages: _Garbage[str] = _Garbage(grace_s)
        # With how often it was asked for: used again meanwhile, it has its time again.
        self._merged: _Garbage[tuple[tuple[str, ...], int]] = _Garbage(grace_s)

    async def run(self) -> None:
        """Collect every ten minutes, without end."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.collect()

    async def collect(self) -> set[str]:
        """Delete what has been garbage for long enough; return the digests of the packages."""
        garbage = await _unreferenced(self._store, self._blobs)
        if self._unpacked is not None:
            await self._collect_merged(self._unpacked)
        now = self._clock.now()
        deleted = set()
        for sha256 in self._packages.old(garbage, now):
            if await self._blobs.delete(sha256, stored_before=now - self._grace_s):
                if self._unpacked is not None:
                    await self._unpacked.forget(sha256)
                deleted.add(sha256)
        return deleted

    async def _collect_merged(self, unpacked: Unpacked) -> None:
        # First what is there, then what is used, as above.
        lists = unpacked.merged_lists()
        used = await recovery.layers_in_use(self._store)
        merged = {(layers, asked) for layers, asked in lists.items() if layers not in used}
        for layers, _ in self._merged.old(merged, self._clock.now()):
            await unpacked.forget_merged(layers)
