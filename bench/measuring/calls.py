"""Calls over HTTP, and what came of each of them: a call that fails is an answer as well."""

import asyncio
import email.message
import http.client
import json
import time
import urllib.parse
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import aiohttp
import uvloop

from measuring.figures import Answer

_TIMEOUT_S = 90.0
"""Longer than a gateway lets a call wait for an environment."""
_HELD_FOR_A_WHILE_S = 0.4
"""Until calls that have been sent are sure to run."""
T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own."""
    return uvloop.run(main)


def session() -> aiohttp.ClientSession:
    """Return a client with as many connections as there are calls."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout)


async def one(
    client: aiohttp.ClientSession, url: str, event: str, *, due: float | None = None
) -> Answer:
    """Call once; never raises for what the network or the platform does."""
    began = time.perf_counter() if due is None else due
    try:
        async with client.post(url, data=event) as response:
            body = await response.read()
            return _answer(began, response.status, response.headers, body)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Answer(took_ms=_since(began), failure=type(error).__name__)


def alone(url: str, event: str) -> Answer:
    """Call once, over a connection of its own, whose making counts; with little beside it."""
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=_TIMEOUT_S)
    began = time.perf_counter()
    try:
        connection.request("POST", where.path, event)
        response = connection.getresponse()
        return _answer(began, response.status, response.headers, response.read())
    except (http.client.HTTPException, OSError) as error:
        return Answer(took_ms=_since(began), failure=type(error).__name__)
    finally:
        connection.close()


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _answer(
    began: float, status: int, headers: Mapping[str, str] | email.message.Message, body: bytes
) -> Answer:
    took_ms = _since(began)
    if status == 200 and "X-Amz-Function-Error" not in headers:
        return Answer(took_ms=took_ms, body=json.loads(body))
    kind = headers.get("X-Amzn-ErrorType", "")
    return Answer(took_ms=took_ms, failure=f"{status} {kind}".strip())


async def at_once(urls: Sequence[str], event: str) -> list[Answer]:
    """Call all at the same time."""
    async with session() as client:
        return await asyncio.gather(*(one(client, url, event) for url in urls))


async def open_loop(urls: Sequence[str], event: str, *, per_s: float) -> list[Answer]:
    """Call one after the other when its time has come, whatever has become of those before it.

    What a call takes is counted from when it was due, so that a client that lags behind does not
    make the platform look better.
    """
    async with session() as client, asyncio.TaskGroup() as group:
        began = time.perf_counter()
        tasks = []
        for number, url in enumerate(urls):
            due = began + number / per_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(group.create_task(one(client, url, event, due=due)))
    return [task.result() for task in tasks]


async def beside(url: str, busy: int, seconds: float) -> tuple[Answer, list[Answer]]:
    """Call once while `busy` calls of so many seconds run; return its answer, and theirs."""
    async with session() as client, asyncio.TaskGroup() as group:
        long = json.dumps({"seconds": seconds})
        holders = [group.create_task(one(client, url, long)) for _ in range(busy)]
        await asyncio.sleep(_HELD_FOR_A_WHILE_S)
        answer = await asyncio.to_thread(alone, url, "{}")
    return answer, [task.result() for task in holders]
