import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inglenook.model.function_url import Cors
from inglenook_gateway.urls import answer, cors, prelude, responses


def read(value: object) -> answer.Answer:
    return answer.read(json.dumps(value).encode())


def test_headers_of_several_values_stand_one_by_one() -> None:
    told: dict[str, Any] = {
        "statusCode": 200, "headers": {"X-A": ["1", 2], "X-None": None},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
    }  # fmt: skip
    assert read(told).head.headers == (
        ("Content-Type", "application/json"),
        ("X-A", "1"),
        ("X-A", "2"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    )


def test_a_body_that_is_an_object_is_written_as_json() -> None:
    assert read({"statusCode": 200, "body": {"a": [1]}}).body == b'{"a":[1]}'


@pytest.mark.parametrize("payload", [b"", b"{", b"text", b"\xff", b'"\\ud800"', b"[" * 100_000])
def test_what_is_no_json_is_malformed(payload: bytes) -> None:
    with pytest.raises(answer.MalformedAnswer):
        answer.read(payload)


@pytest.mark.parametrize("status", [True, 1e3, 200.5, -200, "²00", "2" * 5000, 10**30, [], {}])
def test_what_is_no_status_is_malformed(status: object) -> None:
    with pytest.raises(answer.MalformedAnswer):
        read({"statusCode": status})


def test_numbers_stay_as_they_were_written() -> None:
    payload = b'{ "a" : 1.50, "b": 12345678901234567890123, "c": "x : y" }'
    assert answer.read(payload).body == b'{"a":1.50,"b":12345678901234567890123,"c":"x : y"}'


@given(st.data())
def test_a_prelude_may_come_in_any_pieces(data: st.DataObject) -> None:
    told = {"statusCode": 201, "headers": {"X-A": "b" * data.draw(st.integers(0, 50))}}
    body = data.draw(st.binary(max_size=40))
    whole = json.dumps(told).encode() + bytes(8) + body
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in itertools.pairwise([0, *cuts, len(whole)])]
    reading = prelude.Prelude()
    rest = b""
    head = None
    for piece in pieces:
        if head is not None:
            rest += piece
        elif (found := reading.feed(piece)) is not None:
            head, rest = found
    assert head is not None
    assert (head.status, rest) == (201, body)


def test_no_more_of_a_prelude_is_kept_than_the_limit() -> None:
    reading = prelude.Prelude()
    for _ in range(prelude.BYTES_MAX // 1024):
        assert reading.feed(b" " * 1024) is None
    with pytest.raises(answer.MalformedAnswer):
        reading.feed(b" " * 1024)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b'{"headers": 1}', b"\xff{}"])
def test_a_prelude_that_tells_nothing_is_malformed(raw: bytes) -> None:
    with pytest.raises(answer.MalformedAnswer):
        prelude.Prelude().feed(raw + bytes(8))


def test_a_gathered_stream_is_read_as_one() -> None:
    told = responses.interpreted(b'{"statusCode": 404}' + bytes(8) + b"\0raw")
    assert (told.head.status, told.body) == (404, b"\0raw")
    with pytest.raises(answer.MalformedAnswer):
        responses.interpreted(b"raw \0 bytes")


@pytest.mark.parametrize(
    ("pattern", "origin", "is_allowed"),
    [
        ("*", "https://a.org", True),
        ("https://a.org", "https://a.org", True),
        ("https://A.org", "https://a.ORG", True),
        ("https://a.org", "https://a.org.evil.com", False),
        ("https://a.org", "http://a.org", False),
        ("https://*.a.org", "https://b.a.org", True),
        ("https://*.a.org", "https://a.org", False),
        ("https://*.a.org", "https://x.evil.com", False),
        ("https://a.org", "null", False),
    ],
)
def test_origins_are_matched_whole(pattern: str, origin: str, *, is_allowed: bool) -> None:
    headers = dict(cors.response_headers(Cors(allow_origins=(pattern,)), origin))
    assert headers.get("Access-Control-Allow-Origin") == (origin if is_allowed else None)
    assert headers["Vary"] == "Origin"


def test_no_origin_gets_no_permission() -> None:
    assert cors.response_headers(Cors(allow_origins=("*",)), None) == [("Vary", "Origin")]


def test_wildcards_name_what_was_asked_for() -> None:
    config = Cors(
        allow_origins=("*",), allow_methods=("*",), allow_headers=("*",), allow_credentials=True
    )
    asked = {
        "Origin": "https://a.org",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,x-a",
    }
    assert dict(cors.preflight_headers(config, asked)) == {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": "https://a.org",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers": "authorization,x-a",
        "Access-Control-Allow-Methods": "PATCH",
    }
