"""Events that the operator posts: seldom, and each with a count, over HTTP."""

import itertools
from typing import Any

from aiohttp import web

from inglenook.aio import clock
from inglenook_cluster.kube import access, client, requests
from inglenook_operator.cluster import api, events

ABOUT = {"kind": "Function", "metadata": {"name": "hello", "namespace": "ns", "uid": "u"}}


class Time(clock.SystemClock):
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def now(self) -> float:
        return self.at


async def test_the_same_is_said_more_and_more_seldom_but_never_forgotten() -> None:
    said: list[tuple[float, str]] = []
    counts: dict[str, int] = {}
    time = Time()

    async def create(request: web.Request) -> web.Response:
        body = await request.json()
        name, message = body["metadata"]["name"], body["message"]
        said.append((time.at, message))
        if name in counts:
            return web.json_response({"reason": "AlreadyExists"}, status=409)
        counts[name] = body["count"]
        return web.json_response(body)

    async def read(request: web.Request) -> web.Response:
        return web.json_response({"count": counts[request.match_info["name"]]})

    async def patch(request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        counts[request.match_info["name"]] = body["count"]
        return web.json_response(body)

    application = web.Application()
    application.router.add_post("/api/v1/namespaces/ns/events", create)
    application.router.add_get("/api/v1/namespaces/ns/events/{name}", read)
    application.router.add_patch("/api/v1/namespaces/ns/events/{name}", patch)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        to = access.Access(server=f"http://127.0.0.1:{runner.addresses[0][1]}")
        async with client.Client(to) as opened:
            posting = events.Events(api=api.Api(requests.Requests(opened)), time=time)
            begun = time.at
            for minute in range(3 * 60):
                time.at = begun + 60.0 * minute
                await posting.post(ABOUT, reason="Bad", message="no")
            await posting.post(ABOUT, reason="Bad", message="another")
    finally:
        await runner.cleanup()
    times = [at - begun for at, message in said if message == "no"]
    pauses = [second - first for first, second in itertools.pairwise(times)]
    assert pauses[:6] == [60.0, 120.0, 240.0, 480.0, 960.0, 1800.0]
    assert max(pauses) == 1800.0
    assert said[-1][1] == "another"
    assert sorted(counts.values()) == [1, len(times)]
