"""The resource store in one SQLite file, for one machine.

A write is answered once it is on the disk, and only then seen by those who watch. One thread owns
the connection. While it commits, the writes that arrive wait and are committed together next, so
that throughput does not end at the disk's syncs per second. A caller who is cancelled stops waiting
and no more: its write may be done or not, as if the answer had been lost.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent import futures
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from inglenook import errors
from inglenook.store import database, documents, history, kinds, transaction
from inglenook.store.documents import Change, Document, Kind

T = TypeVar("T")

HISTORY_ROWS = 512
"""How many changes are kept for watchers: more than one falls behind between two turns. They are in
memory, a kilobyte or two each."""
WAITING_WRITES_MAX = 10_000
"""How many writes may wait for the disk; further ones are refused."""
BATCH_WRITES_MAX = 256
"""How many of them one transaction takes, so that none waits for ever longer ones."""

_Batch = list[tuple[transaction.Write, asyncio.Future[history.Row]]]


class SqliteStore:
    """A `documents.Store` in a file. Safe for many tasks of one event loop."""

    def __init__(
        self,
        file: database.Database,
        thread: futures.ThreadPoolExecutor,
        changes: history.History,
        known: Iterable[Kind[Any]],
    ) -> None:
        """Take what `open` has opened."""
        self._file = file
        self._thread = thread
        self._history = changes
        self._kinds = {kind.name: kind for kind in known}
        self._waiting: _Batch = []
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._is_closed = False
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        known: Iterable[Kind[Any]] = kinds.ALL,
        history_rows: int = HISTORY_ROWS,
    ) -> "SqliteStore":
        """Open the store at `path`, made with its folder if absent, and lock its folder.

        Documents of kinds that are not `known` are left alone, and a watch does not show them.
        Raises lock.FolderInUseError, schema.DamagedStoreError and schema.NewerSchemaError.
        """
        thread = futures.ThreadPoolExecutor(1, thread_name_prefix="sqlite-store")
        opening = thread.submit(database.Database, path, history_rows)
        try:
            file = await asyncio.wrap_future(opening)
            rows = await asyncio.get_running_loop().run_in_executor(thread, file.changes)
        except BaseException:
            # Cancelled, the file may be open by now, or soon. Its thread closes it in its turn.
            thread.submit(_close_opened, opening)
            thread.shutdown(wait=False)
            raise
        latest = rows[-1].version if rows else 0
        return cls(file, thread, history.History(rows, latest=latest, size=history_rows), known)

    async def close(self) -> None:
        """Finish the writes that wait, end every watch, close the file. Safe to repeat."""
        self._is_closed = True
        self._history.close()
        await self._is_idle.wait()
        if self._closing is None:
            loop = asyncio.get_running_loop()
            self._closing = loop.run_in_executor(self._thread, self._file.close)
            self._thread.shutdown(wait=False)
        await asyncio.shield(self._closing)

    async def get(self, kind: Kind[T], name: str) -> Document[T] | None:
        return await self._read(functools.partial(self._file.get, kind, name))

    async def list(self, kind: Kind[T], prefix: str = "") -> list[Document[T]]:
        return await self._read(functools.partial(self._file.list, kind, prefix))

    async def latest_version(self) -> int:
        self._require_open()
        return self._history.latest

    async def create(self, kind: Kind[T], name: str, value: T) -> Document[T]:
        # A name that is no text must fail here, alone, and not in a transaction it shares.
        name.encode()
        body = msgspec.json.encode(value)
        row = await self._write(transaction.Create(kind=kind.name, name=name, body=body))
        return Document(kind=kind, name=name, resource_version=row.version, value=value)

    async def replace(self, document: Document[T], value: T) -> Document[T]:
        kind, name = document.kind, document.name
        row = await self._write(
            transaction.Replace(
                kind=kind.name,
                name=name,
                seen_version=document.resource_version,
                body=msgspec.json.encode(value),
            )
        )
        return Document(kind=kind, name=name, resource_version=row.version, value=value)

    async def delete(self, document: Document[Any], *, any_version: bool = False) -> None:
        await self._write(
            transaction.Delete(
                kind=document.kind.name,
                name=document.name,
                seen_version=None if any_version else document.resource_version,
            )
        )

    async def watch(self, since: int = 0) -> AsyncIterator[Change]:
        self._require_open()
        if since > self._history.latest:
            raise documents.WatchExpiredError(
                f"version {since} is not of this store, whose latest is {self._history.latest}"
            )
        if since == 0:
            # Taken first: what is written before the documents are read is then yielded twice, and
            # not missed.
            since = self._history.latest
            for row in await self._read(self._file.documents):
                # What is newer comes as a change.
                if row.version <= since and (change := self._change(row)) is not None:
                    yield change
        async for row in self._history.after(since):
            if (change := self._change(row)) is not None:
                yield change

    def _change(self, row: history.Row) -> Change | None:
        kind = self._kinds.get(row.kind)
        if kind is None:
            return None
        return Change(document=self._file.document(kind, row), deleted=bool(row.deleted))

    def _require_open(self) -> None:
        if self._is_closed:
            raise documents.ClosedError("the store is closed")

    async def _read(self, work: Callable[[], T]) -> T:
        self._require_open()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _write(self, write: transaction.Write) -> history.Row:
        self._require_open()
        if len(self._waiting) >= WAITING_WRITES_MAX:
            raise errors.ServiceError("The store is overloaded: too many writes wait for the disk.")
        written: asyncio.Future[history.Row] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, written))
        if self._is_idle.is_set():
            self._commit_next()
        return await written

    def _commit_next(self) -> None:
        self._waiting = [pair for pair in self._waiting if not pair[1].cancelled()]
        if not self._waiting:
            self._is_idle.set()
            return
        self._is_idle.clear()
        batch, self._waiting = self._waiting[:BATCH_WRITES_MAX], self._waiting[BATCH_WRITES_MAX:]
        committing = asyncio.get_running_loop().run_in_executor(
            self._thread, self._file.commit, [write for write, _ in batch], self._history.latest
        )
        committing.add_done_callback(functools.partial(self._committed, batch))

    def _committed(
        self,
        batch: _Batch,
        done: asyncio.Future[transaction.Outcomes],
    ) -> None:
        failure = done.exception()
        outcomes: Sequence[history.Row | BaseException]
        outcomes = done.result() if failure is None else [failure] * len(batch)
        # Those who watch come first: whoever has its answer may count on their having been woken.
        self._history.add(row for row in outcomes if isinstance(row, history.Row))
        for (_, written), outcome in zip(batch, outcomes, strict=True):
            if written.cancelled():
                continue
            if isinstance(outcome, history.Row):
                written.set_result(outcome)
            else:
                written.set_exception(outcome)
        self._commit_next()


def _close_opened(opening: futures.Future[database.Database]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
