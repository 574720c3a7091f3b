"""What processes do at the wrong moment, or say that is no text, and what becomes of it."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from support import agent_stand, streaming_runtime

from inglenook.wire import messages
from inglenook.wire.messages import STREAM_WINDOW_BYTES
from inglenook_agent.environment.occupant import Occupant

PROVISIONED = messages.Start(initialization_type="provisioned-concurrency")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[agent_stand.Gateway]:
    async with agent_stand.standing(tmp_path, stream_bytes_per_s=0) as standing:
        yield standing


async def streaming(gateway: agent_stand.Gateway, **changes: object) -> str:
    gateway.packages.add("code", {"bootstrap": streaming_runtime.SOURCE})
    await gateway.specialise("code", runtime="provided.al2023", **changes)
    return (await gateway.start()).environment


async def run(
    gateway: agent_stand.Gateway, environment: str, **event: object
) -> agent_stand.Answer:
    return await gateway.invoke(environment, json.dumps(event).encode(), wants_stream=True)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(agent_stand.DEADLINE_S):
        while not is_so():  # noqa: ASYNC110 - what the machine does tells nobody
            await asyncio.sleep(0.01)


# Its exit comes on another way than its words, and may overtake them.


@pytest.mark.parametrize(
    ("last", "error"), [(["leave"], None), (["exit", 9], "Runtime.TruncatedResponse")]
)
async def test_what_a_process_said_before_it_ended_is_heard_whoever_is_late(
    gateway: agent_stand.Gateway, last: list[object], error: str | None
) -> None:
    environment = await streaming(gateway)
    event = json.dumps({"steps": [["write", "hello"], last]}).encode()
    answer = gateway.invoke_soon(environment, event, wants_stream=True)
    process = psutil.Process(_occupant(gateway).process.pid)
    # Nothing is read before all is said and the process is dead.
    _wait_for(process)
    async with asyncio.timeout(agent_stand.DEADLINE_S):
        assert (await answer).result.error == error
    assert gateway.streamed(gateway.last_stream) == b"hello"


async def test_a_timed_out_stream_leaves_no_connection_behind(
    gateway: agent_stand.Gateway,
) -> None:
    environment = await streaming(gateway, timeout_s=1)
    answer = await run(gateway, environment, steps=[["bytes", 8 * 1024 * 1024, 100_000]])
    assert answer.result.error == "Sandbox.Timedout"
    await until(lambda: not gateway.inside._servers[environment].is_connected)


async def test_an_event_that_a_dead_process_never_took_is_run_by_another(
    gateway: agent_stand.Gateway,
) -> None:
    environment = await streaming(gateway)
    first = _occupant(gateway)
    for number in range(5):
        gone = psutil.Process(_occupant(gateway).process.pid)
        left = await run(gateway, environment, steps=[["write", "x"], ["leave"]])
        assert left.result.error is None
        if _occupied(gateway):
            # It has answered and is ending; the agent does not know, and hears of it afterwards.
            following = gateway.invoke_soon(environment, b'{"answer": 1}', f"r-{number}")
            _wait_for(gone)
            async with asyncio.timeout(agent_stand.DEADLINE_S):
                assert (await following).body == b"1"
        else:
            assert (await gateway.invoke(environment, b'{"answer": 1}')).body == b"1"
    assert _occupant(gateway) is not first


# What is no text.

RAW = """#!/usr/bin/env python3
import http.client, json, os, socket
API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime/invocation/"
while True:
    asking = http.client.HTTPConnection(API)
    asking.request("GET", BASE + "next")
    response = asking.getresponse()
    event = json.loads(response.read())
    id = response.headers["Lambda-Runtime-Aws-Request-Id"]
    said = event["said"].replace("ID", id).encode("latin-1")
    with socket.create_connection(API.split(":")) as line:
        line.sendall(said)
        heard = b"" if event.get("hangs_up") else line.recv(1000)
    if event.get("then"):
        asking.request("POST", BASE + id + "/response", json.dumps(heard.decode("latin-1")))
        asking.getresponse().read()
"""

Say = Callable[..., Awaitable[agent_stand.Answer]]


@pytest.fixture
async def say(gateway: agent_stand.Gateway) -> Say:
    await gateway.bootstrap(RAW)
    environment = (await gateway.start()).environment

    async def said(text: str, **more: bool) -> agent_stand.Answer:
        return await run(gateway, environment, said=text, **more)

    return said


def post(path: str, *headers: str, body: str = "") -> str:
    lines = [f"POST /2018-06-01/runtime/invocation/ID/{path} HTTP/1.1", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])


def chunked(path: str, piece: str) -> str:
    """A stream that does not end."""
    lines = [f"POST /2018-06-01/runtime/invocation/ID/{path} HTTP/1.1", *STREAMS, "", ""]
    return "\r\n".join(lines) + f"{len(piece):x}\r\n{piece}\r\n"


async def test_an_error_type_that_is_no_text_is_an_error_type(say: Say) -> None:
    header = "Lambda-Runtime-Function-Error-Type: E\xff\xfe"
    answer = await say(post("error", header, body="{}"))
    assert answer.result.error == "E\ufffd\ufffd"
    assert answer.body == b"{}"


async def test_a_response_mode_that_is_no_text_ends_the_invocation(say: Say) -> None:
    answer = await say(post("response", "Lambda-Runtime-Function-Response-Mode: \xff", body="1"))
    assert answer.result.error == "Runtime.InvalidResponseModeHeader"
    assert (await say(post("response", body="2"))).body == b"2"


async def test_a_content_type_that_is_no_text_is_passed_on_as_text(
    gateway: agent_stand.Gateway, say: Say
) -> None:
    streams = "Lambda-Runtime-Function-Response-Mode: streaming"
    await say(post("response", streams, "Content-Type: text/\xff", body="1"))
    assert gateway.pieces[gateway.last_stream] == [("text/\ufffd", b"1")]


async def test_a_tunnel_is_refused(say: Say, caplog: pytest.LogCaptureFixture) -> None:
    answer = await say("CONNECT example.org:443 HTTP/1.1\r\n\r\n", then=True)
    assert str(answer.json).startswith("HTTP/1.1 400 ")
    assert caplog.records == []


# Streams that are given up by a process which goes on, and asks for more.

STREAMS = ("Lambda-Runtime-Function-Response-Mode: streaming", "Transfer-Encoding: chunked")


async def test_the_question_for_the_next_event_may_overtake_the_end_of_a_stream(
    gateway: agent_stand.Gateway, say: Say
) -> None:
    first = _occupant(gateway)
    broken = chunked("response", "a" * 10)
    for number in range(30):
        answer = await say(broken, hangs_up=True)
        assert answer.result.error == "Runtime.TruncatedResponse", number
        assert (await say(post("response", body="1"))).body == b"1", number
    assert _occupant(gateway) is first


async def test_a_stream_given_up_while_its_reader_is_slow_is_followed_by_the_next_event(
    gateway: agent_stand.Gateway, say: Say
) -> None:
    first = _occupant(gateway)
    broken = chunked("response", "a" * (STREAM_WINDOW_BYTES + 300_000))
    answer = asyncio.ensure_future(say(broken, hangs_up=True))
    await gateway.until(lambda: bool(gateway.pieces))
    stream = gateway.last_stream
    await gateway.until(lambda: len(gateway.streamed(stream)) == STREAM_WINDOW_BYTES)
    gateway.take(stream, STREAM_WINDOW_BYTES)
    async with asyncio.timeout(agent_stand.DEADLINE_S):
        assert (await answer).result.error == "Runtime.TruncatedResponse"
    assert (await say(post("response", body="1"))).body == b"1"
    assert _occupant(gateway) is first


# Provisioned environments, and ends in between.

DIES = """
import os, threading, uuid
BORN = str(uuid.uuid4())
def handler(event, context):
    if event.get("dies"):
        threading.Timer(0.05, os._exit, [1]).start()
    return BORN
"""


async def test_a_provisioned_environment_whose_process_dies_idle_is_gone(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(DIES)
    started = (await gateway.ask(PROVISIONED)).header
    assert isinstance(started, messages.Started)
    await gateway.invoke(started.environment, b'{"dies": true}')
    await gateway.until_gone(started.environment)
    refused = await gateway.invoke(started.environment)
    assert refused.refusal is messages.Refusal.UNKNOWN_ENVIRONMENT


async def test_an_event_for_an_environment_that_is_ending_is_refused(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(DIES)
    started = (await gateway.ask(PROVISIONED)).header
    assert isinstance(started, messages.Started)
    environment = gateway.inside._environments[started.environment]
    gateway.inside._end_soon(environment, None, "test")
    answer = await gateway.invoke(started.environment)
    assert answer.refusal is messages.Refusal.UNKNOWN_ENVIRONMENT


async def test_an_on_demand_environment_whose_process_dies_idle_starts_another(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(DIES)
    environment = (await gateway.start()).environment
    first = await gateway.invoke(environment, b'{"dies": true}')
    await until(lambda: not gateway.inside._environments[environment]._tenancy.occupant)
    second = await gateway.invoke(environment)
    assert second.result.error is None
    assert second.json != first.json
    assert gateway.unasked[1:] == []


async def test_an_environment_that_is_ended_before_it_has_a_process_gets_none(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(DIES)
    (pool,) = gateway.supervisor._pools.values()
    pool._drop_spares()
    starting = gateway.begin(messages.Start())
    while not pool._waiting:  # noqa: ASYNC110 - until it waits for a process
        await asyncio.sleep(0)
    ((name, environment),) = gateway.inside._environments.items()
    await environment.end()
    async with asyncio.timeout(agent_stand.DEADLINE_S):
        assert (await starting).refusal is messages.Refusal.CANNOT_START
    assert [line.partition(" ")[0] for line in gateway.logs.messages] == ["INIT_START"]
    folder = gateway.supervisor.folder / "environments" / name
    assert not folder.exists()


def _occupant(gateway: agent_stand.Gateway) -> Occupant:
    (environment,) = gateway.inside._environments.values()
    occupant = environment._tenancy.occupant
    assert occupant is not None
    return occupant


def _occupied(gateway: agent_stand.Gateway) -> bool:
    (environment,) = gateway.inside._environments.values()
    return environment._tenancy.occupant is not None


def _wait_for(process: psutil.Process) -> None:
    """Hold the loop up until a process has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
