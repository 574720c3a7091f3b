"""Probes and metrics of a process, over HTTP."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from inglenook_cluster.status import Status


async def page() -> bytes:
    return b"inglenook_up 1\n"


class Probed:
    def __init__(self, status: Status, session: aiohttp.ClientSession, port: int) -> None:
        self.status = status
        self._session = session
        self._url = f"http://127.0.0.1:{port}"

    async def get(self, path: str) -> tuple[int, str]:
        async with self._session.get(self._url + path) as answer:
            return answer.status, await answer.text()


@contextlib.asynccontextmanager
async def probed(conditions: dict[str, bool]) -> AsyncIterator[Probed]:
    checks = {name: lambda name=name: conditions[name] for name in conditions}
    status = Status(checks, metrics=page, content_type="text/plain")  # type: ignore[arg-type]
    port = await status.listen("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as session:
            yield Probed(status, session, port)
    finally:
        await status.close()


async def test_it_is_ready_once_all_conditions_are_met_and_no_more_when_it_leaves() -> None:
    conditions = {"catalog": False, "api": True}
    async with probed(conditions) as one:
        assert await one.get("/ready") == (503, '{"catalog":false,"api":true,"staying":true}')
        conditions["catalog"] = True
        assert (await one.get("/ready"))[0] == 200
        one.status.leave()
        assert await one.get("/ready") == (503, '{"catalog":true,"api":true,"staying":false}')
        assert (await one.get("/live"))[0] == 200


async def test_it_lives_until_a_part_dies() -> None:
    async with probed({}) as one:
        assert await one.get("/live") == (200, "{}")
        one.status.died("watch the pods")
        assert await one.get("/live") == (503, '{"watch the pods":false}')


@pytest.mark.parametrize(("path", "expected"), [("/metrics", 200), ("/", 404), ("/x", 404)])
async def test_metrics_are_served_and_nothing_else(path: str, expected: int) -> None:
    async with probed({}) as one:
        found, text = await one.get(path)
        assert found == expected
        assert (text == "inglenook_up 1\n") == (expected == 200)
