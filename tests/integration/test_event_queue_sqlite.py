"""What is particular to the durable queue in a SQLite file."""

import asyncio
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inglenook import errors
from inglenook.events import queue
from inglenook.events.sqlite import SqliteQueue
from inglenook.store import schema
from inglenook.store import sqlite as store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


async def opened(path: Path) -> SqliteQueue:
    return await SqliteQueue.open(path, bytes_max=100_000_000, items_max=100_000)


async def put(events: SqliteQueue, size: int = 1) -> None:
    await events.put(queue.Item(group="f", due=0, state=b"s", payload=b"x" * size))


async def filled(path: Path) -> None:
    events = await opened(path)
    await asyncio.gather(*(put(events, 1000) for _ in range(200)))
    await events.close()


def content(path: Path) -> bytes:
    return path.read_bytes()


def scribble(path: Path) -> None:
    path.write_bytes(b"this is not a database at all. " * 1000)


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("harm", [scribble, cut_off])
async def test_a_damaged_file_is_refused_by_name_and_left_as_it_is(
    path: Path, harm: Callable[[Path], None]
) -> None:
    await filled(path)
    harm(path)
    before = content(path)
    with pytest.raises(schema.DamagedStoreError, match=r"events\.sqlite cannot be read") as caught:
        await opened(path)
    assert "events.sqlite-wal" in str(caught.value)
    assert content(path) == before


async def test_the_file_of_the_other_store_is_refused(path: Path) -> None:
    other = await store.SqliteStore.open(path)
    await other.close()
    with pytest.raises(schema.DamagedStoreError, match="not one of Inglenook"):
        await opened(path)


async def test_a_file_of_a_newer_schema_is_refused(path: Path) -> None:
    await filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(schema.NewerSchemaError, match="versions up to 1"):
        await opened(path)


async def test_only_its_owner_can_read_the_file(path: Path) -> None:
    events = await opened(path)
    await put(events)
    modes = {file.stat().st_mode & 0o777 for file in path.parent.glob("events.sqlite*")}
    assert modes == {0o600}
    await events.close()


@pytest.fixture
def _files_of_at_most_a_megabyte() -> Iterator[None]:
    # As a full disk: the write fails. The signal that comes first is ignored, as Python does.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("_files_of_at_most_a_megabyte")
async def test_a_put_that_the_disk_has_no_room_for_fails_and_was_not_done(path: Path) -> None:
    events = await opened(path)
    await put(events)
    with pytest.raises(errors.ServiceError, match=r"events\.sqlite failed: "):
        await put(events, 2_000_000)
    (held,) = await events.claim({"f": 10}, now=1, until=2)
    await events.settle(held)
    await events.close()


@pytest.mark.usefixtures("_files_of_at_most_a_megabyte")
async def test_a_settling_that_the_disk_has_no_room_for_leaves_the_claim_good(path: Path) -> None:
    events = await opened(path)
    await put(events)
    (held,) = await events.claim({"f": 10}, now=1, until=20)
    large = queue.Item(group="g", due=0, state=b"", payload=b"x" * 2_000_000)
    with pytest.raises(errors.ServiceError):
        await events.settle(held, [large])
    assert await events.claim({"f": 10, "g": 10}, now=10, until=20) == []
    await events.settle(held)
    await events.close()
    events = await opened(path)
    assert await events.claim({"f": 10, "g": 10}, now=1e9, until=1e10) == []
    await events.close()
