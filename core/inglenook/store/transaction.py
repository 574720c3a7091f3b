"""Writes to the SQLite store: what each does, and doing many in one transaction.

Writes that wait together are committed together, so that they share the one sync of the disk that
makes them durable. A write that is refused (the document exists, has changed, is gone) changes
nothing and spoils nothing for the others; if the transaction itself fails, none of them happened.
This blocks: to be used in the thread that owns the connection.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from inglenook.store import documents
from inglenook.store.history import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Store a new document."""

    kind: str
    name: str
    body: bytes

    def apply(self, connection: sqlite3.Connection, version: int) -> Row:
        if _stored(connection, self.kind, self.name) is not None:
            raise documents.AlreadyExistsError(f"{self.kind} {self.name} exists")
        connection.execute(
            "INSERT INTO documents (kind, name, resource_version, body) VALUES (?, ?, ?, ?)",
            (self.kind, self.name, version, self.body),
        )
        return Row(self.kind, self.name, version, self.body, deleted=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Store a value in place of exactly one version of a document."""

    kind: str
    name: str
    seen_version: int
    body: bytes

    def apply(self, connection: sqlite3.Connection, version: int) -> Row:
        _require(connection, self.kind, self.name, self.seen_version)
        connection.execute(
            "UPDATE documents SET resource_version = ?, body = ? WHERE kind = ? AND name = ?",
            (version, self.body, self.kind, self.name),
        )
        return Row(self.kind, self.name, version, self.body, deleted=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete exactly one version of a document, or whichever there is."""

    kind: str
    name: str
    seen_version: int | None

    def apply(self, connection: sqlite3.Connection, version: int) -> Row:
        body = _require(connection, self.kind, self.name, self.seen_version)
        connection.execute(
            "DELETE FROM documents WHERE kind = ? AND name = ?", (self.kind, self.name)
        )
        return Row(self.kind, self.name, version, body, deleted=True)


Write = Create | Replace | Delete
Outcomes = list[Row | documents.StoreError]
"""Of each write, the change it made or why it was refused."""


def commit(
    connection: sqlite3.Connection, writes: Sequence[Write], version: int, history_rows: int
) -> Outcomes:
    """Do `writes` in order, durably, and return the outcome of each.

    `version` is the last resource version given out; each write that is done takes the next one.
    Of the changes the last `history_rows` are kept. Raises what SQLite raises, with nothing done.
    """
    outcomes: Outcomes = []
    connection.execute("BEGIN IMMEDIATE")
    try:
        for write in writes:
            try:
                row = write.apply(connection, version + 1)
            except documents.StoreError as refusal:
                outcomes.append(refusal)
                continue
            connection.execute(
                "INSERT INTO changes (resource_version, kind, name, body, deleted) "
                "VALUES (?, ?, ?, ?, ?)",
                (row.version, row.kind, row.name, row.body, row.deleted),
            )
            version = row.version
            outcomes.append(row)
        connection.execute(
            "DELETE FROM changes WHERE resource_version <= ?", (version - history_rows,)
        )
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back already after some errors, a full disk among them.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return outcomes


def _stored(connection: sqlite3.Connection, kind: str, name: str) -> tuple[int, bytes] | None:
    found: tuple[int, bytes] | None = connection.execute(
        "SELECT resource_version, body FROM documents WHERE kind = ? AND name = ?", (kind, name)
    ).fetchone()
    return found


def _require(
    connection: sqlite3.Connection, kind: str, name: str, seen_version: int | None
) -> bytes:
    stored = _stored(connection, kind, name)
    if stored is None:
        raise documents.NotFoundError(f"{kind} {name} does not exist")
    version, body = stored
    if seen_version is not None and version != seen_version:
        raise documents.ConflictError(f"{kind} {name} has changed since it was read")
    return body
