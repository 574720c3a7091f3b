"""Requests to a Kubernetes API that refuses, fails, is slow or is not there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from inglenook import errors
from inglenook_cluster.kube.access import Access
from inglenook_cluster.kube.client import Client
from inglenook_cluster.kube.requests import RefusedError, Requests


@asynccontextmanager
async def answering(*pieces: bytes, then_silent: bool = False) -> AsyncIterator[str]:
    """Serve the same answer to every connection; yield the address."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
        await writer.drain()
        if then_silent:
            await over.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()


@asynccontextmanager
async def requests(address: str, timeout_s: float = 5.0) -> AsyncIterator[Requests]:
    async with Client(Access(server=address)) as client:
        yield Requests(client, timeout_s=timeout_s)


def answer(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


async def test_an_answer_is_its_body() -> None:
    async with answering(answer(200, b'{"a": 1}')) as address, requests(address) as sender:
        assert await sender.send("GET", "/apis/x") == b'{"a": 1}'


async def test_a_refusal_has_the_reason_that_kubernetes_gives() -> None:
    body = json.dumps({"kind": "Status", "reason": "Conflict", "message": "changed"}).encode()
    async with answering(answer(409, body)) as address, requests(address) as sender:
        with pytest.raises(RefusedError, match="changed") as refusal:
            await sender.send("PATCH", "/apis/x", body={"a": 1})
    assert refusal.value.status == 409
    assert refusal.value.reason == "Conflict"


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_a_server_that_cannot_serve_is_no_refusal(status: int) -> None:
    async with answering(answer(status, b"busy")) as address, requests(address) as sender:
        with pytest.raises(errors.ServiceError, match="busy") as failure:
            await sender.send("GET", "/apis/x")
    assert failure.value.status == 500


async def test_a_server_that_does_not_answer_is_given_up_in_time() -> None:
    async with (
        answering(then_silent=True) as address,
        requests(address, timeout_s=0.2) as sender,
    ):
        with pytest.raises(errors.ServiceError, match="in time"):
            await sender.send("GET", "/apis/x")


async def test_a_server_that_is_not_there_is_told() -> None:
    async with requests("http://127.0.0.1:1") as sender:
        with pytest.raises(errors.ServiceError, match="cannot be reached"):
            await sender.send("GET", "/apis/x")


async def test_a_stream_that_falls_silent_is_given_up() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with (
        answering(head, b"3\r\n{}\n\r\n", then_silent=True) as address,
        requests(address) as sender,
    ):
        found = []
        with pytest.raises(errors.ServiceError, match="in time"):
            async with sender.stream("/apis/x", query={"watch": "1"}, silence_s=0.2) as lines:
                found += [line async for line in lines]
        assert found == []
        async with sender.stream("/apis/x", query={"watch": "1"}, silence_s=5.0) as lines:
            assert await anext(lines) == b"{}\n"


async def test_no_more_requests_are_under_way_at_once_than_may_be() -> None:
    under_way, most, free = 0, 0, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        await reader.readuntil(b"\r\n\r\n")
        under_way += 1
        most = max(most, under_way)
        if under_way == 32:
            free.set()
        await free.wait()
        under_way -= 1
        writer.write(answer(200, b"{}").replace(b"X\r\n", b"X\r\nConnection: close\r\n"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with requests(address) as sender, asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(sender.send("GET", "/apis/x"))
    assert most == 32


async def test_a_line_of_a_stream_may_be_long_and_one_that_breaks_off_is_none() -> None:
    line = b'{"a": "%b"}\n' % (b"x" * 1_000_000)
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    async with (
        answering(head, b"{}\n" + line, b"{}\n{") as address,
        requests(address) as sender,
        sender.stream("/apis/x", query={}, silence_s=5.0) as lines,
    ):
        assert [each async for each in lines] == [b"{}\n", line, b"{}\n"]
