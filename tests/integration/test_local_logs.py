"""The log files of one machine, through `LogFiles` and over HTTP."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from inglenook.telemetry.logs import LogEvent
from inglenook_local import log_segments, logs, logs_http

GROUP = "/aws/lambda/hello"


def events(*messages: str, start_ms: int = 1000) -> list[LogEvent]:
    return [LogEvent(timestamp_ms=start_ms + i, message=text) for i, text in enumerate(messages)]


async def messages_of(log_files: logs.LogFiles, group: str = GROUP, **query: int) -> list[str]:
    return [entry.message for entry in await log_files.read(group, **query)]


def tear(root: Path) -> None:
    [segment] = root.glob("*/*.jsonl")
    os.truncate(segment, segment.stat().st_size - 4)


def tear_newest(folder: Path) -> None:
    newest = max(folder.glob("*.jsonl"))
    os.truncate(newest, newest.stat().st_size - 4)


def size_of(root: Path) -> int:
    return sum(file.stat().st_size for file in root.glob("*/*.jsonl"))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_what_is_written_is_read_at_once_in_order(tmp_path: Path) -> None:
    async with logs.LogFiles(tmp_path) as log_files:
        log_files.write(GROUP, "s", events("START\n", "two\nlines\n"))
        log_files.write(GROUP, "s", events("END\n"))
        log_files.write("/aws/lambda/other", "s", events("else"))
        assert await messages_of(log_files) == ["START\n", "two\nlines\n", "END\n"]
        assert await messages_of(log_files, "/never/seen") == []


async def test_a_log_outlives_the_process_that_wrote_it(tmp_path: Path) -> None:
    async with logs.LogFiles(tmp_path) as log_files:
        log_files.write(GROUP, "s", events("before"))
    async with logs.LogFiles(tmp_path) as log_files:
        assert await messages_of(log_files) == ["before"]
        log_files.write(GROUP, "s", events("after"))
        assert await messages_of(log_files) == ["before", "after"]


async def test_a_line_torn_by_a_kill_costs_only_itself(tmp_path: Path) -> None:
    async with logs.LogFiles(tmp_path) as log_files:
        log_files.write(GROUP, "s", events("whole", "torn"))
    tear(tmp_path)
    async with logs.LogFiles(tmp_path) as log_files:
        assert await messages_of(log_files) == ["whole"]
        log_files.write(GROUP, "s", events("next"))
        assert await messages_of(log_files) == ["whole", "next"]


async def test_since_and_limit_choose_the_newest(tmp_path: Path) -> None:
    async with logs.LogFiles(tmp_path, segment_max_bytes=100) as log_files:
        for number in range(10):
            log_files.write(GROUP, "s", events(f"line {number}", start_ms=number))
            await log_files.read(GROUP)
        assert await messages_of(log_files, limit=3) == ["line 7", "line 8", "line 9"]
        assert await messages_of(log_files, since_ms=8) == ["line 8", "line 9"]
        assert await messages_of(log_files, since_ms=5, limit=1) == ["line 9"]


async def test_a_group_never_outgrows_its_share_and_keeps_its_newest(tmp_path: Path) -> None:
    async with logs.LogFiles(tmp_path, segment_max_bytes=1000, group_max_bytes=5000) as log_files:
        for number in range(200):
            log_files.write(GROUP, "s", events(f"line {number}".ljust(60), start_ms=number))
            await log_files.read(GROUP)
        kept = await log_files.read(GROUP)
    assert size_of(tmp_path) <= 5000
    assert [entry.timestamp_ms for entry in kept] == list(range(200 - len(kept), 200))
    assert len(kept) > 20


async def test_names_that_differ_only_in_case_or_danger_are_different_files(tmp_path: Path) -> None:
    groups = ["a", "A", "..", "../a", "/", "", "x" * 512, "x" * 511, "a/b", "a.b", "ü", "nul\0"]
    async with logs.LogFiles(tmp_path / "logs") as log_files:
        for group in groups:
            log_files.write(group, "s", events(group))
        for group in groups:
            assert await messages_of(log_files, group) == [group]
    assert len({name.lower() for name in names(tmp_path / "logs")}) == len(groups)
    assert names(tmp_path) == ["logs"]


async def test_text_that_has_no_utf8_costs_only_its_own_characters(tmp_path: Path) -> None:
    async with logs.LogFiles(tmp_path) as log_files:
        log_files.write(GROUP, "s", events("good", "b\ud800d"))
        assert await messages_of(log_files) == ["good", "b?d"]


async def test_what_memory_cannot_hold_is_dropped_from_the_oldest_and_counted(
    tmp_path: Path,
) -> None:
    async with logs.LogFiles(tmp_path, pending_max_chars=100) as log_files:
        for number in range(10):
            log_files.write(GROUP, "s", events(f"{number}" * 20))
        first, *rest = await messages_of(log_files)
    assert first.startswith("[inglenook] 5 log events are missing")
    assert rest == [f"{number}" * 20 for number in range(5, 10)]


async def test_a_disk_that_refuses_is_said_once_and_later_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "logs"
    root.write_text("in the way")
    async with logs.LogFiles(root) as log_files:
        for _ in range(3):
            log_files.write(GROUP, "s", events("lost"))
            await log_files.read("other")
        root.unlink()
        log_files.write(GROUP, "s", events("kept"))
        note, kept = await messages_of(log_files)
    assert note.startswith("[inglenook] 3 log events are missing")
    assert kept == "kept"
    assert len(caplog.records) == 1


async def test_a_follower_hears_the_past_and_the_present_without_gap_or_double(
    tmp_path: Path,
) -> None:
    total = 3000
    async with logs.LogFiles(tmp_path, segment_max_bytes=10_000) as log_files:

        async def write() -> None:
            for number in range(total):
                log_files.write(GROUP, "s", events(str(number)))
                if number % 7 == 0:
                    await asyncio.sleep(0)

        async def follow() -> list[str]:
            heard: list[str] = []
            async with contextlib.aclosing(log_files.follow(GROUP, since_ms=0)) as batches:
                async for batch in batches:
                    heard += [entry.message for entry in batch]
                    if heard[-1] == str(total - 1):
                        break
            return heard

        async with asyncio.TaskGroup() as group:
            writing = group.create_task(write())
            followers = []
            while not writing.done():
                await log_files.read(GROUP)
                if len(followers) < 5:
                    followers.append(group.create_task(follow()))
    for follower in followers:
        assert follower.result() == [str(number) for number in range(total)]


async def test_a_slow_follower_loses_the_oldest_and_is_told(tmp_path: Path) -> None:
    async with logs.LogFiles(tmp_path, follower_max_events=3) as log_files:
        batches = log_files.follow(GROUP, idle_s=0.001)
        assert await anext(batches) == []
        log_files.write(GROUP, "s", events(*"abcde"))
        note, *rest = [entry.message for entry in await anext(batches)]
        await batches.aclose()
    assert note.startswith("[inglenook] 2 log events are missing")
    assert rest == list("cde")


async def test_a_reader_who_leaves_takes_nothing_with_him(tmp_path: Path) -> None:
    async with logs.LogFiles(tmp_path) as log_files:
        for number in range(50):
            log_files.write(GROUP, "s", events(str(number)))
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(log_files.read(GROUP))
                await asyncio.sleep(0)
                reading.cancel()
        assert await messages_of(log_files) == [str(number) for number in range(50)]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[logs.LogFiles, str]]:
    async with logs.LogFiles(tmp_path) as log_files:
        server = web.Server(logs_http.LogsEndpoint(log_files, keep_alive_s=0.01))
        runner = web.ServerRunner(server)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield log_files, f"http://{host}:{port}{logs_http.PATH}"
        log_files.end_following()
        await runner.cleanup()


async def test_a_log_comes_over_http_as_json_lines(served: tuple[logs.LogFiles, str]) -> None:
    log_files, url = served
    log_files.write(GROUP, "stream", events("one", "two"))
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params={"group": GROUP, "limit": "1"}) as response,
    ):
        assert await response.json(content_type="application/x-ndjson") == {
            "timestamp_ms": 1001,
            "stream": "stream",
            "message": "two",
        }


async def test_following_over_http_goes_on_until_the_platform_stops(
    served: tuple[logs.LogFiles, str],
) -> None:
    log_files, url = served
    log_files.write(GROUP, "s", events("past"))
    heard: list[str] = []
    query = {"group": GROUP, "since_ms": "0", "follow": "1"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params=query) as response,
    ):
        async for line in response.content:
            if not line.strip():
                if "live" in heard:
                    log_files.end_following()
                continue
            heard.append(msgspec.json.decode(line, type=log_segments.Entry).message)
            if heard == ["past"]:
                log_files.write(GROUP, "s", events("live"))
    assert heard == ["past", "live"]


async def test_a_reader_who_hangs_up_is_forgotten(served: tuple[logs.LogFiles, str]) -> None:
    log_files, url = served
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params={"group": GROUP, "follow": "1"}) as response,
    ):
        await response.content.readline()
        assert log_files.followers == 1
    async with asyncio.timeout(10):
        while log_files.followers:
            await log_files.read(GROUP)


@pytest.mark.parametrize("query", [{}, {"group": "g", "since_ms": "soon"}])
async def test_a_question_that_makes_no_sense_is_refused(
    served: tuple[logs.LogFiles, str], query: dict[str, str]
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(served[1], params=query) as response,
    ):
        assert response.status == 400
        assert (await response.json())["message"]


async def test_groups_beyond_those_whose_state_is_kept_go_on_where_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_segments, "_GROUPS_KEPT", 2)
    groups = [f"/aws/lambda/{number}" for number in range(4)]
    async with logs.LogFiles(tmp_path, segment_max_bytes=150, group_max_bytes=600) as log_files:
        for number in range(4):
            for group in groups:
                log_files.write(group, "s", events(f"{number} of {group}"))
                await log_files.read(group)  # written one by one, so that others come in between
        for group in groups:
            assert await messages_of(log_files, group) == [f"{n} of {group}" for n in range(4)]
        log_files.write(groups[0], "s", events("torn"))
        assert (await messages_of(log_files, groups[0]))[-1] == "torn"
        tear_newest(tmp_path / log_segments.folder_name(groups[0]))
        for group in groups[1:]:
            log_files.write(group, "s", events("between"))
            await log_files.read(group)
        log_files.write(groups[0], "s", events("after"))
        assert (await messages_of(log_files, groups[0]))[-1] == "after"
