"""Deadlines of an environment's invocations, with one timer for all of them."""

import asyncio

from inglenook_agent.environment.deadline import Deadline


async def test_an_invocation_that_takes_too_long_is_told_of_once_and_not_too_early() -> None:
    loop = asyncio.get_running_loop()
    rung: asyncio.Queue[float] = asyncio.Queue()
    deadline = Deadline(0.05, lambda: rung.put_nowait(loop.time()))
    began = loop.time()
    deadline.begin()
    async with asyncio.timeout(10):
        assert await rung.get() >= began + 0.05
    assert rung.empty()


async def test_the_time_of_an_invocation_begins_anew_with_each() -> None:
    loop = asyncio.get_running_loop()
    rung: asyncio.Queue[float] = asyncio.Queue()
    deadline = Deadline(0.1, lambda: rung.put_nowait(loop.time()))
    deadline.begin()
    deadline.end()
    between = asyncio.Event()
    loop.call_later(0.06, between.set)
    await between.wait()
    began = loop.time()
    deadline.begin()
    async with asyncio.timeout(10):
        assert await rung.get() >= began + 0.1


async def test_what_is_over_or_closed_never_rings() -> None:
    loop = asyncio.get_running_loop()
    rung: list[str] = []
    over, closed = (
        Deadline(0.02, lambda: rung.append("o")),
        Deadline(0.02, lambda: rung.append("c")),
    )
    over.begin()
    closed.begin()
    over.end()
    closed.close()
    closed.close()
    later = asyncio.Event()
    loop.call_later(0.1, later.set)
    await later.wait()
    assert rung == []
