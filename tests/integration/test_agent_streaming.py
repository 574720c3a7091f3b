"""Streamed answers between a process and the gateway: the window, the pace, and untimely ends."""

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from support import agent_stand, streaming_runtime

from inglenook.model import limits
from inglenook.wire.connection import Body
from inglenook.wire.messages import STREAM_WINDOW_BYTES, Chunk, Header, Result

ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
MIB = 1024 * 1024


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[agent_stand.Gateway]:
    async with agent_stand.standing(tmp_path, stream_bytes_per_s=0) as standing:
        yield standing


async def environment(gateway: agent_stand.Gateway, **changes: object) -> str:
    gateway.packages.add("code", {"bootstrap": streaming_runtime.SOURCE})
    await gateway.specialise("code", runtime="provided.al2023", **changes)
    return (await gateway.start()).environment


_numbers = itertools.count(1)


def stream(
    gateway: agent_stand.Gateway, environment: str, **event: object
) -> tuple[int, "asyncio.Future[agent_stand.Answer]"]:
    """Invoke; return the stream's number, too."""
    request_id = f"r-{next(_numbers)}"
    answer = gateway.invoke_soon(
        environment, json.dumps(event).encode(), request_id, wants_stream=True, wants_tail=True
    )
    return gateway.last_stream, answer


async def ended(answer: "asyncio.Future[agent_stand.Answer]") -> agent_stand.Answer:
    async with asyncio.timeout(agent_stand.DEADLINE_S):
        return await answer


async def full(gateway: agent_stand.Gateway, number: int) -> None:
    """Wait until the agent has sent all that it may."""
    await gateway.until(lambda: len(gateway.streamed(number)) >= STREAM_WINDOW_BYTES)


async def said(gateway: agent_stand.Gateway, environment: str) -> object:
    return (await gateway.invoke(environment, b'{"answer": "said"}')).json


async def test_the_first_chunk_alone_tells_the_content_type(gateway: agent_stand.Gateway) -> None:
    number, answer = stream(
        gateway, await environment(gateway), type="text/x", steps=[["wait"], ["write", "more"]]
    )
    await gateway.until(lambda: bool(gateway.pieces.get(number)))
    content_type, port = gateway.pieces[number][0]
    assert content_type == "text/x"
    socket.create_connection(("127.0.0.1", int(port))).close()
    result = (await ended(answer)).result
    assert result.error is None
    assert (await answer).body == b""
    assert gateway.pieces[number][1:] == [(None, b"more")]


async def test_a_stream_without_a_type_is_of_unknown_bytes(gateway: agent_stand.Gateway) -> None:
    number, answer = stream(gateway, await environment(gateway), type="", steps=[])
    assert (await ended(answer)).result.error is None
    assert gateway.pieces[number] == [("application/octet-stream", b"")]


async def test_no_more_than_the_window_is_under_way(gateway: agent_stand.Gateway) -> None:
    """50 MiB through a window of one: what is under way is bounded, and so is our memory."""
    total = 50 * MIB
    number, answer = stream(
        gateway, await environment(gateway), steps=[["bytes", total, 1_000_000]]
    )
    process = psutil.Process()
    before = most = process.memory_info().rss
    taken = 0
    while taken < total:
        expected = min(STREAM_WINDOW_BYTES, total - taken)
        await gateway.until(lambda: len(gateway.streamed(number)) >= expected)  # noqa: B023
        came = gateway.streamed(number)
        assert len(came) == expected
        assert not answer.done() or taken + expected == total
        assert came.strip(b"x") == b""
        most = max(most, process.memory_info().rss)
        gateway.pieces[number].clear()
        taken += len(came)
        gateway.take(number, len(came))
    assert (await ended(answer)).result.error is None
    assert most - before < 16 * MIB


async def test_a_dead_process_s_words_are_passed_on_as_they_are_taken(
    gateway: agent_stand.Gateway,
) -> None:
    size = STREAM_WINDOW_BYTES + 200_000
    number, answer = stream(
        gateway, await environment(gateway), steps=[["bytes", size, 50_000], ["exit", 9]]
    )
    await full(gateway, number)
    gateway.take(number, STREAM_WINDOW_BYTES)
    result = (await ended(answer)).result
    assert len(gateway.streamed(number)) == size
    assert result.error == "Runtime.TruncatedResponse"
    assert "exit status 9" in (await answer).tail


async def test_a_process_that_leaves_after_its_stream_costs_nobody_anything(
    gateway: agent_stand.Gateway,
) -> None:
    where = await environment(gateway)
    size = STREAM_WINDOW_BYTES + 50_000
    number, answer = stream(gateway, where, steps=[["bytes", size, 50_000], ["leave"]])
    await full(gateway, number)
    occupant = gateway.inside._environments[where]._tenancy.occupant
    assert occupant is not None
    has_left, told = asyncio.Event(), occupant.process.on_exit
    assert told is not None
    occupant.process.on_exit = lambda status: (told(status), has_left.set())[0]
    if occupant.process.status is None:
        async with asyncio.timeout(agent_stand.DEADLINE_S):
            await has_left.wait()
    assert not answer.done()
    received, following = gateway.received, []

    def invoke_at_once(stream: int, header: Header, body: Body) -> None:
        received(stream, header, body)
        if stream == number and isinstance(header, Result):
            following.append(gateway.invoke_soon(where, b'{"answer": "said"}', "next"))

    gateway.received = invoke_at_once  # type: ignore[method-assign]
    gateway.take(number, STREAM_WINDOW_BYTES)
    assert (await ended(answer)).result.error is None
    assert len(gateway.streamed(number)) == size
    assert (await ended(following[0])).json == []


async def test_the_timeout_ends_a_stream_that_nobody_takes(gateway: agent_stand.Gateway) -> None:
    where = await environment(gateway, timeout_s=1)
    number, answer = stream(gateway, where, steps=[["bytes", 5 * MIB, 100_000]])
    assert (await ended(answer)).result.error == "Sandbox.Timedout"
    assert len(gateway.streamed(number)) == STREAM_WINDOW_BYTES
    gateway.take(number, STREAM_WINDOW_BYTES)  # late, and without effect
    assert len(gateway.streamed(number)) == STREAM_WINDOW_BYTES
    assert await said(gateway, where) == []


async def test_what_is_taken_at_once_never_waits(gateway: agent_stand.Gateway) -> None:
    """A gateway whose caller has gone takes each chunk from within its delivery."""
    where = await environment(gateway)
    received, total = gateway.received, 0

    def take(stream: int, header: Header, body: Body) -> None:
        nonlocal total
        received(stream, header, b"")
        if isinstance(header, Chunk):
            total += len(body)
            gateway.take(stream, len(body))

    gateway.received = take  # type: ignore[method-assign]
    _, answer = stream(gateway, where, steps=[["bytes", 20 * MIB, 3_000_000]])
    assert (await ended(answer)).result.error is None
    assert total == 20 * MIB


async def test_the_limit_of_a_stream_truncates_it(gateway: agent_stand.Gateway) -> None:
    where = await environment(gateway)
    number, answer = stream(gateway, where, steps=[["bytes", limits.STREAM_BYTES_MAX + 1, MIB]])
    total = 0
    while not answer.done():
        await gateway.until(lambda: answer.done() or bool(gateway.pieces.get(number)))
        came = len(gateway.streamed(number))
        gateway.pieces[number].clear()
        total += came
        gateway.take(number, came)
    assert total == limits.STREAM_BYTES_MAX
    assert (await answer).json == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        "(209715200 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    assert await said(gateway, where) == [413]


async def test_after_its_burst_a_stream_goes_at_its_pace(tmp_path: Path) -> None:
    async with agent_stand.standing(tmp_path, stream_bytes_per_s=1) as gateway:
        where = await environment(gateway, timeout_s=2)
        number, answer = stream(gateway, where, steps=[["bytes", 8 * MIB, 100_000]])
        total = 0
        while not answer.done():
            await gateway.until(lambda: answer.done() or bool(gateway.pieces.get(number)))
            came = len(gateway.streamed(number))
            gateway.pieces[number].clear()
            total += came
            gateway.take(number, came)
        assert (await answer).result.error == "Sandbox.Timedout"
        # The last piece of the burst may not have fitted in whole.
        assert limits.STREAM_BURST_BYTES - 300_000 < total <= limits.STREAM_BURST_BYTES + 10


async def test_an_answer_that_is_gathered_has_no_pace(tmp_path: Path) -> None:
    async with agent_stand.standing(tmp_path, stream_bytes_per_s=1) as gateway:
        where = await environment(gateway)
        event = json.dumps({"steps": [["bytes", 6_291_556, 100_000]]}).encode()
        answer = await gateway.invoke(where, event)
        assert len(answer.body) == 6_291_556
        assert not gateway.pieces


@pytest.mark.parametrize("mode", ["streaming", "Streaming", "STREAMING"])
async def test_the_mode_is_told_in_any_case(gateway: agent_stand.Gateway, mode: str) -> None:
    number, answer = stream(gateway, await environment(gateway), mode=mode, steps=[["write", "x"]])
    assert (await ended(answer)).body == b""
    assert gateway.streamed(number) == b"x"


async def test_a_chunked_response_is_no_stream_unless_it_says_so(
    gateway: agent_stand.Gateway,
) -> None:
    trailers = [[ERROR_TYPE, "Custom.Ignored"]]
    number, answer = stream(
        gateway,
        await environment(gateway),
        mode="buffered",
        steps=[["write", "wh"], ["write", "ole"]],
        trailers=trailers,
    )
    assert (await ended(answer)).result.error is None
    assert (await answer).body == b"whole"
    assert number not in gateway.pieces


@pytest.mark.parametrize(
    ("trailers", "error", "body"),
    [
        ([[ERROR_TYPE, "T"], [ERROR_BODY, {"base64": '{"a":1}'}]], "T", b'{"a":1}'),
        ([[ERROR_TYPE, "T"]], "T", b'{"errorType":"T","errorMessage":""}'),
        ([[ERROR_BODY, {"base64": "{}"}]], "Function.Unknown", b"{}"),
        ([[ERROR_TYPE, "T"], [ERROR_BODY, "not/base64!"]], "T", b"not/base64!"),
        ([[ERROR_TYPE.lower(), "T"]], "T", b'{"errorType":"T","errorMessage":""}'),
        ([["Other", "x"]], None, b""),
    ],
)
@pytest.mark.parametrize("wants_stream", [True, False])
async def test_trailers_tell_the_functions_error(
    gateway: agent_stand.Gateway,
    trailers: list[list[object]],
    error: str | None,
    body: bytes,
    wants_stream: bool,
) -> None:
    event = json.dumps({"steps": [["write", "x"]], "trailers": trailers}).encode()
    where = await environment(gateway)
    answer = await gateway.invoke(where, event, wants_stream=wants_stream)
    assert answer.result.error == error
    assert answer.body == (body if error or wants_stream else b"x")
    assert await said(gateway, where) == [202]


async def test_a_trailer_may_be_large(gateway: agent_stand.Gateway) -> None:
    trailers = [[ERROR_TYPE, "T"], [ERROR_BODY, {"base64": "e" * 500_000}]]
    _, answer = stream(gateway, await environment(gateway), steps=[], trailers=trailers)
    assert (await ended(answer)).body == b"e" * 500_000


async def test_an_environment_that_ends_midway_leaves_nothing(gateway: agent_stand.Gateway) -> None:
    where = await environment(gateway)
    number, answer = stream(gateway, where, steps=[["bytes", 5 * MIB, 100_000]])
    await full(gateway, number)
    await gateway.agent.close()
    assert not answer.done()
    gateway.take(number, STREAM_WINDOW_BYTES)
    assert len(gateway.streamed(number)) == STREAM_WINDOW_BYTES
