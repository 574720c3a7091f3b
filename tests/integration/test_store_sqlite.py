"""What the SQLite store promises beyond the protocol: its file, its lock, and surviving kill -9."""

import asyncio
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from inglenook import errors
from inglenook.store import documents, lock, schema, sqlite
from inglenook.store.documents import Document, Kind


class Note(msgspec.Struct, frozen=True):
    text: str


NOTE = Kind(name="Note", type=Note)

# Writes at random, several at once, and says what it did as soon as it is told that it is done.
WRITER = """
import asyncio, random, sys
from pathlib import Path
import msgspec
from inglenook.store import documents, sqlite

class Note(msgspec.Struct, frozen=True):
    text: str

NOTE = documents.Kind(name="Note", type=Note)

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

async def write(store, name, choice):
    document = None
    for number in range(1_000_000):
        text = str(number) * choice.randrange(1, 500)
        if document is None:
            document = await store.create(NOTE, name, Note(text))
        elif choice.randrange(5):
            document = await store.replace(document, Note(text))
        else:
            await store.delete(document)
            document = None
        if document is None:
            say(name, "-", "-")
        else:
            say(name, document.resource_version, text)

async def main():
    store = await sqlite.SqliteStore.open(Path(sys.argv[1]), known=(NOTE,))
    choice = random.Random(sys.argv[2])
    async with asyncio.TaskGroup() as group:
        for number in range(4):
            name = f"{sys.argv[2]}-{number}"
            group.create_task(write(store, name, choice))

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.sqlite"


async def filled(path: Path, count: int = 3) -> None:
    store = await sqlite.SqliteStore.open(path, known=(NOTE,))
    for number in range(count):
        await store.create(NOTE, f"{number:04}", Note("x" * 500))
    await store.close()


def start_writer(path: Path, life: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), str(life)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def acknowledged_until_killed(path: Path, life: int, lines: int) -> dict[str, tuple[str, str]]:
    """Let a writer work, kill it after so many lines, return the last one about each document."""
    last = {}
    with start_writer(path, life) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        # What it said before it died, and nobody had read yet, counts as well.
        said += writer.stdout.read().splitlines(keepends=True)
    for line in said:
        if line.endswith("\n"):
            name, version, text = line.split()
            last[name] = (version, text)
    return last


@pytest.mark.timeout(120)
async def test_every_acknowledged_write_survives_being_killed(path: Path) -> None:
    choice = random.Random(20261121)
    settled: dict[str, Document[Note]] = {}
    latest = 0
    for life in range(10):
        lines = choice.randrange(1, 400)
        acknowledged = await asyncio.to_thread(acknowledged_until_killed, path, life, lines)
        store = await sqlite.SqliteStore.open(path, known=(NOTE,))
        found = {note.name: note for note in await store.list(NOTE)}
        assert {name: found[name] for name in found if not name.startswith(f"{life}-")} == settled
        for name, (version, text) in acknowledged.items():
            note = found.get(name)
            # Of each document one more write than was acknowledged may have been done.
            if note is None:
                assert version == "-" or _is_deleted_last(path, name)
            elif version != "-" and note.resource_version == int(version):
                assert note.value.text == text
            else:
                assert version == "-" or note.resource_version > int(version)
        versions = [note.resource_version for note in found.values()]
        assert len(set(versions)) == len(versions)
        assert await store.latest_version() >= max([latest + 1, *versions])
        latest = await store.latest_version()
        settled = found
        await store.close()


def _is_deleted_last(path: Path, name: str) -> bool:
    with sqlite3.connect(path) as connection:
        (deleted,) = connection.execute(
            "SELECT deleted FROM changes WHERE name = ? ORDER BY resource_version DESC LIMIT 1",
            (name,),
        ).fetchone()
    connection.close()
    return bool(deleted)


async def test_a_second_process_is_refused_and_told_who_works_in_the_folder(path: Path) -> None:
    store = await sqlite.SqliteStore.open(path, known=(NOTE,))
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from inglenook.store import sqlite\n"
        "asyncio.run(sqlite.SqliteStore.open(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(path)]
    second = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert second.returncode == 1
    assert (
        f"FolderInUseError: The data folder {path.parent} is in use by process {os.getpid()}."
        in (second.stderr)
    )
    with pytest.raises(lock.FolderInUseError) as caught:
        await sqlite.SqliteStore.open(path)
    assert caught.value.holder_pid == os.getpid()
    await store.create(NOTE, "still", Note("works"))
    await store.close()
    third = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert third.returncode == 0, third.stderr


async def test_a_folder_whose_holder_was_killed_is_free(path: Path) -> None:
    with start_writer(path, 0) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(lock.FolderInUseError, match=f"process {writer.pid}"):
            await sqlite.SqliteStore.open(path)
        writer.kill()
    store = await sqlite.SqliteStore.open(path)
    await store.close()


def contents(folder: Path) -> dict[str, bytes]:
    # SQLite's shared memory is an index of the log, made anew whenever it is opened.
    left_out = (lock.FILE_NAME, "store.sqlite-shm", "store.sqlite-wal")
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name not in left_out}


def make_empty(path: Path) -> None:
    path.parent.mkdir()
    path.touch()


def scribble(path: Path) -> None:
    path.write_bytes(b"this is not a database at all. " * 1000)


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xa5" * (path.stat().st_size - 4096 * 4))


def make_it_anothers(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()


@pytest.mark.parametrize("harm", [scribble, cut_off, overwrite_pages, make_it_anothers])
async def test_a_damaged_file_is_refused_by_name_and_left_as_it_is(
    harm: object, path: Path
) -> None:
    await filled(path, 200)
    assert callable(harm)
    harm(path)
    before = contents(path.parent)
    for _ in range(2):
        with pytest.raises(schema.DamagedStoreError) as caught:
            await sqlite.SqliteStore.open(path)
        assert str(path) in str(caught.value)
        assert "to start with an empty store" in str(caught.value)
    assert contents(path.parent) == before


async def test_a_damaged_file_keeps_its_write_ahead_log(path: Path, tmp_path: Path) -> None:
    store = await sqlite.SqliteStore.open(path, known=(NOTE,))
    # Long enough for SQLite to have moved a first part of its log into the file.
    for number in range(600):
        await store.create(NOTE, f"{number:04}", Note("x" * 500))
    crashed = tmp_path / "crashed"
    shutil.copytree(path.parent, crashed)
    await store.close()
    copy = crashed / path.name
    log = crashed / f"{path.name}-wal"
    overwrite_pages(copy)
    before = log.read_bytes(), copy.read_bytes()
    assert before[0]
    with pytest.raises(schema.DamagedStoreError):
        await sqlite.SqliteStore.open(copy)
    assert (log.read_bytes(), copy.read_bytes()) == before


async def test_a_store_of_a_newer_schema_is_refused_and_left_as_it_is(path: Path) -> None:
    await filled(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = contents(path.parent)
    with pytest.raises(schema.NewerSchemaError, match="version 99"):
        await sqlite.SqliteStore.open(path)
    assert contents(path.parent) == before


async def test_an_empty_file_left_by_a_crash_at_the_first_start_is_a_new_store(path: Path) -> None:
    make_empty(path)
    await filled(path)


async def test_a_document_that_does_not_decode_is_named(path: Path) -> None:
    await filled(path)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE documents SET body = ? WHERE name = '0001'", (b'{"text": 1}',))
    connection.close()
    store = await sqlite.SqliteStore.open(path, known=(NOTE,))
    with pytest.raises(schema.DamagedStoreError, match="its Note 0001 is not valid"):
        await store.list(NOTE)
    assert await store.get(NOTE, "0000") is not None
    await store.close()


async def test_a_watch_leaves_out_kinds_that_it_does_not_know(path: Path) -> None:
    await filled(path)
    store = await sqlite.SqliteStore.open(path)
    changes = store.watch(1)
    store_closed = asyncio.ensure_future(anext(changes))
    await store.get(NOTE, "let the watch pass what there is")
    await store.close()
    with pytest.raises(documents.ClosedError):
        await store_closed


async def test_cancelling_an_opening_leaves_the_folder_free(path: Path) -> None:
    opening = asyncio.ensure_future(sqlite.SqliteStore.open(path))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    async with asyncio.timeout(10):
        while True:
            try:
                store = await sqlite.SqliteStore.open(path)
            except lock.FolderInUseError:
                continue
            break
    await store.close()


@pytest.fixture
def _files_of_at_most_a_megabyte() -> Iterator[None]:
    # As a full disk: the write fails. The signal that comes first is ignored, as Python does.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("_files_of_at_most_a_megabyte")
async def test_a_write_that_the_disk_has_no_room_for_fails_and_was_not_done(path: Path) -> None:
    store = await sqlite.SqliteStore.open(path, known=(NOTE,))
    kept = await store.create(NOTE, "small", Note("x"))
    with pytest.raises(errors.ServiceError, match=r"store\.sqlite failed: "):
        await store.create(NOTE, "large", Note("x" * 2_000_000))
    assert await store.get(NOTE, "large") is None
    after = await store.create(NOTE, "after", Note("y"))
    assert after.resource_version == kept.resource_version + 1
    await store.close()
    store = await sqlite.SqliteStore.open(path, known=(NOTE,))
    assert await store.list(NOTE) == [after, kept]
    await store.close()


async def test_only_its_owner_can_read_the_store(path: Path) -> None:
    store = await sqlite.SqliteStore.open(path, known=(NOTE,))
    await store.create(NOTE, "secret", Note("x"))
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.glob("store.sqlite*")}
    assert modes == {"store.sqlite": 0o600, "store.sqlite-wal": 0o600, "store.sqlite-shm": 0o600}
    await store.close()


async def test_what_cannot_be_a_name_is_refused_alone(path: Path) -> None:
    store = await sqlite.SqliteStore.open(path, known=(NOTE,))
    outcomes = await asyncio.gather(
        *(store.create(NOTE, name, Note("x")) for name in ("a", "\ud800", "b")),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], UnicodeEncodeError)
    assert [note.name for note in await store.list(NOTE)] == ["a", "b"]
    await store.close()
