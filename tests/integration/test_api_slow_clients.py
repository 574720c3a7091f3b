"""Clients that send slowly, or no HTTP at all, against a real server in this process."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from inglenook import errors
from inglenook_gateway.api import bodies, failures, http_server, uploads


async def read_all(request: web.BaseRequest) -> web.StreamResponse:
    try:
        body = await bodies.receive(request, 10**6, errors.RequestTooLargeError)
    except errors.ApiError as error:
        return failures.response(error, "r")
    return web.Response(body=body)


@contextlib.asynccontextmanager
async def connected(
    idle_timeout_s: float,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    http = http_server.HttpServer(read_all, idle_timeout_s=idle_timeout_s)
    server = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()
        await http.shutdown(0)


@pytest.mark.parametrize(
    "begun", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nX-A"], ids=["idle", "line", "head"]
)
async def test_a_request_that_does_not_get_its_head_together_is_not_waited_for(
    begun: bytes,
) -> None:
    async with connected(0.2) as (reader, writer):
        writer.write(begun)
        async with asyncio.timeout(10):
            assert await reader.read() == b""


async def test_a_head_that_dribbles_in_is_not_waited_for_either() -> None:
    async with connected(0.3) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\n")

        async def dribble() -> None:
            for number in range(10_000):
                writer.write(b"x-%d: y\r\n" % number)
                await asyncio.sleep(0.05)

        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            dribbling = group.create_task(dribble())
            assert await reader.read() == b""
            dribbling.cancel()


async def test_a_connection_that_is_used_stays_open() -> None:
    async with connected(30) as (reader, writer):
        for _ in range(3):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(2) == b"ok"


async def test_a_body_that_dribbles_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_GRACE_S", 0.2)
    async with connected(30) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n{")
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408")
        assert b"RequestTimeoutException" in head


async def test_a_body_that_pauses_but_keeps_the_pace_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "_GRACE_S", 0.3)
    async with connected(30) as (reader, writer):
        size = 200_000
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        writer.write(bytes(size - 1))
        await asyncio.sleep(0.5)
        writer.write(b"x")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert len(await reader.readexactly(size)) == size


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
    ],
    ids=["tls", "long header", "long target", "negative length", "two lengths", "many headers"],
)
async def test_what_is_not_http_is_refused_in_the_form_of_the_api(sent: bytes) -> None:
    async with connected(30) as (reader, writer):
        writer.write(sent)
        async with asyncio.timeout(10):
            answered = await reader.read()
        head, _, body = answered.partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400")), head
        assert b"x-amzn-errortype: serializationexception" in head.lower()
        assert json.loads(body)["Message"].startswith("The request is not valid HTTP")


async def test_bodies_that_memory_has_no_room_for_are_refused_until_it_has() -> None:
    held = uploads.Uploads(3_000_000)
    release = asyncio.Event()

    async def keep(request: web.BaseRequest) -> web.StreamResponse:
        try:
            with held.one() as take:
                body = await bodies.read(request, "CreateFunction", take)
                await release.wait()
                return web.Response(text=str(len(body)))
        except errors.ApiError as error:
            return failures.response(error, "r")

    http = http_server.HttpServer(keep, idle_timeout_s=30)
    server = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
    url = "http://{}:{}/".format(*server.sockets[0].getsockname())
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):

        async def send() -> int:
            async with session.post(url, data=bytes(1_000_000)) as response:
                await response.read()
                return response.status

        async with asyncio.TaskGroup() as group:
            sent = [group.create_task(send()) for _ in range(5)]
            refused, _ = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
            assert {task.result() for task in refused} == {429}
            release.set()
        assert sorted(task.result() for task in sent).count(200) >= 2
        assert await send() == 200
    server.close()
    await http.shutdown(0)
