"""The durable queue whose file fails while it is open: what was written is told of all the same."""

import asyncio
from pathlib import Path

import pytest

from inglenook.events import queue
from inglenook.events.sqlite import SqliteQueue
from inglenook.store import schema

LARGE = 1_000_000


def item(group: str, size: int = 1) -> queue.Item:
    return queue.Item(group=group, due=0, state=b"s", payload=b"x" * size)


async def test_a_claim_that_fails_takes_nothing_else_with_it(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    events = await SqliteQueue.open(path, bytes_max=100 * LARGE, items_max=1000)
    await events.put(item("damaged", LARGE))
    await events.close()
    events = await SqliteQueue.open(path, bytes_max=100 * LARGE, items_max=1000)
    heads: dict[str, float | None] = {}
    events.watch(heads.update)
    _harm_large_payloads(path)
    # The first keeps the thread busy, so that the others are done together.
    ended = await asyncio.gather(
        events.put(item("first")),
        events.put(item("second")),
        events.claim({"damaged": 1}, now=1, until=2),
        events.claim({"first": 1}, now=1, until=2),
        return_exceptions=True,
    )
    assert ended[:2] == [None, None]
    assert isinstance(ended[2], schema.DamagedStoreError)
    assert isinstance(ended[3], list)
    assert [claim.group for claim in ended[3]] == ["first"]
    assert heads["second"] == 0
    await events.close()


def _harm_large_payloads(path: Path) -> None:
    """Break the chains of overflow pages: each names the next in its first four bytes."""
    page = 4096
    with path.open("r+b") as file:
        for at in range(20 * page, path.stat().st_size - 20 * page, page):
            file.seek(at)
            file.write(b"\x7f\xff\xff\xff")


@pytest.mark.parametrize("size", [0, 5000])
async def test_a_queue_full_of_bytes_refuses_and_keeps_nothing_of_it(
    tmp_path: Path, size: int
) -> None:
    path = tmp_path / "events.sqlite"
    events = await SqliteQueue.open(path, bytes_max=size, items_max=1000)
    refused = await asyncio.gather(
        *(events.put(item("f", 1000)) for _ in range(20)), return_exceptions=True
    )
    kept = refused.count(None)
    assert kept == size // 1001
    assert all(isinstance(each, queue.QueueFullError) for each in refused if each is not None)
    await events.close()
    events = await SqliteQueue.open(path, bytes_max=size, items_max=1000)
    assert len(await events.claim({"f": 20}, now=1, until=2)) == kept
    await events.close()
