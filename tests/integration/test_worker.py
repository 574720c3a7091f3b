"""The worker over a real queue, with functions that do as the test says."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inglenook import settings
from inglenook.aio import clock
from inglenook.events import queue, retrying, work
from inglenook.events.sqlite import SqliteQueue
from inglenook_worker import worker
from inglenook_worker.deliveries import Deliveries
from inglenook_worker.destinations import DeliveryError
from inglenook_worker.invocations import Invocations

TIME = clock.SystemClock()
WELL = retrying.Ran(executed_version="1", payload=b"null", failed=False)


async def run_well(_: work.Invocation, __: bytes) -> retrying.Attempt:
    return WELL


@dataclass(kw_only=True)
class Scripted:
    """Functions and destinations of a test; what they were given is in `given`."""

    run_one: Callable[[work.Invocation, bytes], Awaitable[retrying.Attempt]] = run_well
    configured: retrying.Policy = field(default_factory=retrying.Policy)
    refusals: int = 0
    given: "asyncio.Queue[bytes]" = field(default_factory=asyncio.Queue)

    def policy(self, event: work.Invocation) -> retrying.Policy:
        return self.configured

    def arn(self, name: str, qualifier: str) -> str:
        return f"arn:{name}:{qualifier}"

    async def accept(
        self, target: str, cause: work.Delivery, *, now: float
    ) -> work.Invocation | None:
        return None if target.endswith("gone") else event(target)

    async def run(self, event: work.Invocation, payload: bytes) -> retrying.Attempt:
        self.given.put_nowait(payload)
        return await self.run_one(event, payload)

    async def deliver(self, delivery: work.Delivery, body: bytes) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DeliveryError("away")
        self.given.put_nowait(body)

    async def take(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.given.get()


def event(name: str = "f") -> work.Invocation:
    return work.Invocation(
        request_id="r", function_name=name, function_uid="u", qualifier=None, trace_id="t",
        accepted_at=TIME.now(),
    )  # fmt: skip


async def put(events: SqliteQueue, payload: bytes = b"{}", name: str = "f") -> None:
    await events.put(work.item(event(name), payload, due=TIME.now()))


@pytest.fixture
async def events(tmp_path: Path) -> AsyncIterator[SqliteQueue]:
    opened = await SqliteQueue.open(
        tmp_path / "events.sqlite", bytes_max=10_000_000, items_max=10_000
    )
    yield opened
    await opened.close()


@contextlib.asynccontextmanager
async def working(
    events: SqliteQueue, scripted: Scripted, *, scale: float = 600.0, drain_s: float = 10.0
) -> AsyncIterator[list[str]]:
    """Work on the queue; yield the names of loops that have died."""
    died: list[str] = []
    rng, pace = random.Random(1), retrying.Pace(scale=scale)
    one = worker.Worker(
        events=events,
        invocations=Invocations(events=events, functions=scripted, pace=pace, time=TIME, rng=rng),
        deliveries=Deliveries(events=events, to=scripted, pace=pace, time=TIME, rng=rng),
        options=settings.Worker(event_concurrency=4, time_scale=scale),
        time=TIME,
        died=died.append,
    )
    one.start()
    yield died
    await one.close(drain_s)


async def left(events: SqliteQueue, group: str = "f") -> list[queue.Claim]:
    """Return what of a group is still in the queue, due or not, held or not."""
    return await events.claim({group: 100}, now=1e11, until=1e12)


async def test_what_has_run_is_gone_from_the_queue(events: SqliteQueue) -> None:
    scripted = Scripted()
    async with working(events, scripted):
        for number in range(20):
            await put(events, str(number).encode())
        found = {await scripted.take() for _ in range(20)}
    assert found == {str(number).encode() for number in range(20)}
    assert await left(events) == []


async def test_no_more_run_at_once_than_there_are_slots(events: SqliteQueue) -> None:
    running, most = 0, 0
    go_on = asyncio.Event()

    async def counted(_: work.Invocation, __: bytes) -> retrying.Attempt:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go_on.wait()
        running -= 1
        return WELL

    scripted = Scripted(run_one=counted)
    for name in ("f", "g", "h", "i", "j", "k"):
        await put(events, b"{}", name)
    async with working(events, scripted):
        for _ in range(4):
            await scripted.take()
        assert running == 4
        go_on.set()
        for _ in range(2):
            await scripted.take()
    assert most == 4


async def test_what_runs_too_long_for_a_stop_is_given_back(events: SqliteQueue) -> None:
    async def forever(_: work.Invocation, __: bytes) -> retrying.Attempt:
        await asyncio.Event().wait()
        return WELL

    await put(events, b"unfinished")
    scripted = Scripted(run_one=forever)
    async with working(events, scripted, drain_s=0):
        await scripted.take()
    (again,) = await events.claim({"f": 1}, now=TIME.now(), until=1e12)
    assert again.payload == b"unfinished"
    assert isinstance(work.decode(again.state), work.Invocation)


async def test_a_state_that_cannot_be_read_is_kept_and_holds_nobody_up(
    events: SqliteQueue,
) -> None:
    unreadable = b'{"type": "of a newer release"}'
    await events.put(queue.Item(group="f", due=0, state=unreadable, payload=b"x"))
    await put(events, b"readable", "g")
    scripted = Scripted()
    async with working(events, scripted) as died:
        assert await scripted.take() == b"readable"
    assert died == []
    (kept,) = await left(events)
    assert kept.state == unreadable


async def test_a_bug_in_one_event_does_not_stop_the_others(events: SqliteQueue) -> None:
    async def buggy(_: work.Invocation, payload: bytes) -> retrying.Attempt:
        if payload == b"bad":
            raise ZeroDivisionError
        return WELL

    scripted = Scripted(run_one=buggy)
    await put(events, b"bad")
    await put(events, b"good", "g")
    async with working(events, scripted) as died:
        assert {await scripted.take(), await scripted.take()} == {b"bad", b"good"}
    assert died == []
    assert [claim.payload for claim in await left(events)] == [b"bad"]


async def test_a_delivery_is_tried_until_it_arrives(events: SqliteQueue) -> None:
    policy = retrying.Policy(on_success="arn:aws:sqs:r:a:q")
    scripted = Scripted(configured=policy, refusals=3)
    async with working(events, scripted):
        await put(events, b'{"a":1}')
        assert await scripted.take() == b'{"a":1}'
        assert b'"condition":"Success"' in await scripted.take()
    assert await left(events, "arn:aws:sqs:r:a:q") == []


class Heard(logging.Handler):
    """Set `said` when a message is logged."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self._message = message
        self.said = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == self._message:
            self.said.set()


async def test_a_delivery_that_never_arrives_is_given_up_at_the_events_age(
    events: SqliteQueue,
) -> None:
    policy = retrying.Policy(on_success="arn:aws:sqs:r:a:q", event_age_s=60)
    scripted = Scripted(configured=policy, refusals=10**6)
    heard = Heard("delivery given up")
    logging.getLogger("inglenook_worker.deliveries").addHandler(heard)
    try:
        async with working(events, scripted), asyncio.timeout(20):
            await put(events)
            await heard.said.wait()
    finally:
        logging.getLogger("inglenook_worker.deliveries").removeHandler(heard)
    assert scripted.refusals < 10**6 - 1
    assert await left(events, "arn:aws:sqs:r:a:q") == []


async def test_a_record_for_a_function_becomes_its_event(events: SqliteQueue) -> None:
    policy = retrying.Policy(on_success="arn:aws:lambda:r:a:function:next")
    scripted = Scripted(configured=policy)
    seen: list[str] = []

    async def run(one: work.Invocation, _: bytes) -> retrying.Attempt:
        if seen:
            scripted.configured = retrying.Policy()
        seen.append(one.function_name)
        return WELL

    scripted.run_one = run
    async with working(events, scripted):
        await put(events, b"[]")
        assert await scripted.take() == b"[]"
        assert b'"requestPayload":[]' in await scripted.take()
    assert seen == ["f", "arn:aws:lambda:r:a:function:next"]


async def test_a_record_for_a_function_that_is_gone_is_logged_and_ends_there(
    events: SqliteQueue, caplog: pytest.LogCaptureFixture
) -> None:
    scripted = Scripted(configured=retrying.Policy(on_success="arn:aws:lambda:r:a:function:gone"))
    async with working(events, scripted):
        await put(events)
        await scripted.take()
    assert "destination is no function here" in caplog.text
    assert await left(events) == []
