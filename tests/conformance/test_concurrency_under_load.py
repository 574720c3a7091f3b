"""Reserved concurrency that is exact, under thousands of calls and whatever they do."""

import asyncio
import collections
import contextlib
import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import platform_process
import pytest
from platform_process import create
from support import provisioning
from support.guests import Guests, soon

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.ours("load that nobody should put on an account of AWS")

RESERVED = 7

UNRULY = """
import os
import socket
import time

def handler(event, context):
    if event.get("how") == "late":
        time.sleep(60)
    with socket.create_connection(("127.0.0.1", event["port"])) as connection:
        if event.get("how") == "dies":
            os._exit(1)
        connection.recv(1)
    if event.get("how") == "fails":
        raise RuntimeError("as asked")
"""


class Storm:
    """Callers of one function, most of whom hang up."""

    def __init__(self, endpoint: str, name: str, qualifier: str, events: list[bytes]) -> None:
        host, _, port = endpoint.removeprefix("http://").rpartition(":")
        self._at = host, int(port)
        self._path = f"/2015-03-31/functions/{name}/invocations?Qualifier={qualifier}"
        self._events = events
        self._rng = random.Random(7)
        self.statuses: collections.Counter[int] = collections.Counter()

    def blow(self, calls: int, callers: int) -> None:
        """Make so many calls, by so many callers at once."""
        asyncio.run(self._blow(calls, callers))

    async def _blow(self, calls: int, callers: int) -> None:
        left = iter(range(calls))
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(self._caller(left))

    async def _caller(self, left: Iterator[int]) -> None:
        for _ in left:
            await self._call(self._rng.choice(self._events))

    async def _call(self, body: bytes) -> None:
        reader, writer = await asyncio.open_connection(*self._at)
        head = f"POST {self._path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        request = head.encode() + body
        drawn = self._rng.random()
        writer.write(request[: -self._rng.randint(1, 20)] if drawn < 0.1 else request)
        with contextlib.suppress(ConnectionError):
            if drawn < 0.1:
                await writer.drain()
            elif drawn < 0.5:
                # Long enough for a refusal to come, hardly for an answer.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._rng.random() * 0.02):
                        await self._status(reader)
            else:
                await self._status(reader)
        writer.close()

    async def _status(self, reader: asyncio.StreamReader) -> None:
        line = await reader.readline()
        self.statuses[int(line.split()[1])] += 1


@pytest.fixture
def guests() -> Iterator[Guests]:
    came = Guests()
    yield came
    came.close()


@contextlib.contextmanager
def meanwhile(*works: "collections.abc.Callable[[], object]") -> Iterator[None]:
    """Do things again and again until the block ends."""
    over = threading.Event()

    def repeat(work: "collections.abc.Callable[[], object]") -> None:
        while not over.wait(0.01):
            work()

    with ThreadPoolExecutor(len(works)) as pool:
        made = [pool.submit(repeat, work) for work in works]
        try:
            yield
        finally:
            over.set()
        for one in made:
            one.result()


def check_all_places_are_free(
    client: "LambdaClient", name: str, qualifier: str, guests: Guests
) -> None:
    """Have as many run at once as are reserved, and no more."""
    body = json.dumps({"port": guests.port}).encode()

    def call() -> bool:
        try:
            client.invoke(FunctionName=name, Qualifier=qualifier, Payload=body)["Payload"].read()
        except client.exceptions.TooManyRequestsException:
            return False
        return True

    def has_none_left() -> bool:
        guests.let_go()
        return guests.now == 0

    def are_free() -> bool:
        soon(has_none_left)
        with ThreadPoolExecutor(RESERVED + 1) as pool:
            made = [pool.submit(call) for _ in range(RESERVED + 1)]
            soon(lambda: guests.now + sum(one.done() for one in made) >= RESERVED + 1)
            guests.let_go()
            # Of those who have hung up, the last may still be on their way.
            while not all(one.done() for one in made):
                guests.let_go()
        return sum(one.result() for one in made) == RESERVED

    soon(are_free)


def events(guests: Guests, *ways: str) -> list[bytes]:
    return [json.dumps({"port": guests.port, "how": how}).encode() for how in ways]


def test_a_reservation_is_exact_under_five_thousand_calls(
    platform: platform_process.Platform, client: "LambdaClient", name: str, guests: Guests
) -> None:
    create(client, name, UNRULY, Timeout=60)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=RESERVED)
    storm = Storm(platform.endpoint, name, "$LATEST", events(guests, "well"))
    with meanwhile(guests.let_go):
        storm.blow(5000, callers=50)
    check_all_places_are_free(client, name, "$LATEST", guests)
    assert guests.most == RESERVED
    assert set(storm.statuses) == {200, 429}
    assert guests.total > 100


def test_it_is_exact_while_functions_time_out_and_die_and_fail(
    platform: platform_process.Platform, client: "LambdaClient", name: str, guests: Guests
) -> None:
    create(client, name, UNRULY, Timeout=1)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=RESERVED)
    ways = events(guests, *["well"] * 20, *["dies"] * 4, *["fails"] * 4, "late")
    storm = Storm(platform.endpoint, name, "$LATEST", ways)
    with meanwhile(guests.let_go):
        storm.blow(1500, callers=30)
    client.update_function_configuration(FunctionName=name, Timeout=60)
    platform_process.wait_updated(client, name)
    check_all_places_are_free(client, name, "$LATEST", guests)
    assert guests.most == RESERVED
    assert set(storm.statuses) == {200, 429}


def test_it_is_exact_with_provisioned_environments_and_an_alias_that_moves(
    platform: platform_process.Platform, client: "LambdaClient", name: str, guests: Guests
) -> None:
    create(client, name, UNRULY, Timeout=60)
    provisioning.publish(client, name)
    provisioning.second(client, name, UNRULY + "\n")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=RESERVED)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    provisioning.ready(client, name, "live", 3)
    versions = iter("21" * 100_000)
    ways = events(guests, *["well"] * 10, "dies", "fails")
    storm = Storm(platform.endpoint, name, "live", ways)
    with meanwhile(
        guests.let_go,
        lambda: client.update_alias(FunctionName=name, Name="live", FunctionVersion=next(versions)),
    ):
        storm.blow(1500, callers=30)
    shown = provisioning.settled(client, name, "live")
    assert (shown["Status"], shown["AvailableProvisionedConcurrentExecutions"]) == ("READY", 3)
    check_all_places_are_free(client, name, "live", guests)
    assert guests.most == RESERVED
    assert set(storm.statuses) == {200, 429}
