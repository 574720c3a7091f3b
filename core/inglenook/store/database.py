"""What the SQLite store does with its file, in the one thread that may touch it.

Foreign errors end here: what says that the file is damaged becomes `schema.DamagedStoreError`, a
full disk or a failing one `errors.ServiceError`. All of this blocks.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from inglenook.store import history, lock, schema, transaction
from inglenook.store.documents import Document, Kind

T = TypeVar("T")

_ROWS = "SELECT kind, name, resource_version, body, 0 FROM documents"

_LAST_CODE_POINT = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


class Database:
    """The file of a store, open, with its folder locked."""

    def __init__(self, path: Path, history_rows: int) -> None:
        """Open the file, made with its folder if absent.

        Raises lock.FolderInUseError, schema.DamagedStoreError and schema.NewerSchemaError.
        """
        self._path = path
        self._history_rows = history_rows
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as undo:
            self._lock = lock.FolderLock(path.parent)
            undo.callback(self._lock.release)
            with schema.translated(self._path):
                self._connection = schema.open_file(path)
            undo.pop_all()

    def close(self) -> None:
        """Close the file, then unlock the folder."""
        try:
            self._connection.close()
        finally:
            self._lock.release()

    def changes(self) -> list[history.Row]:
        """Return the last changes, in order."""
        with schema.translated(self._path):
            found = self._connection.execute(
                "SELECT kind, name, resource_version, body, deleted FROM changes "
                "ORDER BY resource_version DESC LIMIT ?",
                (self._history_rows,),
            ).fetchall()
        return [history.Row._make(row) for row in reversed(found)]

    def documents(self) -> list[history.Row]:
        """Return all documents as changes, in the order of their last writes."""
        with schema.translated(self._path):
            found = self._connection.execute(f"{_ROWS} ORDER BY resource_version")
            return [history.Row._make(row) for row in found]

    def get(self, kind: Kind[T], name: str) -> Document[T] | None:
        with schema.translated(self._path):
            found = self._connection.execute(
                f"{_ROWS} WHERE kind = ? AND name = ?", (kind.name, name)
            ).fetchone()
        return None if found is None else self.document(kind, history.Row._make(found))

    def list(self, kind: Kind[T], prefix: str) -> list[Document[T]]:
        query = f"{_ROWS} WHERE kind = ? AND name >= ?"
        values = [kind.name, prefix]
        end = _after_all_with(prefix)
        if end is not None:
            query += " AND name < ?"
            values.append(end)
        with schema.translated(self._path):
            # SQLite compares text as UTF-8 bytes, which is the order of code points: Python's.
            found = self._connection.execute(f"{query} ORDER BY name", values).fetchall()
        return [self.document(kind, history.Row._make(row)) for row in found]

    def commit(self, writes: Sequence[transaction.Write], latest: int) -> transaction.Outcomes:
        """Do `writes` durably; see `transaction.commit`."""
        with schema.translated(self._path):
            return transaction.commit(self._connection, writes, latest, self._history_rows)

    def document(self, kind: Kind[T], row: history.Row) -> Document[T]:
        """Decode a row. Usable in any thread."""
        try:
            value = msgspec.json.decode(row.body, type=kind.type)
        except msgspec.DecodeError as exc:
            reason = f"its {kind.name} {row.name} is not valid: {exc}"
            raise schema.DamagedStoreError(self._path, reason) from exc
        return Document(kind=kind, name=row.name, resource_version=row.version, value=value)


def _after_all_with(prefix: str) -> str | None:
    """Return the first text after every one that starts with `prefix`, None if there is none."""
    shortened = prefix.rstrip(chr(_LAST_CODE_POINT))
    if not shortened:
        return None
    following = ord(shortened[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return shortened[:-1] + chr(following)
