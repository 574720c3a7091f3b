"""SQLite files of ours: what is in that of the store, and opening any without harming it.

A file is examined read-only first. One that is damaged, is not ours or was written by a newer
Inglenook is refused with a message that says what to do, and not a byte of it is changed. All of
this blocks: to be used in the thread that owns the connection.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inglenook import errors
from inglenook.store import documents, durable

BUSY_TIMEOUT_S = 5.0
"""How long to wait for somebody who looks into the file with another program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What a kind of file of ours has in it."""

    application_id: int
    """Marks the file as ours, as SQLite's `PRAGMA application_id` has it."""
    migrations: tuple[str, ...]
    """What turns each version of the schema into the next one; never changed, only appended to."""


_DOCUMENTS_1 = """
    CREATE TABLE documents (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        resource_version INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID;
    CREATE TABLE changes (
        resource_version INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        body BLOB NOT NULL,
        deleted INTEGER NOT NULL
    );
    """

DOCUMENTS = Schema(application_id=0x496E676C, migrations=(_DOCUMENTS_1,))
"""Of the store (`Ingl`)."""


class DamagedStoreError(documents.StoreError):
    """The file of the store cannot be read. It was left as it is."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(
            f"The store {path} cannot be read: {reason}. It was left as it is. Put a copy of it "
            f"back, or recover what is left with `sqlite3 {path} .recover`, or move {path.name}, "
            f"{path.name}-wal and {path.name}-shm away to start with an empty store."
        )


class NewerSchemaError(documents.StoreError):
    """The store was written by a newer Inglenook."""

    def __init__(self, path: Path, version: int, known: int) -> None:
        self.path = path
        super().__init__(
            f"The store {path} has schema version {version}, and this Inglenook knows versions up "
            f"to {known}. It was left as it is. Use the newer Inglenook that wrote it."
        )


def open_file(path: Path, schema: Schema = DOCUMENTS) -> sqlite3.Connection:
    """Open the file at `path`, made if absent, with its schema up to date.

    Raises DamagedStoreError and NewerSchemaError.
    """
    # An empty file is what a crash right after the very first open leaves behind.
    is_new = not path.exists() or path.stat().st_size == 0
    connection: sqlite3.Connection | None = None
    try:
        if is_new:
            # Functions' environment variables are in it. SQLite gives its log the same permissions.
            path.touch(mode=0o600)
        else:
            _examine(path, schema)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        _configure(connection)
        _migrate(connection, schema)
        if is_new:
            durable.sync_folder(path.parent)
    except sqlite3.DatabaseError as exc:
        if connection is not None:
            connection.close()
        if is_damage(exc):
            raise DamagedStoreError(path, str(exc)) from exc
        raise
    except BaseException:
        if connection is not None:
            connection.close()
        raise
    return connection


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Say whether SQLite found the file damaged or no database at all."""
    # The low byte is the primary code; the others refine it.
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite raises over the file into DamagedStoreError or `errors.ServiceError`."""
    try:
        yield
    except sqlite3.DatabaseError as exc:
        if is_damage(exc):
            raise DamagedStoreError(path, str(exc)) from exc
        if isinstance(exc, sqlite3.OperationalError):
            raise errors.ServiceError(f"The store {path} failed: {exc}.") from exc
        raise


def _examine(path: Path, schema: Schema) -> None:
    # Read-only, because closing the last writing connection moves the write-ahead log into the
    # file: harmless to a whole one, but evidence lost in a damaged one.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S
    )
    try:
        tables = _number(connection, "SELECT count(*) FROM sqlite_schema")
        if tables and _number(connection, "PRAGMA application_id") != schema.application_id:
            raise DamagedStoreError(path, "it is a database, but not one of Inglenook")
        version = _number(connection, "PRAGMA user_version")
        if version > len(schema.migrations):
            raise NewerSchemaError(path, version, len(schema.migrations))
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise DamagedStoreError(path, verdict)
    finally:
        connection.close()


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL syncs the log at every commit, so what was answered survives a loss of power.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")


def _migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    version = _number(connection, "PRAGMA user_version")
    if version == len(schema.migrations):
        return
    steps = "".join(schema.migrations[version:])
    connection.executescript(
        f"BEGIN IMMEDIATE; {steps} PRAGMA application_id = {schema.application_id};"
        f"PRAGMA user_version = {len(schema.migrations)}; COMMIT;"
    )


def _number(connection: sqlite3.Connection, query: str) -> int:
    (value,) = connection.execute(query).fetchone()
    return int(value)
