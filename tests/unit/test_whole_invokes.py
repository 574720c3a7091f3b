"""Invokes that arrive whole: what is read as one, and what is left to an HTTP server."""

import pytest

from inglenook.model import limits
from inglenook_gateway.api import whole

HEAD = b"POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nHost: x\r\n"


def post(*headers: bytes, body: bytes = b'{"a": 1}', head: bytes = HEAD) -> bytes:
    lines = [*headers, b"Content-Length: %d" % len(body)]
    return head + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def test_a_request_in_one_piece_is_read() -> None:
    read = whole.read(post(b"X-Amz-Log-Type:  Tail\t", b"Connection: Keep-Alive"))
    assert read is not None
    assert read.name == "echo"
    assert read.qualifier is None
    assert read.headers["x-amz-log-type"] == "Tail"
    assert read.payload == b'{"a": 1}'


@pytest.mark.parametrize(
    ("target", "name", "qualifier"),
    [
        (b"echo/invocations?Qualifier=$LATEST", "echo", "$LATEST"),
        (b"echo:live/invocations", "echo:live", None),
        (
            b"arn:aws:lambda:us-east-1:000000000000:function:echo/invocations?Qualifier=7",
            "arn:aws:lambda:us-east-1:000000000000:function:echo",
            "7",
        ),
    ],
)
def test_names_and_qualifiers_are_read_as_they_stand(
    target: bytes, name: str, qualifier: str | None
) -> None:
    read = whole.read(post(head=HEAD.replace(b"echo/invocations", target)))
    assert read is not None
    assert (read.name, read.qualifier) == (name, qualifier)


def test_an_empty_body_is_read() -> None:
    read = whole.read(post(body=b""))
    assert read is not None
    assert read.payload == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        post()[:-1],
        post() + b"P",
        post() + post(),
        post().replace(b"POST", b"GET"),
        post().replace(b"HTTP/1.1", b"HTTP/1.0"),
        post().replace(b"\r\n", b"\n"),
        post().replace(b"Host: x\r\n", b""),
        post().replace(b"Host: x", b"Host: abc.lambda-url.us-east-1.on.aws"),
        post().replace(b"Host: x", b"Host : x"),
        post().replace(b"Content-Length: 8\r\n", b""),
        post().replace(b"Content-Length: 8", b"Content-Length: +8"),
        post().replace(b"Content-Length: 8", b"Content-Length: 8, 8"),
        post().replace(b"Content-Length: 8", b"Content-Length: 8\r\nContent-Length: 8"),
        post(b"Transfer-Encoding: chunked"),
        post(b"Expect: 100-continue"),
        post(b"Upgrade: h2c"),
        post(b"Connection: close"),
        post(b"X-Amz-Invocation-Type: Event"),
        post(b"X-Amz-Invocation-Type: DryRun"),
        post(b"X-A: \xff"),
        post(b"X-A: b\x00c"),
        post(b"X-A: b", b" folded"),
        post(b"X-Amz-Log-Type: None", b"x-amz-log-type: Tail"),
        post(b"Host: y"),
        post(b"No colon"),
        post(b"X-A: " + b"a" * 9000),
        post(*(b"X-%d: a" % number for number in range(2000))),
        post(head=HEAD.replace(b"echo", b"ec%68o")),
        post(head=HEAD.replace(b"echo", b"a/b")),
        post(head=HEAD.replace(b"invocations", b"invocations?Qualifier=%37")),
        post(head=HEAD.replace(b"invocations", b"invocations?A=b")),
        post(head=HEAD.replace(b"invocations", b"invocations/")),
        post(head=HEAD.replace(b"/invocations", b"/response-streaming-invocations")),
    ],
)
def test_anything_else_is_left_to_who_can_read_it(data: bytes) -> None:
    assert whole.read(data) is None


def large(*headers: bytes, length: int = 200_000, have: bytes = b"12345") -> bytes:
    """Return the beginning of a request with a large body."""
    lines = b"".join(line + b"\r\n" for line in (*headers, b"Content-Length: %d" % length))
    return HEAD + lines + b"\r\n" + have


def test_a_large_body_is_gathered() -> None:
    begun = whole.begun(large(b"X-Amz-Log-Type: Tail"))
    assert begun is not None
    assert begun.to_come == 199_995
    assert begun.pieces() == (large(b"X-Amz-Log-Type: Tail", have=b""), b"12345")
    begun.add(b"6" * 100_000)
    begun.add(b"7" * 99_995)
    assert begun.to_come == 0
    request = begun.whole()
    assert (request.name, request.headers["x-amz-log-type"]) == ("echo", "Tail")
    assert request.payload == b"12345" + b"6" * 100_000 + b"7" * 99_995


@pytest.mark.parametrize(
    "data",
    [
        post(),
        post()[:-1],
        HEAD,
        large(length=100_000),
        large(length=limits.PAYLOAD_BYTES_MAX + 1),
        large(length=200_000, have=b"1" * 200_000),
        large(length=200_000, have=b"1" * 200_001),
        large(b"Expect: 100-continue"),
        large(b"Connection: close"),
        large(b"Transfer-Encoding: chunked"),
        large(b"X-Amz-Invocation-Type: Event"),
        large(b"Content-Length: 200000"),
        large(b"X-A: " + b"a" * 9000),
        large().replace(b"POST", b"PUT"),
    ],
)
def test_no_other_body_is_gathered(data: bytes) -> None:
    assert whole.begun(data) is None


@pytest.mark.parametrize(
    ("data", "to_come"),
    [
        (post(), 0),
        (post()[:-3], 3),
        (b"GET /2015-03-31/functions/?MaxItems=1 HTTP/1.1\r\nHost: x\r\n\r\n", 0),
        (b"DELETE /2015-03-31/functions/a HTTP/1.1\r\n\r\n", 0),
        (post(b"Expect: 100-continue")[:-8], 8),
        (post()[:40], None),
        (post() + b"G", None),
        (post(b"Transfer-Encoding: chunked"), None),
        (post(b"Transfer-Encoding: identity", body=b""), None),
        (post(b"Upgrade: h2c"), None),
        (post(b"Content-Length: 8"), None),
        (post(b"X-A: \xff"), None),
        (b"HEAD / HTTP/1.1\r\n\r\n", None),
        (b"GET / HTTP/1.0\r\n\r\n", None),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", None),
    ],
)
def test_the_end_of_another_request_is_known_only_if_it_is_certain(
    data: bytes, to_come: int | None
) -> None:
    assert whole.rest(data) == to_come


@pytest.mark.parametrize("size", [0, 10, 100_000])
def test_an_answer_is_written_with_its_length(size: int) -> None:
    head, body = whole.written(whole.Answer(404, {"X-A": "b"}, b"x" * size))
    data = head + bytes(body)
    assert data.startswith(b"HTTP/1.1 404 Not Found\r\nX-A: b\r\n")
    assert b"\r\nContent-Length: %d\r\n" % size in data
    assert data.partition(b"\r\n\r\n")[2] == b"x" * size
