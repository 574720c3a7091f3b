"""What invocations are aimed at: as the catalog knows it, and before a refusal as the store has it.

On a cluster a catalog is some way behind the store: a function that somebody was told is ready, by
another gateway or by `kubectl`, may still be Pending here, or unknown. So nothing is refused before
it has been read. What is known to be Active is taken as it is known.
"""

import asyncio
import random

from inglenook import errors
from inglenook.catalog.catalog import Catalog
from inglenook.catalog.target import Target
from inglenook.model import function
from inglenook.model.arn import FunctionRef
from inglenook.store import documents, kinds

_AT_ONCE = 4
"""How many are read at a time: calls for what is not there must not become a storm on the store."""
_WAITING_MAX = 1024
_TIMEOUT_S = 2.0


class Targets:
    """Targets of one catalog. Belongs to its event loop."""

    def __init__(
        self, known: Catalog, rng: random.Random, store: documents.Store | None = None
    ) -> None:
        """Draw from aliases' weights by `rng`.

        Without a `store` nothing is read: this process makes all changes, and its catalog has them.
        """
        self._known = known
        self._rng = rng
        self._store = store
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._readings: set[asyncio.Task[None]] = set()
        # Those that have not begun. One that has may have missed what a later caller was told.
        self._to_come: dict[FunctionRef, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Read nothing any more."""
        for each in list(self._readings):
            each.cancel()
        await asyncio.gather(*self._readings, return_exceptions=True)

    @property
    def changes(self) -> int:
        """As the catalog's: what was found before it grew may be out of date."""
        return self._known.changes

    def known(self, ref: FunctionRef) -> Target:
        """Return what the catalog knows to be the target. Raises what `Catalog.resolve` does."""
        return self._known.resolve(ref, self._rng)

    async def find(self, ref: FunctionRef) -> Target:
        """Do so, but refuse only what the store refuses too.

        Raises ServiceError if that cannot be told.
        """
        try:
            return self.known(ref)
        except errors.ApiError:
            if self._store is None:
                raise
            await self.read(ref)
        return self.known(ref)

    async def read(self, ref: FunctionRef) -> None:
        """Let the catalog learn what the store has of a target now. Raises ServiceError."""
        if self._store is None:
            return
        reading = self._to_come.get(ref)
        if reading is None:
            if len(self._to_come) >= _WAITING_MAX:
                raise errors.ServiceError("Too many functions are being looked for.")
            work = self._read_in_turn(self._store, ref)
            reading = asyncio.get_running_loop().create_task(work, name=f"look for {ref.name}")
            self._to_come[ref] = reading
            self._readings.add(reading)
            reading.add_done_callback(self._ended)
        # Not awaited itself: who waits may give up, and others wait for it too.
        done, _ = await asyncio.wait({reading}, timeout=_TIMEOUT_S)
        if not done or reading.cancelled():
            raise errors.ServiceError("The store does not answer.")
        reading.result()

    def _ended(self, reading: "asyncio.Task[None]") -> None:
        self._readings.discard(reading)
        if not reading.cancelled():
            reading.exception()  # seen, though all who waited may be gone

    async def _read_in_turn(self, store: documents.Store, ref: FunctionRef) -> None:
        async with self._room:
            del self._to_come[ref]
            try:
                await self._read(store, ref)
            except documents.ClosedError as exc:
                raise errors.ServiceError("This process is shutting down.") from exc

    async def _read(self, store: documents.Store, ref: FunctionRef) -> None:
        owner = await store.get(kinds.FUNCTION, ref.name)
        if owner is None:
            return
        self._known.apply(owner)
        if ref.qualifier is None or ref.qualifier == function.LATEST:
            return
        if function.version_number(ref.qualifier) is not None:
            await self._read_versions(store, ref.name, {ref.qualifier})
            return
        alias = await store.get(kinds.ALIAS, kinds.alias_name(ref.name, ref.qualifier))
        if alias is not None:
            self._known.apply(alias)
            named = {alias.value.function_version, *alias.value.additional_version_weights}
            await self._read_versions(store, ref.name, named)

    async def _read_versions(
        self, store: documents.Store, function_name: str, versions: set[str]
    ) -> None:
        for version in versions:
            number = function.version_number(version)
            if number is None:
                continue  # an alias may stand for $LATEST
            found = await store.get(kinds.VERSION, kinds.version_name(function_name, number))
            if found is not None:
                self._known.apply(found)
