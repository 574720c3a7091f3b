"""The durable queue in one SQLite file, for one machine.

One thread owns the file. While it commits, the operations that arrive wait and are done together
next, so that throughput does not end at the disk's syncs per second. A caller who is cancelled
stops waiting and no more; what it would have claimed is given back.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from pathlib import Path

from inglenook.events import file, queue
from inglenook.events.queue import Claim, Item

WAITING_BYTES_MAX = 256 * 1024 * 1024
"""How much may wait for the disk; a further put is refused."""
BATCH_OPERATIONS_MAX = 512
"""How many operations one transaction takes, so that none waits for ever longer ones."""

_Batch = list[tuple[file.Operation, "asyncio.Future[list[Claim]]"]]


class SqliteQueue:
    """A `queue.Queue` in a file. Safe for many tasks of one event loop.

    The folder of the file must belong to this process alone: see `store.lock`.
    """

    def __init__(self, opened: file.File, thread: futures.ThreadPoolExecutor) -> None:
        """Take what `open` has opened."""
        self._file = opened
        self._thread = thread
        self._watchers: list[Callable[[queue.Heads], None]] = []
        self._waiting: _Batch = []
        self._waiting_bytes = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._is_closed = False
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, path: Path, *, bytes_max: int, items_max: int) -> "SqliteQueue":
        """Open the queue at `path`, made if absent; claims of former lives are void.

        Raises schema.DamagedStoreError and schema.NewerSchemaError.
        """
        thread = futures.ThreadPoolExecutor(1, thread_name_prefix="sqlite-queue")
        opening = thread.submit(file.File, path, bytes_max=bytes_max, items_max=items_max)
        try:
            return cls(await asyncio.wrap_future(opening), thread)
        except BaseException:
            # Cancelled, the file may be open by now, or soon. Its thread closes it in its turn.
            thread.submit(_close_opened, opening)
            thread.shutdown(wait=False)
            raise

    async def close(self) -> None:
        """Finish what waits for the disk and close the file. Safe to repeat."""
        self._is_closed = True
        await self._is_idle.wait()
        if self._closing is None:
            loop = asyncio.get_running_loop()
            self._closing = loop.run_in_executor(self._thread, self._file.close)
            self._thread.shutdown(wait=False)
        await asyncio.shield(self._closing)

    def watch(self, callback: Callable[[queue.Heads], None]) -> None:
        self._watchers.append(callback)
        # A copy, as the thread may be at work on it; what it changes meanwhile is told afterwards.
        callback(dict(self._file.heads))

    @property
    def items(self) -> int:
        """How many items there are, under way or not."""
        return self._file.items

    async def put(self, item: Item) -> None:
        if self._waiting_bytes + item.size_bytes > WAITING_BYTES_MAX:
            raise queue.QueueFullError("too much waits for the disk")
        self._waiting_bytes += item.size_bytes
        try:
            await self._do(file.Put(item=item))
        finally:
            self._waiting_bytes -= item.size_bytes

    async def claim(self, wanted: Mapping[str, int], *, now: float, until: float) -> list[Claim]:
        return await self._do(file.Take(wanted=wanted, now=now, until=until))

    async def extend(self, claims: Sequence[Claim], *, until: float) -> None:
        await self._do(file.Extend(claims=claims, until=until))

    async def settle(self, claim: Claim, then: Sequence[Item] = ()) -> None:
        await self._do(file.Settle(claim=claim, then=then))

    async def reschedule(self, claim: Claim, *, due: float, state: bytes) -> None:
        await self._do(file.Reschedule(claim=claim, due=due, state=state))

    async def release(self, claim: Claim) -> None:
        await self._do(file.Release(claim=claim))

    async def _do(self, operation: file.Operation) -> list[Claim]:
        if self._is_closed:
            raise queue.ClosedError("the queue is closed")
        return await self._enqueue(operation)

    def _enqueue(self, operation: file.Operation) -> "asyncio.Future[list[Claim]]":
        done: asyncio.Future[list[Claim]] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, done))
        if self._is_idle.is_set():
            self._run_next()
        return done

    def _run_next(self) -> None:
        self._waiting = [pair for pair in self._waiting if not pair[1].cancelled()]
        if not self._waiting:
            self._is_idle.set()
            return
        self._is_idle.clear()
        batch = self._waiting[:BATCH_OPERATIONS_MAX]
        self._waiting = self._waiting[BATCH_OPERATIONS_MAX:]
        running = asyncio.get_running_loop().run_in_executor(
            self._thread, self._file.run, [operation for operation, _ in batch]
        )
        running.add_done_callback(functools.partial(self._ran, batch))

    def _ran(
        self,
        batch: _Batch,
        running: "asyncio.Future[tuple[list[file.Outcome], queue.Heads]]",
    ) -> None:
        failure = running.exception()
        outcomes: Sequence[file.Outcome | BaseException] = [failure] * len(batch)
        if failure is None:
            outcomes, heads = running.result()
            # Before the claims are handed out, so that their holder knows what is left.
            for watcher in self._watchers if heads else ():
                watcher(heads)
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            if done.cancelled():
                self._give_back(outcome)
            elif isinstance(outcome, BaseException):
                done.set_exception(outcome)
            else:
                done.set_result([] if outcome is None else outcome)
        self._run_next()

    def _give_back(self, outcome: file.Outcome | BaseException) -> None:
        if not isinstance(outcome, list):
            return
        for claim in outcome:
            released: asyncio.Future[list[Claim]] = asyncio.get_running_loop().create_future()
            # Should it fail, nobody waits to hear of it, and the lease lapses.
            released.add_done_callback(lambda done: done.exception())
            # Ahead of everything, as somebody may wait to claim it already.
            self._waiting.insert(0, (file.Release(claim=claim), released))


def _close_opened(opening: "futures.Future[file.File]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
