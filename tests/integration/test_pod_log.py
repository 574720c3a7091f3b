"""The log of a pod's function on its way out: a pipe, and a reader that may be slow or gone."""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from inglenook.telemetry.logs import LogEvent
from inglenook_agent.pod import logs

DEADLINE_S = 10.0


@dataclass
class Pipe:
    """A pipe, and what has been read from it."""

    reading: int
    writing: int
    text: bytearray = field(default_factory=bytearray)
    count: int = 0
    """Of lines."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def read(self) -> None:
        """Read until there is nothing."""
        try:
            while piece := os.read(self.reading, 1 << 20):
                self.text += piece
                self.count += piece.count(b"\n")
        except BlockingIOError:
            pass

    async def until_read(self, lines: int) -> None:
        """Read until there are so many lines."""
        loop, more = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.reading, more.set)
        try:
            async with asyncio.timeout(DEADLINE_S):
                while self.count < lines:
                    await more.wait()
                    more.clear()
                    self.read()
        finally:
            loop.remove_reader(self.reading)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    made = Pipe(reading, writing)
    yield made
    for end in (made.reading, made.writing):
        if end >= 0:
            os.close(end)


def write(output: logs.Output, *messages: str) -> None:
    events = [LogEvent(timestamp_ms=1000, message=each, request_id="r") for each in messages]
    output.write("/aws/lambda/f", "s", events)


async def test_events_are_lines_in_their_order(pipe: Pipe) -> None:
    output = logs.Output(pipe.writing)
    write(output, "one\n", "two")
    write(output, "three")
    await pipe.until_read(3)
    assert [line["message"] for line in pipe.lines] == ["one", "two", "three"]
    assert pipe.lines[0] == {
        "timestamp": "1970-01-01T00:00:01.000Z",
        "message": "one",
        "log_group": "/aws/lambda/f",
        "log_stream": "s",
        "request_id": "r",
    }


async def test_nothing_is_lost_while_the_reader_is_slow(pipe: Pipe) -> None:
    output = logs.Output(pipe.writing)
    texts = [str(number) * 1000 for number in range(2000)]
    for text in texts:  # many times what the pipe takes
        write(output, text)
    await pipe.until_read(len(texts))
    assert [line["message"] for line in pipe.lines] == texts


async def test_what_has_no_room_is_dropped_and_counted(pipe: Pipe) -> None:
    output = logs.Output(pipe.writing)
    write(output, *["x" * (1 << 20)] * 15)
    write(output, *["y" * (1 << 20)] * 3)
    await pipe.until_read(15)
    write(output, "z")
    await pipe.until_read(17)
    messages = [line["message"] for line in pipe.lines]
    kept = sum(each.startswith("x") for each in messages)
    assert kept == 15
    assert messages[15:] == ["[inglenook] 3 log events are missing before this line", "z"]


async def test_closing_writes_what_waits_and_takes_nothing_more(pipe: Pipe) -> None:
    output = logs.Output(pipe.writing)
    write(output, "last")
    output.close()
    write(output, "too late")
    pipe.read()
    assert [line["message"] for line in pipe.lines] == ["last"]


async def test_a_reader_that_is_gone_is_no_mistake(pipe: Pipe) -> None:
    output = logs.Output(pipe.writing)
    os.close(pipe.reading)
    pipe.reading = -1
    write(output, "unheard")
    output.close()
    write(output, "unheard")
