"""Requests that no AWS tool would send: each is its caller's error, and none harms another's."""

import contextlib
import gzip
import json
import socket
from typing import TYPE_CHECKING

import platform_process
import pytest
from platform_process import create

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.ours("requests that no AWS tool would send")

ECHO = "def handler(event, context):\n    return event\n"


def connect(platform: platform_process.Platform) -> socket.socket:
    host, _, port = platform.endpoint.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def head(path: str, *headers: bytes, length: int) -> bytes:
    lines = [
        f"POST /2015-03-31/{path} HTTP/1.1".encode(),
        b"Host: x",
        b"Connection: close",
        f"Content-Length: {length}".encode(),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read the one response of a connection: status and body."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    begin, _, body = received.partition(b"\r\n\r\n")
    return int(begin.split()[1]), body


def post(
    platform: platform_process.Platform, path: str, *headers: bytes, body: bytes = b"{}"
) -> tuple[int, bytes]:
    with connect(platform) as connection:
        connection.sendall(head(path, *headers, length=len(body)) + body)
        return answer(connection)


@pytest.mark.parametrize(
    "header",
    [
        b"X-Amz-Invocation-Type: \xff",
        b"X-Amz-Client-Context: \xff",
        b"X-Amz-Client-Context: \xc3\xa9",
        b"X-Amz-Client-Context: eyJhIjpb" + b"W1tb" * 800,
    ],
    ids=["invocation type", "no text", "no base64", "deep"],
)
def test_a_header_that_makes_no_sense_is_the_callers_fault(
    platform: platform_process.Platform, client: "LambdaClient", name: str, header: bytes
) -> None:
    create(client, name, ECHO)
    status, body = post(platform, f"functions/{name}/invocations", header)
    assert status == 400
    assert json.loads(body)


def test_a_trace_header_that_is_no_text_is_replaced(
    platform: platform_process.Platform, client: "LambdaClient", name: str
) -> None:
    create(client, name, ECHO)
    path = f"functions/{name}/invocations"
    assert post(platform, path, b"X-Amzn-Trace-Id: \xff\xfe", body=b"7") == (200, b"7")


@pytest.mark.parametrize("depth", [2000, 100_000])
def test_an_event_nested_too_deep_is_not_json(
    platform: platform_process.Platform, client: "LambdaClient", name: str, depth: int
) -> None:
    create(client, name, ECHO)
    body = b"[" * depth + b"]" * depth
    status, answered = post(platform, f"functions/{name}/invocations", body=body)
    assert status == 400
    assert b"Could not parse request body into json" in answered


@pytest.mark.parametrize("of", ["functions", "functions/{name}/invocations"])
def test_compressed_bodies_are_not_unpacked(
    platform: platform_process.Platform, client: "LambdaClient", name: str, of: str
) -> None:
    create(client, name, ECHO)
    bomb = gzip.compress(b'"' + bytes(100_000_000) + b'"', compresslevel=1)
    for encoding, body in (("gzip", bomb), ("gzip", b"{}"), ("br", bomb), ("identity", b"[")):
        header = f"Content-Encoding: {encoding}".encode()
        status, _ = post(platform, of.format(name=name), header, body=body)
        assert status == (200 if body == b"{}" and "invocations" in of else 400)


def test_a_caller_who_waits_to_send_too_much_is_refused_at_once(
    platform: platform_process.Platform, client: "LambdaClient", name: str
) -> None:
    create(client, name, ECHO)
    path = f"functions/{name}/invocations"
    with connect(platform) as connection:
        connection.sendall(head(path, b"Expect: 100-continue", length=6_291_457))
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_slow_body_is_for_the_function_as_it_is_when_it_has_arrived(
    platform: platform_process.Platform, client: "LambdaClient", name: str
) -> None:
    create(client, name, "def handler(event, context):\n    return 'old'\n")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    path = f"functions/{name}/invocations"
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(platform)) for _ in range(3)]
        for connection in slow:
            connection.sendall(head(path, length=2) + b"{")
        # They hold no place.
        assert client.invoke(FunctionName=name)["Payload"].read() == b'"old"'
        zipped = platform_process.package("def handler(event, context):\n    return 'new'\n")
        client.update_function_code(FunctionName=name, ZipFile=zipped)
        platform_process.wait_updated(client, name)
        slow[0].sendall(b"}")
        assert answer(slow[0]) == (200, b'"new"')
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        slow[1].sendall(b"}")
        assert answer(slow[1])[0] == 429
        client.delete_function(FunctionName=name)
        slow[2].sendall(b"}")
        assert answer(slow[2])[0] == 404
