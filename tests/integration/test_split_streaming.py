"""A streamed answer with a socket between gateway and agent, as the dispatcher's readers see it."""

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import platform_process
import pytest
from integration import test_split
from support import streaming_runtime

from inglenook import errors
from inglenook.model import function
from inglenook.routing.streaming import ResponseStream
from inglenook.store import code as code_store

MIB = 1024 * 1024
VERSION = test_split.VERSION


async def spec(blobs: code_store.CodeStore) -> function.Spec:
    package = platform_process.package({"bootstrap": streaming_runtime.SOURCE})
    return function.Spec(
        code=await blobs.put(package),
        runtime="provided.al2023", handler="x", role=platform_process.ROLE,
        logging=function.Logging(log_group="/aws/lambda/f"), timeout_s=20,
    )  # fmt: skip


async def read(stream: ResponseStream) -> bytes:
    async with asyncio.timeout(20):
        with contextlib.closing(stream):
            return b"".join([bytes(piece) async for piece in stream])


async def test_a_stream_comes_whole_and_in_order(tmp_path: Path) -> None:
    async with test_split.stand(tmp_path) as (runner, _, blobs):
        steps = [["write", "first;"], ["bytes", 5 * MIB, 3_000_000], ["write", ";last"]]
        event = test_split.event({"steps": steps, "type": "text/x"})
        stream = runner.stream(VERSION, await spec(blobs), event)
        async with asyncio.timeout(20):
            await stream.begun()
        assert (stream.is_streamed, stream.content_type) == (True, "text/x")
        assert await read(stream) == b"first;" + b"x" * 5 * MIB + b";last"
        assert stream.outcome.result.error is None
        assert stream.outcome.result.tail


async def test_an_answer_that_is_not_streamed_is_one_piece(tmp_path: Path) -> None:
    async with test_split.stand(tmp_path) as (runner, _, blobs):
        event = test_split.event({"answer": "whole"})
        stream = runner.stream(VERSION, await spec(blobs), event)
        assert await read(stream) == b'"whole"'
        assert (stream.is_streamed, stream.content_type) == (False, None)


async def test_the_outcome_tells_of_an_error_midway(tmp_path: Path) -> None:
    async with test_split.stand(tmp_path) as (runner, _, blobs):
        trailers = [["Lambda-Runtime-Function-Error-Type", "T"]]
        event = test_split.event({"steps": [["write", "some"]], "trailers": trailers})
        stream = runner.stream(VERSION, await spec(blobs), event)
        with pytest.raises(asyncio.InvalidStateError):
            _ = stream.outcome
        assert await read(stream) == b"some"
        assert stream.outcome.result.error == "T"
        assert json.loads(bytes(stream.outcome.payload))["errorType"] == "T"


async def test_an_error_is_no_piece(tmp_path: Path) -> None:
    async with test_split.stand(tmp_path) as (runner, _, blobs):
        event = test_split.event({"fail": ["Early", {"errorType": "Early"}]})
        stream = runner.stream(VERSION, await spec(blobs), event)
        assert await read(stream) == b""
        assert stream.outcome.result.error == "Early"


async def test_a_reader_that_goes_does_not_hold_the_function_up(tmp_path: Path) -> None:
    async with test_split.stand(tmp_path) as (runner, _, blobs):
        what = await spec(blobs)
        event = test_split.event({"steps": [["bytes", 5 * MIB, 100_000]]})
        stream = runner.stream(VERSION, what, event)
        async with asyncio.timeout(20):
            await stream.begun()
            assert await stream.read()
            stream.close()
            stream.close()
            while runner.in_use("f"):
                await stream.begun()
                assert await stream.read() is None
        said = await runner.invoke(VERSION, what, test_split.event({"answer": "said"}))
        assert json.loads(bytes(said.payload)) == [202]


async def test_small_pieces_are_joined_while_nobody_reads(tmp_path: Path) -> None:
    async with test_split.stand(tmp_path) as (runner, _, blobs):
        event = test_split.event({"steps": [["bytes", 3000, 1], ["wait"]]})
        stream = runner.stream(VERSION, await spec(blobs), event)
        pieces = []
        async with asyncio.timeout(20):
            with contextlib.closing(stream):
                async for piece in stream:
                    pieces.append(bytes(piece))
                    if pieces[-1].endswith(b"\n"):
                        port = int(b"".join(pieces).strip(b"x"))
                        socket.create_connection(("127.0.0.1", port)).close()
        assert b"".join(pieces).startswith(b"x" * 3000)


async def test_a_pod_that_is_lost_midway_is_an_error_after_its_pieces(tmp_path: Path) -> None:
    async with test_split.stand(tmp_path) as (runner, pods, blobs):
        event = test_split.event({"steps": [["write", "some"], ["sleep", 15]]})
        stream = runner.stream(VERSION, await spec(blobs), event)
        async with asyncio.timeout(20):
            await stream.begun()
            await pods.agents[0].close()
            assert await stream.read() == b"some"
            with pytest.raises(errors.ServiceError):
                await stream.read()


async def test_a_stream_that_could_not_begin_is_an_error_at_once(tmp_path: Path) -> None:
    async with test_split.stand(tmp_path) as (runner, _, blobs):
        what = await spec(blobs)
        runner.reserve("f", 0)
        with pytest.raises(errors.TooManyRequestsError):
            runner.stream(VERSION, what, test_split.event({}))
        assert not runner.in_use("f")
