"""Connections on which whole Invokes and other requests follow each other, with a real server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from inglenook import errors
from inglenook_gateway.api import http_server, invoker, whole

INVOKE = b"POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nHost: x\r\n"


def invoke(body: bytes, *headers: bytes) -> bytes:
    lines = [*headers, b"Content-Length: %d" % len(body)]
    return INVOKE + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


class Server(http_server.HttpServer):
    """Tells when a connection is lost."""

    lost: asyncio.Event

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        super().connection_lost(handler, exc)
        self.lost.set()


@dataclass
class Site:
    """A server whose whole Invokes wait for `release`, and whose others answer `handled`."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: Server
    handling: asyncio.Event
    begun: list[tuple[whole.Invoke, asyncio.Future[bytes]]] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10), self.came:
            await self.came.wait_for(lambda: len(self.begun) >= count)

    async def answer(self) -> tuple[bytes, bytes]:
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            return head, await self.reader.readexactly(length)


@contextlib.asynccontextmanager
async def served(
    *, idle_timeout_s: float = 30, at_once: bool = True, error: Exception | None = None
) -> AsyncIterator[Site]:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        handling.set()
        return web.Response(body=b"aiohttp:" + await request.read())

    def begin(
        request: whole.Invoke, request_id: str
    ) -> "tuple[asyncio.Future[bytes], Callable[[], whole.Answer]]":
        if error is not None:
            raise error
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        site.begun.append((request, future))
        telling.append(asyncio.ensure_future(tell()))
        if at_once:
            future.set_result(request.payload)
        headers = {"x-amzn-RequestId": request_id}
        return future, lambda: whole.Answer(200, headers, b"whole:" + future.result())

    async def tell() -> None:
        async with site.came:
            site.came.notify_all()

    handling = asyncio.Event()
    telling: list[asyncio.Future[None]] = []
    http = Server(handle, idle_timeout_s=idle_timeout_s, invoke=invoker.Invoker(begin).invoke)
    http.lost = asyncio.Event()
    server = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
    site = Site(*await asyncio.open_connection(*server.sockets[0].getsockname()), http, handling)
    try:
        yield site
    finally:
        site.writer.close()
        server.close()
        await http.shutdown(0)
        await asyncio.gather(*telling)


async def test_whole_invokes_and_other_requests_take_turns_on_a_connection() -> None:
    async with served() as site:
        for _ in range(2):
            site.writer.write(invoke(b"1"))
            assert (await site.answer())[1] == b"whole:1"
            site.writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await site.answer())[1] == b"aiohttp:"
            site.writer.write(invoke(b"2", b"Expect: 100-continue"))
            head, body = await site.answer()
            assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"aiohttp:2")


async def test_a_body_that_comes_later_is_aiohttps_and_the_next_invoke_is_not() -> None:
    async with served() as site:
        data = invoke(b"12345")
        site.writer.write(data[:-3])
        await site.writer.drain()
        await site.handling.wait()
        site.writer.write(data[-3:])
        assert (await site.answer())[1] == b"aiohttp:12345"
        site.writer.write(data)
        assert (await site.answer())[1] == b"whole:12345"


LARGE = b"x" * 300_000


@pytest.fixture
def gathering(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Tell when the server has begun to gather a body."""
    begins = asyncio.Event()
    real = whole.begun

    def told(data: bytes) -> whole.Begun | None:
        found = real(data)
        if found is not None:
            begins.set()
        return found

    monkeypatch.setattr(whole, "begun", told)
    return begins


async def test_a_large_body_that_follows_is_answered_as_one_that_came_whole(
    gathering: asyncio.Event,
) -> None:
    async with served() as site:
        for _ in range(2):
            data = invoke(LARGE)
            site.writer.write(data[:200])
            await gathering.wait()
            gathering.clear()
            site.writer.write(data[200:150_000])
            await site.writer.drain()
            site.writer.write(data[150_000:])
            assert (await site.answer())[1] == b"whole:" + LARGE
            site.writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await site.answer())[1] == b"aiohttp:"


async def test_a_large_body_that_takes_its_time_is_aiohttps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_server, "_GATHERING_S", 0.05)
    async with served() as site:
        data = invoke(LARGE)
        site.writer.write(data[:100_000])
        await site.handling.wait()
        site.writer.write(data[100_000:])
        assert (await site.answer())[1] == b"aiohttp:" + LARGE
        site.writer.write(invoke(b"2"))
        assert (await site.answer())[1] == b"whole:2"


async def test_what_comes_behind_a_large_body_is_answered_in_order(
    gathering: asyncio.Event,
) -> None:
    async with served() as site:
        data = invoke(LARGE)
        site.writer.write(data[:100_000])
        await gathering.wait()
        site.writer.write(data[100_000:] + invoke(b"2"))
        bodies = [(await site.answer())[1].partition(b":")[2] for _ in range(2)]
        assert bodies == [LARGE, b"2"]


async def test_a_caller_may_hang_up_in_the_middle_of_a_large_body(
    gathering: asyncio.Event,
) -> None:
    async with served() as site:
        site.writer.write(invoke(LARGE)[:100_000])
        await gathering.wait()
        site.writer.close()
        await site.http.lost.wait()
        assert not site.begun
        assert not site.handling.is_set()


async def test_stopping_waits_for_a_large_body_and_its_answer(
    gathering: asyncio.Event,
) -> None:
    async with served() as site:
        data = invoke(LARGE)
        site.writer.write(data[:100_000])
        await gathering.wait()
        site.http.pre_shutdown()
        stopping = asyncio.ensure_future(site.http.shutdown(10))
        site.writer.write(data[100_000:])
        assert (await site.answer())[1] == b"whole:" + LARGE
        await stopping
        assert await site.reader.read() == b""


@pytest.mark.parametrize(
    "odd",
    [
        INVOKE + b"Transfer-Encoding: chunked\r\n\r\n1\r\n7\r\n0\r\n\r\n",
        invoke(b"7", b"Connection: keep-alive", b"Connection: keep-alive"),
    ],
    ids=["chunks", "a header twice"],
)
async def test_after_a_request_whose_end_is_not_certain_aiohttp_answers_all(odd: bytes) -> None:
    async with served() as site:
        site.writer.write(odd)
        assert (await site.answer())[1] == b"aiohttp:7"
        site.writer.write(invoke(b"8"))
        assert (await site.answer())[1] == b"aiohttp:8"


async def test_two_requests_in_one_piece_are_answered_in_order() -> None:
    async with served() as site:
        site.writer.write(invoke(b"1") + invoke(b"2"))
        assert (await site.answer())[1] == b"aiohttp:1"
        assert (await site.answer())[1] == b"aiohttp:2"


async def test_a_client_that_does_not_wait_is_answered_in_order() -> None:
    async with served(at_once=False) as site:
        site.writer.write(invoke(b"1"))
        await site.until(1)
        site.writer.write(invoke(b"2"))
        await site.writer.drain()
        site.begun[0][1].set_result(b"1")
        assert (await site.answer())[1] == b"whole:1"
        await site.until(2)
        site.begun[1][1].set_result(b"2")
        assert (await site.answer())[1] == b"whole:2"


async def test_a_connection_is_not_idle_while_its_function_runs_and_is_afterwards() -> None:
    async with served(idle_timeout_s=0.1, at_once=False) as site:
        site.writer.write(invoke(b"1"))
        await site.until(1)
        reading = asyncio.ensure_future(site.answer())
        done, _ = await asyncio.wait([reading], timeout=0.5)
        assert not done
        site.begun[0][1].set_result(b"1")
        assert (await reading)[1] == b"whole:1"
        async with asyncio.timeout(10):
            assert await site.reader.read() == b""


async def test_a_caller_who_hangs_up_is_not_answered() -> None:
    async with served(at_once=False) as site:
        site.writer.write(invoke(b"1"))
        await site.until(1)
        site.writer.close()
        await site.writer.wait_closed()
        await site.http.lost.wait()
        site.begun[0][1].set_result(b"1")


async def test_stopping_waits_for_the_answer_and_closes_the_connection() -> None:
    async with served(at_once=False) as site:
        site.writer.write(invoke(b"1"))
        await site.until(1)
        site.http.pre_shutdown()
        stopping = asyncio.ensure_future(site.http.shutdown(10))
        site.begun[0][1].set_result(b"1")
        assert (await site.answer())[1] == b"whole:1"
        await stopping
        assert await site.reader.read() == b""


@pytest.mark.parametrize(
    ("error", "status"),
    [(errors.ResourceNotFoundError("no"), b"404"), (ValueError("a mistake"), b"500")],
)
async def test_errors_are_answered_in_the_apis_form(
    error: Exception, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(error=error) as site:
        site.writer.write(invoke(b"1"))
        head, body = await site.answer()
        assert head.split()[1] == status
        assert b"x-amzn-ErrorType: " in head
        assert b"essage" in body
    assert bool(caplog.records) is (status == b"500")
