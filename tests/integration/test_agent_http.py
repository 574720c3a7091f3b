"""The Runtime API's HTTP, byte by byte: framing, trailers, hang-ups, and what is no HTTP at all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest

from inglenook_agent.runtime_api import answers, exchange, protocol

DEADLINE_S = 10


@dataclass
class Heard:
    """A handler that keeps what it hears, and answers once the body has come."""

    exchanges: list[exchange.Exchange] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    trailers: Mapping[str, str] | None = None
    answers_late: bool = False
    refuses: bool = False
    connections: protocol.Connections = field(default_factory=protocol.Connections)
    is_complete: asyncio.Event = field(default_factory=asyncio.Event)
    is_lost: asyncio.Event = field(default_factory=asyncio.Event)
    has_piece: asyncio.Event = field(default_factory=asyncio.Event)

    def handle(self, begun: exchange.Exchange) -> exchange.Receiver:
        self.exchanges.append(begun)
        if self.refuses:
            raise answers.ApiError(*answers.NOT_ALLOWED, "no")
        return self

    def piece(self, data: bytes) -> None:
        self.pieces.append(data)
        self.has_piece.set()

    def complete(self, trailers: Mapping[str, str]) -> None:
        self.trailers = trailers
        self.is_complete.set()
        if not self.answers_late:
            self.exchanges[-1].answer(answers.ACCEPTED)

    def lost(self) -> None:
        self.is_lost.set()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


Stand = tuple[Heard, asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    heard = Heard()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: protocol.HttpConnection(heard.handle, heard.connections), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield heard, reader, writer
    finally:
        writer.close()
        server.close()
        await heard.connections.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def status(reader: asyncio.StreamReader) -> int:
    """Read one response; return its status."""
    async with asyncio.timeout(DEADLINE_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [line for line in head.split("\r\n") if line.startswith("Content-Length: ")]
        if lengths:
            await reader.readexactly(int(lengths[0].partition(": ")[2]))
        return int(head.split()[1])


CHUNKED = b"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: One, Two\r\n\r\n"


async def test_a_chunked_body_and_its_trailers_come_however_they_are_cut(stand: Stand) -> None:
    heard, reader, writer = stand
    sent = CHUNKED + b"3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nOne: first\r\nTwo: c2Vjb25k\r\n\r\n"
    for byte in sent:
        writer.write(bytes([byte]))
        await writer.drain()
    assert await status(reader) == 202
    assert heard.body == b"abcde"
    assert heard.trailers == {"one": "first", "two": "c2Vjb25k"}


async def test_trailers_are_kept_apart_from_headers(stand: Stand) -> None:
    heard, reader, writer = stand
    writer.write(b"POST /p HTTP/1.1\r\nOne: head\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    writer.write(b"One: trailer\r\n\r\n")
    assert await status(reader) == 202
    assert heard.exchanges[0].headers["one"] == "head"
    assert heard.trailers == {"one": "trailer"}


async def test_a_piece_is_handed_on_before_the_body_has_ended(stand: Stand) -> None:
    heard, reader, writer = stand
    writer.write(CHUNKED + b"5\r\nearly\r\n")
    async with asyncio.timeout(DEADLINE_S):
        await heard.has_piece.wait()
    assert (heard.pieces, heard.trailers) == ([b"early"], None)
    writer.write(b"0\r\n\r\n")
    assert await status(reader) == 202


async def test_a_connection_is_kept_for_one_request_after_the_other(stand: Stand) -> None:
    heard, reader, writer = stand
    for n in range(5):
        writer.write(f"POST /{n} HTTP/1.1\r\nContent-Length: 1\r\n\r\n{n}".encode())
        assert await status(reader) == 202
    assert [each.path for each in heard.exchanges] == [f"/{n}" for n in range(5)]
    assert heard.body == b"01234"


@pytest.mark.parametrize(
    "head",
    [b"POST /p HTTP/1.1\r\nConnection: close\r\n", b"POST /p HTTP/1.0\r\n"],
    ids=["asked to", "HTTP/1.0"],
)
async def test_a_connection_is_closed_where_the_client_says_so(stand: Stand, head: bytes) -> None:
    _, reader, writer = stand
    writer.write(head + b"Content-Length: 1\r\n\r\nx")
    assert await status(reader) == 202
    async with asyncio.timeout(DEADLINE_S):
        assert await reader.read() == b""


async def test_a_refusal_comes_before_the_body_and_the_connection_lives_on(stand: Stand) -> None:
    heard, reader, writer = stand
    heard.refuses = True
    writer.write(b"POST /p HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")
    assert await status(reader) == 403
    writer.write(b"x" * 1_000_000)
    heard.refuses = False
    writer.write(b"POST /q HTTP/1.1\r\nContent-Length: 2\r\n\r\nok")
    assert await status(reader) == 202
    assert heard.body == b"ok"


async def test_who_waits_for_100_continue_gets_it(stand: Stand) -> None:
    heard, reader, writer = stand
    writer.write(b"POST /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await status(reader) == 100
    writer.write(b"ok")
    assert await status(reader) == 202
    assert heard.body == b"ok"


async def test_an_offer_of_another_protocol_is_passed_over(stand: Stand) -> None:
    heard, reader, writer = stand
    writer.write(
        b"POST /p HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABk\r\nX-Kept: yes\r\nContent-Length: 5\r\n\r\nfi"
    )
    writer.write(b"rst")
    assert await status(reader) == 202
    assert (heard.body, heard.exchanges[0].headers["x-kept"]) == (b"first", "yes")
    writer.write(b"POST /p HTTP/1.1\r\nContent-Length: 6\r\n\r\nsecond")
    assert await status(reader) == 202


async def test_the_head_alone_is_answered_to_head(stand: Stand) -> None:
    heard, reader, writer = stand
    heard.answers_late = True
    writer.write(b"HEAD /p HTTP/1.1\r\n\r\n")
    async with asyncio.timeout(DEADLINE_S):
        await heard.is_complete.wait()
    heard.exchanges[0].answer(answers.PONG)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE_S)
    assert b"Content-Length: 4\r\n" in head
    writer.close()
    assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""


@pytest.mark.parametrize(
    ("target", "path"),
    [(b"/a?b=c", "/a"), (b"http://host:1/a/b?c", "/a/b"), (b"/caf%C3%A9", "/caf%C3%A9")],
)
async def test_a_target_is_reduced_to_its_path(stand: Stand, target: bytes, path: str) -> None:
    heard, reader, writer = stand
    writer.write(b"GET " + target + b" HTTP/1.1\r\n\r\n")
    assert await status(reader) == 202
    assert heard.exchanges[0].path == path


async def test_a_header_may_be_a_megabyte(stand: Stand) -> None:
    heard, reader, writer = stand
    writer.write(b"POST /p HTTP/1.1\r\nX-Cause: " + b"c" * 1_000_000 + b"\r\n\r\n")
    assert await status(reader) == 202
    assert len(heard.exchanges[0].headers["x-cause"]) == 1_000_000


@pytest.mark.parametrize(
    "begun",
    [b"GET /p HTTP/1.1\r\nX-Endless: ", CHUNKED + b"0\r\nOne: ", CHUNKED + b"1;ext="],
    ids=["header", "trailer", "chunk extension"],
)
async def test_what_never_ends_is_refused(stand: Stand, begun: bytes) -> None:
    _, reader, writer = stand
    writer.write(begun + b"e" * 3_000_000)
    assert await status(reader) in {400, 431}


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9\r\n"])
async def test_what_is_no_http_is_a_bad_request(stand: Stand, sent: bytes) -> None:
    _, reader, writer = stand
    writer.write(sent)
    assert await status(reader) == 400


async def test_a_request_before_the_last_one_was_answered_ends_the_connection(
    stand: Stand,
) -> None:
    heard, reader, writer = stand
    heard.answers_late = True
    writer.write(b"GET /one HTTP/1.1\r\n\r\nGET /two HTTP/1.1\r\n\r\n")
    assert await status(reader) == 400
    async with asyncio.timeout(DEADLINE_S):
        await heard.is_lost.wait()


@pytest.mark.parametrize("sent", [CHUNKED + b"3\r\nabc\r\n", b"GET /p HTTP/1.1\r\n\r\n"])
async def test_a_hang_up_is_heard_in_a_body_and_while_waiting(stand: Stand, sent: bytes) -> None:
    heard, _, writer = stand
    heard.answers_late = True
    writer.write(sent)
    await writer.drain()
    writer.close()
    async with asyncio.timeout(DEADLINE_S):
        await heard.is_lost.wait()
    assert not len(heard.connections)


async def test_a_client_is_held_up_while_its_exchange_is_paused(stand: Stand) -> None:
    heard, reader, writer = stand
    writer.write(CHUNKED + b"1\r\na\r\n")
    async with asyncio.timeout(DEADLINE_S):
        await heard.has_piece.wait()
    heard.exchanges[0].pause()
    writer.write(b"1000000\r\n" + b"x" * 0x1000000 + b"\r\n0\r\n\r\n")
    with pytest.raises(TimeoutError):
        # It does not fit into what lies between, so that this would wait for ever.
        await asyncio.wait_for(writer.drain(), 0.2)
    assert heard.body == b"a"
    heard.exchanges[0].resume()
    assert await status(reader) == 202
    assert len(heard.body) == 1 + 0x1000000
