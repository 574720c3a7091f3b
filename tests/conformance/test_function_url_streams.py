"""URLs with InvokeMode RESPONSE_STREAM: dg/configuration-response-streaming.html.

The functions bring their own runtime: AWS's Python runtime does not stream.
"""

import contextlib
import http.client
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, package
from support import url_calls

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/configuration-response-streaming.html")

INTEGRATION = "application/vnd.awslambda.http-integration-response"

# What a function writes is a shell function by the name of its handler. `await` waits for the test.
RUNTIME = """#!/bin/sh
tmp="${TMPDIR:-/tmp}"
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
integration="Content-Type: application/vnd.awslambda.http-integration-response"
end='\\000\\000\\000\\000\\000\\000\\000\\000'

await() { curl -s "http://127.0.0.1:$port/" > /dev/null; }
answer() {
    curl -s -o /dev/null -X POST -T - -H "Transfer-Encoding: chunked" \\
        -H "Lambda-Runtime-Function-Response-Mode: streaming" -H "$1" "$api/$id/response"
}

prelude() {
    { printf '{"statusCode": 201, "headers": {"X-A": "b", "Content-Type": "text/css"}, '
      printf '"cookies": ["a=1", "b=2"]}'"$end"'body {}'; } | answer "$integration"
}
plain() { printf '<p>' | answer "Content-Type: text/html"; }
large() {
    { printf '{"statusCode": 200}'"$end"; head -c 8000000 /dev/zero; } | answer "$integration"
}
bare() { printf '{}'"$end" | answer "$integration"; }
empty() { printf '{"statusCode": 204}'"$end" | answer "$integration"; }
endless() { head -c 200000 /dev/zero | tr '\\000' ' ' | answer "$integration"; }
wrong() { printf '{"statusCode": "x"}'"$end" | answer "$integration"; }
cut() { printf '{"statusCode": 200' | answer "$integration"; }
slow() {
    { printf '{"statusCode": 200}'"$end"; await; printf 'first'; await; printf ' second'; } \\
        | answer "$integration"
}
midway() { { printf 'first'; await; kill -9 $$; await; } | answer "Content-Type: text/html"; }
error() {
    curl -s -o /dev/null -X POST -d '{"errorType": "E", "errorMessage": "no"}' \\
        -H "Lambda-Runtime-Function-Error-Type: E" "$api/$id/error"
}

while true; do
    curl -s -D "$tmp/head" -o "$tmp/event" "$api/next"
    id=$(tr -d '\\r' < "$tmp/head" | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p')
    port=$(sed -n 's/.*"rawQueryString":"port=\\([0-9]*\\)".*/\\1/p' "$tmp/event")
    "$_HANDLER"
done
"""


class Gate:
    """Where a function waits to be let on."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(url_calls.TIMEOUT_S)
        self.port = self._server.getsockname()[1]

    def let_on(self) -> None:
        guest, _ = self._server.accept()
        with guest:
            guest.recv(4096)
            guest.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    with contextlib.closing(Gate()) as gate:
        yield gate


def streaming(client: "LambdaClient", name: str, handler: str, **config: Any) -> str:
    """Return the URL of a function that writes what its handler's name says."""
    create(
        client, name, package({"bootstrap": RUNTIME}),
        Runtime="provided.al2023", Handler=handler, Timeout=60,
    )  # fmt: skip
    return url_calls.publish(client, name, **{"InvokeMode": "RESPONSE_STREAM"} | config)


@pytest.mark.parametrize("mode", ["RESPONSE_STREAM", "BUFFERED"])
def test_the_prelude_tells_status_headers_and_cookies(
    client: "LambdaClient", name: str, mode: str
) -> None:
    response = url_calls.call(streaming(client, name, "prelude", InvokeMode=mode))
    assert (response.status, response.body) == (201, b"body {}")
    assert response.all("content-type") == ["text/css"]
    assert response.header("x-a") == "b"
    assert response.all("set-cookie") == ["a=1", "b=2"]
    assert response.header("x-amzn-requestid")


def test_another_type_is_streamed_as_it_is(client: "LambdaClient", name: str) -> None:
    response = url_calls.call(streaming(client, name, "plain"))
    assert (response.status, response.body) == (200, b"<p>")
    assert response.header("content-type") == "text/html"


def test_a_prelude_may_be_empty(client: "LambdaClient", name: str) -> None:
    response = url_calls.call(streaming(client, name, "bare"))
    assert (response.status, response.body) == (200, b"")
    assert response.header("content-type") == "application/octet-stream"


def test_a_response_without_a_body_has_none(client: "LambdaClient", name: str) -> None:
    response = url_calls.call(streaming(client, name, "empty"))
    assert (response.status, response.body) == (204, b"")


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_streamed_response_may_be_larger_than_6_mb(client: "LambdaClient", name: str) -> None:
    response = url_calls.call(streaming(client, name, "large"))
    assert response.status == 200
    assert response.body == bytes(8_000_000)


@pytest.mark.parametrize("handler", ["endless", "wrong", "cut", "error"])
def test_what_has_no_proper_head_is_a_bad_gateway(
    client: "LambdaClient", name: str, handler: str
) -> None:
    response = url_calls.call(streaming(client, name, handler))
    assert (response.status, response.body) == (502, b"Internal Server Error")


def test_head_gets_the_head(client: "LambdaClient", name: str) -> None:
    response = url_calls.call(streaming(client, name, "prelude"), method="HEAD")
    assert (response.status, response.header("x-a"), response.body) == (201, "b", b"")


@pytest.mark.aws("dg/urls-configuration.html")
def test_cors_settings_hold_for_streams(client: "LambdaClient", name: str) -> None:
    url = streaming(client, name, "plain", Cors={"AllowOrigins": ["https://a.org"]})
    response = url_calls.call(url, headers=[("Origin", "https://a.org")])
    assert response.header("access-control-allow-origin") == "https://a.org"
    assert response.body == b"<p>"


def test_a_runtime_that_does_not_stream_answers_its_json(client: "LambdaClient", name: str) -> None:
    create(
        client, name,
        "def handler(event, context):\n    return {'statusCode': 404, 'body': 'text'}\n",
    )  # fmt: skip
    response = url_calls.call(url_calls.publish(client, name, InvokeMode="RESPONSE_STREAM"))
    assert response.status == 200
    assert response.json() == {"statusCode": 404, "body": "text"}


@pytest.mark.ours("the function speaks to the test")
def test_head_and_pieces_arrive_while_the_function_still_writes(
    client: "LambdaClient", name: str, gate: Gate
) -> None:
    url = streaming(client, name, "slow")
    with contextlib.closing(url_calls.connect(url)) as connection:
        response = url_calls.begin(connection, url, f"/?port={gate.port}")
        assert response.status == 200
        gate.let_on()
        assert response.read(5) == b"first"
        gate.let_on()
        assert response.read() == b" second"


@pytest.mark.ours("the function speaks to the test")
def test_a_function_that_fails_midway_breaks_the_connection(
    client: "LambdaClient", name: str, gate: Gate
) -> None:
    url = streaming(client, name, "midway")
    with contextlib.closing(url_calls.connect(url)) as connection:
        response = url_calls.begin(connection, url, f"/?port={gate.port}")
        assert response.status == 200
        assert response.read(5) == b"first"
        gate.let_on()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()


@pytest.mark.ours("the function speaks to the test")
def test_a_caller_who_hangs_up_does_not_stop_the_function(
    client: "LambdaClient", name: str, gate: Gate
) -> None:
    url = streaming(client, name, "slow")
    with contextlib.closing(url_calls.connect(url)) as connection:
        assert url_calls.begin(connection, url, f"/?port={gate.port}").status == 200
    gate.let_on()
    # It goes on to where it waits for the second time.
    gate.let_on()
