"""A store that waits before one of its calls, so that another gateway may act in between."""

import asyncio
from typing import Any

from inglenook.store import documents

_CALLS = ("get", "list", "create", "replace", "delete")


class Gated:
    """Let `calls` calls pass; the next one waits until `go` is set, and says so by `reached`."""

    def __init__(self, store: documents.Store, calls: int) -> None:
        self._store = store
        self._left = calls
        self.reached = asyncio.Event()
        self.go = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in _CALLS:
            return found

        async def call(*args: object, **options: object) -> object:
            self._left -= 1
            if self._left == -1:
                self.reached.set()
                await self.go.wait()
            return await found(*args, **options)

        return call
