"""Invokes over HTTP at a gateway that was not told yet what another one has made ready."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import pytest
from support import operations_stand
from support.dispatchers import Dispatchers, Time
from support.operations_stand import Stand
from support.scripted_agents import ScriptedAgent, Supply

from inglenook.aio import clock
from inglenook.catalog.catalog import Catalog
from inglenook.catalog.targets import Targets
from inglenook.telemetry import sampling
from inglenook.wire import messages
from inglenook_gateway.api import front, http_server, invoker, service_model
from inglenook_gateway.operations import event_intake, invoke


class NoEvents:
    """No asynchronous invocation comes here."""

    async def put(self, item: object) -> NoReturn:
        raise AssertionError(item)


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[Stand]:
    """The gateway that makes the functions."""
    async with operations_stand.stand(tmp_path) as made, made.activating():
        yield made


def answers(agent: ScriptedAgent) -> None:
    agent.on[messages.Invoke] = lambda stream, _: agent.end.send(stream, messages.Result(), b"1")


@contextlib.asynccontextmanager
async def gateway(stand: Stand) -> AsyncIterator[str]:
    """Serve Invoke with a catalog that is told of nothing; yield its URL."""
    time, rng = clock.SystemClock(), random.Random(1)
    supply = Supply()
    supply.prepare = answers
    made = Dispatchers(supply, Time())
    invoking = invoke.Invoke(
        aims=Targets(Catalog(stand.account), rng, stand.store),
        runner=made.make(),
        intake=event_intake.EventIntake(NoEvents(), time),
        owner=stand.account,
        time=time,
        headers=sampling.Headers(time, rng, None),
    )
    handle = front.Front(service_model.load(), {}, {"Invoke": invoking.handle}).handle
    http = http_server.HttpServer(
        handle, idle_timeout_s=5, invoke=invoker.Invoker(invoking.begin).invoke
    )
    server = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
    try:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()
        await http.shutdown(0)
        await made.close()


async def called(
    url: str, name: str, body: bytes = b"{}", invocation_type: str = "RequestResponse"
) -> tuple[int, Any]:
    headers = {"X-Amz-Invocation-Type": invocation_type}
    path = f"{url}/2015-03-31/functions/{name}/invocations"
    async with (
        aiohttp.ClientSession() as session,
        session.post(path, data=body, headers=headers) as answer,
    ):
        return answer.status, answer.headers.get("X-Amzn-ErrorType") or await answer.read()


@pytest.mark.parametrize("size", [2, 300_000], ids=["small", "large"])
async def test_a_whole_invoke_runs(elsewhere: Stand, size: int) -> None:
    await elsewhere.created()
    async with gateway(elsewhere) as url:
        assert await called(url, "f", b'"%s"' % (b"x" * size)) == (200, b"1")
        # And from now on it is known.
        assert await called(url, "f") == (200, b"1")


async def test_an_invoke_that_is_read_bit_by_bit_runs(elsewhere: Stand) -> None:
    await elsewhere.created()
    async with gateway(elsewhere) as url:
        assert await called(url, "f", invocation_type="DryRun") == (204, b"")


@pytest.mark.parametrize("invocation_type", ["RequestResponse", "DryRun"])
async def test_what_is_not_there_is_refused(elsewhere: Stand, invocation_type: str) -> None:
    async with gateway(elsewhere) as url:
        found = await called(url, "f", invocation_type=invocation_type)
        assert found == (404, "ResourceNotFoundException")


async def test_a_body_that_is_no_json_is_refused_then_too(elsewhere: Stand) -> None:
    await elsewhere.created()
    async with gateway(elsewhere) as url:
        assert await called(url, "f", b"{") == (400, "InvalidRequestContentException")
