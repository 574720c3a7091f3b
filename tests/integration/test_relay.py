"""Calls of the API about a function are answered by its owner; the rest by whoever is asked."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
import yarl
from aiohttp import web

from inglenook.model.account import Account
from inglenook_gateway.api.addressed import Addressed
from inglenook_gateway.api.relay import QUOTA, RELAYED, Relay

FUNCTION = "/2015-03-31/functions/f"
ACCOUNT = Account()


class Gateways:
    """Two: `here`, which is asked, and `there`, which owns what is in `owned`."""

    def __init__(self) -> None:
        self.owned = {"f", QUOTA}
        self.there = ""
        self.here = ""

    def elsewhere(self, key: str) -> str | None:
        return self.there if key in self.owned else None


def answering(name: str) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        headers = {
            "X-By": name,
            "X-Relayed-By": request.headers.get(RELAYED, ""),
            "X-Host": request.headers.get("Host", ""),
        }
        return web.Response(
            status=201 if body else 200,
            text=f"{request.method} {request.raw_path} {len(body)}",
            headers=headers,
        )

    return handle


@contextlib.asynccontextmanager
async def listening(
    handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    server = web.Server(handle)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        await server.shutdown(1)


@pytest.fixture
async def gateways() -> AsyncIterator[Gateways]:
    made = Gateways()
    relay = Relay(
        answering("here"),
        name="here",
        function_name=lambda given: ACCOUNT.ref(given).name,
        elsewhere=made.elsewhere,
    )
    async with listening(answering("there")) as made.there, listening(relay.handle) as made.here:
        yield made
        await relay.close()


@pytest.mark.parametrize(
    ("method", "path", "by"),
    [
        ("GET", f"{FUNCTION}?Qualifier=1", "there"),
        ("GET", f"{FUNCTION}:prod/provisioned-concurrency", "there"),
        ("GET", f"/2015-03-31/functions/{ACCOUNT.function_arn('f').replace(':', '%3A')}", "there"),
        ("DELETE", FUNCTION, "there"),
        ("POST", f"{FUNCTION}/invocations", "here"),
        ("POST", "/2021-11-15/functions/f/response-streaming-invocations", "here"),
        ("POST", "/2015-03-31/functions", "here"),
        ("GET", "/2015-03-31/functions/mine", "here"),
        ("GET", "/2015-03-31/functions/not%20a%20name", "here"),
        ("PUT", "/2017-10-31/functions/mine/concurrency", "there"),
        ("DELETE", "/2017-10-31/functions/mine/concurrency", "here"),
        ("PUT", "/2019-09-30/functions/mine/provisioned-concurrency", "there"),
        ("GET", "/2015-03-31/event-source-mappings/", "here"),
    ],
)  # fmt: skip
async def test_who_answers(gateways: Gateways, method: str, path: str, by: str) -> None:
    async with (
        aiohttp.ClientSession() as client,
        client.request(method, f"http://{gateways.here}{path}") as answer,
    ):
        assert answer.headers["X-By"] == by


async def test_request_and_answer_are_passed_on_as_they_are(gateways: Gateways) -> None:
    body = io.BytesIO(bytes(900_000))
    headers = {"Host": "lambda.example:80"}
    url = f"http://{gateways.here}/2015-03-31/functions/f%2Dx%3A1/code?Qualifier=a%2Fb"
    gateways.owned = {"f-x"}
    async with (
        aiohttp.ClientSession() as client,
        client.put(yarl.URL(url, encoded=True), data=body, headers=headers) as answer,
    ):
        assert answer.status == 201
        text = await answer.text()
        assert text == "PUT /2015-03-31/functions/f%2Dx%3A1/code?Qualifier=a%2Fb 900000"
        assert answer.headers["X-Relayed-By"] == "here"
        assert answer.headers["X-Host"] == "lambda.example:80"


async def test_what_was_handed_on_is_not_handed_on_again(gateways: Gateways) -> None:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://{gateways.here}{FUNCTION}", headers={RELAYED: "x"}) as answer,
    ):
        assert answer.headers["X-By"] == "here"


async def test_an_owner_that_cannot_be_reached_is_stood_in_for(gateways: Gateways) -> None:
    async with listening(answering("gone")) as gateways.there:
        pass
    async with (
        aiohttp.ClientSession() as client,
        client.put(f"http://{gateways.here}{FUNCTION}/code", data=b"zip") as answer,
    ):
        assert answer.headers["X-By"] == "here"
        assert (await answer.text()).endswith(" 3")


async def test_an_owner_that_dies_midway_is_a_failure_that_may_be_tried_again(
    gateways: Gateways,
) -> None:
    async def die(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with (
        listening(die) as gateways.there,
        aiohttp.ClientSession() as client,
        client.put(f"http://{gateways.here}{FUNCTION}/code", data=b"zip") as answer,
    ):
        assert answer.status == 500
        assert answer.headers["x-amzn-ErrorType"] == "ServiceException"


@pytest.mark.parametrize(
    ("public_url", "host", "expected"),
    [
        ("https://lambda.example/", "other", "https://lambda.example"),
        ("", "gateway.inglenook:9550", "http://gateway.inglenook:9550"),
        ("", "[::1]:9550", "http://[::1]:9550"),
        ("", "a b/c", "http://bound:1"),
    ],
)
async def test_addresses_in_answers_are_those_that_the_client_knows(
    public_url: str, host: str, expected: str
) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=public.address())

    public = Addressed(handle, public_url=public_url, otherwise=lambda: "http://bound:1")
    async with (
        listening(public.handle) as address,
        aiohttp.ClientSession() as client,
        client.get(f"http://{address}/", headers={"Host": host}) as answer,
    ):
        assert await answer.text() == expected
    assert public.address() == (public_url.rstrip("/") or "http://bound:1")
