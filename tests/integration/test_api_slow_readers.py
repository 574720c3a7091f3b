"""Callers who keep their connection and read nothing of what they asked for."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from inglenook_gateway.api import outgoing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DEADLINE_S = 20
MIB = 1024 * 1024


class Streams:
    """A server that writes without end, until it is stopped."""

    def __init__(self) -> None:
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.port = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await outgoing.write(request, response, b"x" * MIB, stall_s=0.3)
        except ConnectionError as error:
            self.ended.set_result(str(error))
            raise


@pytest.fixture
async def streams() -> "AsyncIterator[Streams]":
    served = Streams()
    loop = asyncio.get_running_loop()
    server = web.Server(served.answer)
    listening = await loop.create_server(server, "127.0.0.1", 0)
    served.port = listening.sockets[0].getsockname()[1]
    yield served
    listening.close()
    await server.shutdown(1)


async def asked(streams: Streams) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", streams.port, limit=1000)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    return reader, writer


async def test_a_caller_who_reads_nothing_is_cut(streams: Streams) -> None:
    _, writer = await asked(streams)
    async with asyncio.timeout(DEADLINE_S):
        assert await streams.ended == "the caller reads nothing"
    writer.close()


async def test_a_caller_who_reads_is_not_cut(streams: Streams) -> None:
    reader, writer = await asked(streams)
    async with asyncio.timeout(DEADLINE_S):
        read = 0
        while read < 64 * MIB:
            read += len(await reader.read(MIB))
    assert not streams.ended.done()
    writer.transport.abort()
    async with asyncio.timeout(DEADLINE_S):
        assert await streams.ended != "the caller reads nothing"
