"""The way into the queue for processes that only put: they follow nothing and keep nothing.

What is in the queue is asked of the server about once a second, so its bounds are kept with what
several processes put within a second to spare. What was settled within the last half minute counts
as well.
"""

import asyncio

from inglenook.aio import tasks
from inglenook.events import queue
from inglenook.events.queue import Item
from inglenook_cluster.streams import api, making
from inglenook_cluster.streams.changes import Change
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.failures import EngineError
from inglenook_cluster.streams.stream import Stream

WAITING_BYTES_MAX = 256 * 1024 * 1024
"""How much may wait for the server; a further put is refused."""
_ASKED_EVERY_S = 1.0


class JetStreamIntake:
    """Put items into the queue that a `JetStreamQueue` claims from. To be closed."""

    def __init__(self, stream: Stream, *, bytes_max: int, items_max: int) -> None:
        """Take what `open` has made."""
        self._stream = stream
        self._subjects = making.subjects(stream.name)
        self._bytes_max, self._items_max = bytes_max, items_max
        self._bytes, self._items = 0, 0
        self._waiting_bytes = 0
        self._asked_at = float("-inf")
        self._asking = tasks.Tasks()
        self._is_closed = False

    @classmethod
    async def open(
        cls, connection: Connection, *, bytes_max: int, items_max: int, name: str = making.NAME
    ) -> "JetStreamIntake":
        """Open the way into a queue, made if absent. Raises EngineError."""
        stream = await making.made(connection, name)
        opened = cls(stream, bytes_max=bytes_max, items_max=items_max)
        await opened._ask()
        return opened

    async def close(self) -> None:
        """Take nothing more; what is under way is its callers'. Safe to repeat."""
        self._is_closed = True
        await self._asking.close()

    async def put(self, item: Item) -> None:
        """Store an item durably. Raises QueueFullError and EngineError."""
        if self._is_closed:
            raise queue.ClosedError("the queue is closed")
        self._keep_asking()
        if self._items >= self._items_max or self._bytes + item.size_bytes > self._bytes_max:
            raise queue.QueueFullError("the queue is full")
        if self._waiting_bytes + item.size_bytes > WAITING_BYTES_MAX:
            raise queue.QueueFullError("too much waits for NATS")
        # Until the server is asked again.
        self._items += 1
        self._bytes += item.size_bytes
        self._waiting_bytes += item.size_bytes
        change = Change(self._subjects)
        change.put(item)
        try:
            await self._stream.write(change.messages)
        finally:
            self._waiting_bytes -= item.size_bytes

    def _keep_asking(self) -> None:
        is_due = asyncio.get_running_loop().time() - self._asked_at > _ASKED_EVERY_S
        if is_due and not len(self._asking):
            _ = self._asking.start(self._try_to_ask(), name="ask how full the queue is")

    async def _try_to_ask(self) -> None:
        try:
            await self._ask()
        except EngineError:
            # Whoever puts something is told.
            return

    async def _ask(self) -> None:
        answer = await api.call(self._stream.connection, f"STREAM.INFO.{self._stream.name}", {})
        self._items, self._bytes = answer["state"]["messages"], answer["state"]["bytes"]
        self._asked_at = asyncio.get_running_loop().time()
