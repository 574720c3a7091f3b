"""The watch of the gateways: whatever happens to it, the last view stays and the next one comes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from support.gateway_group import eventually

from inglenook.aio import tasks
from inglenook_cluster.peers import endpoints, membership


class Source:
    """Slices that a test changes."""

    def __init__(self) -> None:
        self.lists = 0
        self.failures: list[Exception] = []
        self.names: list[str] = []
        self.version = 1
        self.changes: asyncio.Queue[Exception | None] = asyncio.Queue()

    def set(self, *names: str) -> None:
        self.names, self.version = list(names), self.version + 1

    def _slice(self) -> dict[str, object]:
        return {
            "metadata": {"name": "s", "resourceVersion": str(self.version)},
            "endpoints": [
                {"addresses": ["10.0.0.1"], "targetRef": {"name": name}} for name in self.names
            ],
        }

    async def list(self) -> bytes:
        self.lists += 1
        if self.failures:
            raise self.failures.pop()
        meta = {"resourceVersion": str(self.version)}
        return msgspec.json.encode({"metadata": meta, "items": [self._slice()]})

    @contextlib.asynccontextmanager
    async def watch(self, since: str) -> AsyncIterator[AsyncIterator[bytes]]:
        yield self._lines()

    async def _lines(self) -> AsyncIterator[bytes]:
        while (change := await self.changes.get()) is None:
            yield msgspec.json.encode({"type": "MODIFIED", "object": self._slice()})
        if not isinstance(change, StopAsyncIteration):
            raise change


@contextlib.asynccontextmanager
async def following(source: Source) -> AsyncIterator[membership.Membership]:
    known = membership.Membership()
    owned = tasks.Tasks()
    _ = owned.start(membership.follow(source, known), name="follow")
    try:
        yield known
    finally:
        await owned.close()


async def test_changes_are_learnt_through_drops_of_every_kind() -> None:
    source = Source()
    source.set("a")
    source.failures = [OSError("the API server is away")]
    async with following(source) as known:
        await eventually(lambda: set(known.view.members) == {"a"})
        source.set("a", "b")
        source.changes.put_nowait(None)
        await eventually(lambda: set(known.view.members) == {"a", "b"})
        drops = (StopAsyncIteration(), endpoints.GoneError("410"), TimeoutError(), OSError("reset"))
        for number, drop in enumerate(drops):
            source.set("a", f"n{number}")
            source.changes.put_nowait(drop)
            if isinstance(drop, StopAsyncIteration):
                source.changes.put_nowait(None)
            await eventually(lambda n=number: f"n{n}" in known.view.members)  # type: ignore[misc]


async def test_with_the_api_away_the_last_view_stays() -> None:
    source = Source()
    source.set("a")
    async with following(source) as known:
        await eventually(lambda: set(known.view.members) == {"a"})
        source.failures = [OSError("away"), OSError("away")]
        source.changes.put_nowait(OSError("away"))
        await eventually(lambda: not source.failures)
        assert set(known.view.members) == {"a"}
