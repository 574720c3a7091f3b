"""The one connection contract, held by both transports: frames on a socket, and memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inglenook.wire import connection, frames, messages

Pair = tuple[connection.Connection, connection.Connection]


class Heard:
    """A receiver that remembers."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, messages.Header, bytes]] = []
        self.ends: list[str] = []
        self._changed = asyncio.Event()

    def received(self, stream: int, header: messages.Header, body: connection.Body) -> None:
        self.messages.append((stream, header, bytes(body)))
        self._changed.set()

    def closed(self, reason: str) -> None:
        self.ends.append(reason)
        self._changed.set()

    async def until(self, is_true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_true():
                self._changed.clear()
                await self._changed.wait()


@contextlib.asynccontextmanager
async def over_a_socket(tmp_path: Path) -> AsyncIterator[Pair]:
    loop = asyncio.get_running_loop()
    accepted: asyncio.Queue[frames.StreamConnection] = asyncio.Queue()

    class Accepted(frames.StreamConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            accepted.put_nowait(self)

    server = await loop.create_unix_server(Accepted, tmp_path / "socket")
    _, client = await loop.create_unix_connection(frames.StreamConnection, tmp_path / "socket")
    other = await accepted.get()
    try:
        yield client, other
    finally:
        client.close()
        other.close()
        server.close()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def in_memory(_tmp_path: Path) -> AsyncIterator[Pair]:
    yield connection.memory_pair()


@pytest.fixture(params=[over_a_socket, in_memory])
async def pair(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[connection.Connection, connection.Connection]]:
    make: Callable[[Path], AbstractAsyncContextManager[Pair]] = request.param
    async with make(tmp_path) as ends:
        yield ends


INVOKE = messages.Invoke(environment="e", request_id="r", arn="a", trace_id="t")


async def test_messages_arrive_whole_and_in_order(pair: Pair) -> None:
    one, other = pair
    heard = Heard()
    other.open(heard)
    one.open(Heard())
    bodies = [bytes([n % 256]) * (n * 997 % 70_000) for n in range(50)]
    for n, body in enumerate(bodies):
        one.send(n, INVOKE, body)
    await heard.until(lambda: len(heard.messages) == 50)
    assert heard.messages == [(n, INVOKE, body) for n, body in enumerate(bodies)]


async def test_what_is_sent_before_the_other_end_listens_is_not_lost(pair: Pair) -> None:
    one, other = pair
    one.open(Heard())
    one.send(0, messages.Welcome(agent="a"))
    heard = Heard()
    other.open(heard)
    await heard.until(lambda: len(heard.messages) == 1)
    assert heard.messages == [(0, messages.Welcome(agent="a"), b"")]


async def test_six_megabytes_pass(pair: Pair) -> None:
    one, other = pair
    heard = Heard()
    other.open(heard)
    one.open(Heard())
    body = bytes(range(256)) * (6 * 4096)
    one.send(7, INVOKE, body)
    await heard.until(lambda: len(heard.messages) == 1)
    assert heard.messages[0][2] == body


async def test_both_ends_hear_once_that_one_closed(pair: Pair) -> None:
    one, other = pair
    mine, theirs = Heard(), Heard()
    one.open(mine)
    other.open(theirs)
    one.close("enough")
    one.close("again")
    await mine.until(lambda: bool(mine.ends))
    await theirs.until(lambda: bool(theirs.ends))
    one.send(1, INVOKE)
    other.send(1, INVOKE)
    assert mine.ends == ["enough"]
    assert len(theirs.ends) == 1
    assert mine.messages == theirs.messages == []


async def test_a_peer_that_breaks_the_framing_is_disconnected(tmp_path: Path) -> None:
    async with over_a_socket(tmp_path) as (one, other):
        heard = Heard()
        other.open(heard)
        assert isinstance(one, frames.StreamConnection)
        assert one._transport is not None
        one._transport.write(b"\xff" * 64)
        await heard.until(lambda: bool(heard.ends))
        assert "protocol" in heard.ends[0]


HEADERS = st.sampled_from(
    [
        INVOKE,
        messages.Start(),
        messages.Result(error="Runtime.ExitError", tail="eA==", duration_ms=1.5, billed_ms=2),
        messages.Refused(reason=messages.Refusal.FULL, message="no room"),
        messages.Specialise(
            id=messages.VersionId(function_name="f", function_uid="u", version="3", generation=9),
            runtime="python3.12",
            handler="app.handler",
            code_sha256="0" * 64,
            memory_mb=128,
            timeout_s=3,
            ephemeral_storage_mb=512,
            log_group="/aws/lambda/f",
            variables={"A": "ü"},
            region="us-east-1",
            account="000000000000",
        ),
    ]
)


@given(
    sent=st.lists(st.tuples(st.integers(0, 2**32 - 1), HEADERS, st.binary(max_size=300))),
    sizes=st.lists(st.integers(1, 40), min_size=1),
)
def test_however_the_bytes_are_cut_the_messages_are_the_same(
    sent: list[tuple[int, messages.Header, bytes]], sizes: list[int]
) -> None:
    wire = b"".join(bytes(part) for each in sent for part in frames.encode(*each))
    decoder = frames.Decoder()
    received: list[tuple[int, messages.Header, bytes]] = []
    position = turn = 0
    while position < len(wire):
        size = sizes[turn % len(sizes)]
        received += decoder.feed(wire[position : position + size])
        position += size
        turn += 1
    assert received == sent


async def test_what_is_said_in_one_go_leaves_together_and_before_the_end(tmp_path: Path) -> None:
    async with over_a_socket(tmp_path) as (one, other):
        heard = Heard()
        other.open(heard)
        for number in range(1, 4):
            one.send(number, messages.Drain(), b"x")
        assert not heard.messages
        one.close("that is all")
        one.send(4, messages.Drain())
        await heard.until(lambda: bool(heard.ends))
        assert [stream for stream, _, _ in heard.messages] == [1, 2, 3]
