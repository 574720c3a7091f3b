"""The last changes of a store, in memory, for those who watch it.

All watchers read from one bounded row of changes, each from its own place, so a slow one costs
nothing and holds nobody up; one that has fallen behind what is kept is told so instead of missing a
change. Used on the event loop only; nothing here blocks.
"""

import asyncio
import collections
from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

from inglenook.store import documents


class Row(NamedTuple):
    """A change as it is stored: its value encoded. Every change has the version after the last."""

    kind: str
    name: str
    version: int
    body: bytes
    deleted: bool


class History:
    """Keep the last `size` changes and wake those who wait for more."""

    def __init__(self, rows: Iterable[Row], *, latest: int, size: int) -> None:
        """Begin with `rows`, which end with version `latest` if there are any."""
        self.latest = latest
        self._rows = collections.deque(rows, maxlen=size)
        self._changed = asyncio.Event()
        self._is_closed = False

    def add(self, rows: Iterable[Row]) -> None:
        """Append changes, the first of them with the version after `latest`."""
        self._rows.extend(rows)
        if self._rows:
            self.latest = self._rows[-1].version
        self._wake()

    def close(self) -> None:
        """Make every watch raise ClosedError."""
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, version: int) -> AsyncIterator[Row]:
        """Yield every change after `version`, in order, without end. Raises WatchExpiredError."""
        while not self._is_closed:
            if version >= self.latest:
                # No await between the look and the wait, so no change can slip in between.
                await self._changed.wait()
                continue
            index = len(self._rows) - (self.latest - version)
            if index < 0:
                raise documents.WatchExpiredError(
                    f"the changes after version {version} are no longer known"
                )
            row = self._rows[index]
            version = row.version
            yield row
        raise documents.ClosedError("the store is closed")
