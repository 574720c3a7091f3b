"""The worker on a machine whose clock is set, or that sleeps."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inglenook import settings
from inglenook.aio import clock
from inglenook.events import queue, retrying, work
from inglenook.events.sqlite import SqliteQueue
from inglenook_worker import worker
from inglenook_worker.deliveries import Deliveries
from inglenook_worker.invocations import Invocations

HOUR_S = 3600.0
DEADLINE_S = 10


class SetClock(clock.SystemClock):
    """The machine's clock, set forward by so much."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:  # type: ignore[override]
        return clock.SystemClock.now() + self.ahead_s


class Held:
    """Functions that run until they are let on."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[bytes] = asyncio.Queue()
        self.go_on = asyncio.Event()

    def policy(self, event: work.Invocation) -> retrying.Policy:
        return retrying.Policy()

    def arn(self, name: str, qualifier: str) -> str:
        return f"arn:{name}:{qualifier}"

    def accept(self, target: str, cause: work.Delivery, *, now: float) -> None:
        raise AssertionError(target)

    async def deliver(self, delivery: work.Delivery, body: bytes) -> None:
        raise AssertionError(delivery)

    async def run(self, event: work.Invocation, payload: bytes) -> retrying.Attempt:
        self.begun.put_nowait(payload)
        await self.go_on.wait()
        return retrying.Ran(executed_version="1", payload=b"null", failed=False)

    async def next(self) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            return await self.begun.get()


@pytest.fixture
async def events(tmp_path: Path) -> AsyncIterator[SqliteQueue]:
    opened = await SqliteQueue.open(tmp_path / "e.sqlite", bytes_max=10_000_000, items_max=1000)
    yield opened
    await opened.close()


@contextlib.asynccontextmanager
async def working(events: SqliteQueue, held: Held, time: SetClock) -> AsyncIterator[None]:
    rng, pace = random.Random(1), retrying.Pace()
    one = worker.Worker(
        events=events,
        invocations=Invocations(events=events, functions=held, pace=pace, time=time, rng=rng),
        deliveries=Deliveries(events=events, to=held, pace=pace, time=time, rng=rng),
        options=settings.Worker(event_concurrency=4),
        time=time,
        died=pytest.fail,
    )
    one.start()
    yield
    await one.close(DEADLINE_S)


async def put(events: SqliteQueue, payload: bytes, *, due: float, name: str = "f") -> None:
    event = work.Invocation(
        request_id="r", function_name=name, function_uid="u", qualifier=None, trace_id="t",
        accepted_at=due,
    )  # fmt: skip
    await events.put(work.item(event, payload, due=due))


async def test_what_runs_is_not_run_again_when_the_clock_is_set_forward(
    events: SqliteQueue,
) -> None:
    time, held = SetClock(), Held()
    async with working(events, held, time):
        await put(events, b"first", due=time.now())
        assert await held.next() == b"first"
        time.ahead_s = HOUR_S
        await put(events, b"second", due=time.now())
        await put(events, b"third", due=time.now(), name="g")
        assert {await held.next(), await held.next()} == {b"second", b"third"}
        held.go_on.set()
    assert held.begun.empty()
    assert await _left(events) == []


async def test_what_became_due_by_setting_the_clock_is_run(
    events: SqliteQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_LOOK_S", 0.05)
    time, held = SetClock(), Held()
    held.go_on.set()
    await put(events, b"later", due=time.now() + HOUR_S)
    async with working(events, held, time):
        time.ahead_s = 2 * HOUR_S
        assert await held.next() == b"later"


async def _left(events: SqliteQueue) -> list[queue.Claim]:
    return await events.claim({"f": 100, "g": 100}, now=1e11, until=1e12)
