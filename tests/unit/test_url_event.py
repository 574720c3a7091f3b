import json
from typing import Any

import pytest

from inglenook.model import function_url
from inglenook.model.account import Account
from inglenook_gateway.urls import access, event


def encoded(body: bytes = b"", **changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "request_id": "r", "url_id": "u", "domain": "u.lambda-url.r.localhost", "method": "GET",
        "raw_path": "/", "raw_query": "", "protocol": "HTTP/1.1", "headers": [],
        "source_ip": "10.0.0.1", "scheme": "http", "port": 80, "trace_id": "Root=1-0-0", "now": 0.0,
    }  # fmt: skip
    got: dict[str, Any] = json.loads(event.encode(event.Request(**facts | changes), body))
    return got


@pytest.mark.parametrize(
    ("now", "written"),
    [
        (1584039838.39, "12/Mar/2020:19:03:58 +0000"),
        (1795280435.0, "21/Nov/2026:17:00:35 +0000"),
        (0.0, "01/Jan/1970:00:00:00 +0000"),
    ],
)
def test_times_are_written_in_english_and_in_milliseconds(now: float, written: str) -> None:
    context = encoded(now=now)["requestContext"]
    assert context["time"] == written
    assert context["timeEpoch"] == int(now * 1000)


def test_what_is_no_ascii_in_a_path_is_encoded() -> None:
    got = encoded(raw_path="/ü x\udcfc", raw_query="ä=ö")
    assert got["rawPath"] == "/%C3%BC%20x%FC"
    assert got["rawQueryString"] == "%C3%A4=%C3%B6"
    assert got["queryStringParameters"] == {"ä": "ö"}


def test_escapes_that_are_none_stay() -> None:
    got = encoded(raw_path="/%zz%", raw_query="%zz=%")
    assert got["rawPath"] == got["requestContext"]["http"]["path"] == "/%zz%"
    assert got["queryStringParameters"] == {"%zz": "%"}


def test_headers_that_are_no_utf_8_are_latin_1() -> None:
    value = b"J\xfcrgen".decode("utf-8", "surrogateescape")
    assert encoded(headers=[("X-Name", value)])["headers"]["x-name"] == "Jürgen"


def test_a_proxys_chain_is_continued() -> None:
    headers = encoded(headers=[("X-Forwarded-For", "1.2.3.4")])["headers"]
    assert headers["x-forwarded-for"] == "1.2.3.4, 10.0.0.1"


def test_several_cookie_headers_are_one() -> None:
    got = encoded(headers=[("Cookie", "a=1; b=2"), ("Cookie", "c=3;")])
    assert got["cookies"] == ["a=1", "b=2", "c=3"]
    assert got["headers"]["cookie"] == "a=1; b=2; c=3"


def test_a_chunked_body_has_its_length_told() -> None:
    got = encoded(b"abc", headers=[("Transfer-Encoding", "chunked")])
    assert got["headers"]["content-length"] == "3"
    assert "transfer-encoding" not in got["headers"]


def test_text_that_is_no_utf_8_is_kept_whole() -> None:
    got = encoded(b"\xff\xfe", headers=[("Content-Type", "text/plain")])
    assert (got["body"], got["isBase64Encoded"]) == ("//4=", True)


def test_a_signature_is_not_the_functions_to_see() -> None:
    headers = [("Authorization", "AWS4 x"), ("X-Amz-Date", "d")]
    seen = encoded(headers=headers, identity=access.identity(Account(), "AK"))
    assert "authorization" not in seen["headers"]
    assert seen["headers"]["x-amz-date"] == "d"
    assert encoded(headers=headers)["headers"]["authorization"] == "AWS4 x"


SIGNED = "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/{}/aws4_request, {}"
NAMES = f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
CREDENTIAL = "X-Amz-Credential=AK%2F20260101%2Fus-east-1%2Flambda%2Faws4_request"


@pytest.mark.parametrize(
    ("authorization", "query", "key"),
    [
        (None, "", None),
        ("Bearer x", "", None),
        (SIGNED.format("lambda", NAMES), "", "AK"),
        (SIGNED.format("s3", NAMES), "", None),
        (SIGNED.format("lambda", "SignedHeaders=host"), "", None),
        (None, f"{CREDENTIAL}&X-Amz-Signature={'0' * 64}", "AK"),
        (None, f"X-Amz-Signature={'0' * 64}", None),
        (None, f"{CREDENTIAL}&X-Amz-Signature=zz", None),
        (None, f"{CREDENTIAL}&X-Amz-Signature=", None),
    ],
)
def test_only_a_whole_signature_is_one(
    authorization: str | None, query: str, key: str | None
) -> None:
    assert access.access_key(authorization, query) == key


@pytest.mark.parametrize(
    ("endpoint", "location"),
    [
        ("http://127.0.0.1:9550", "http://u.lambda-url.eu-west-1.localhost:9550/"),
        ("http://localhost:1", "http://u.lambda-url.eu-west-1.localhost:1/"),
        ("http://[::1]:2", "http://u.lambda-url.eu-west-1.localhost:2/"),
        ("http://192.168.1.5:9550", "http://192.168.1.5:9550/_inglenook/url/u/"),
        ("http://[fe80::1]:3", "http://[fe80::1]:3/_inglenook/url/u/"),
    ],
)
def test_a_url_leads_to_where_the_platform_listens(endpoint: str, location: str) -> None:
    assert function_url.location("u", "eu-west-1", endpoint) == location


@pytest.mark.parametrize(
    ("host", "url_id"),
    [
        ("abc.lambda-url.us-east-1.localhost:9550", "abc"),
        ("ABC.Lambda-URL.us-east-1.on.aws", "abc"),
        ("abc.lambda-url.us-east-1.10.0.0.1.nip.io", "abc"),
        ("localhost:9550", None),
        ("abc.lambda-url.localhost", None),
        ("x.abc.lambda-url.us-east-1.localhost", None),
        ("", None),
    ],
)
def test_the_host_names_the_url(host: str, url_id: str | None) -> None:
    assert function_url.id_of_host(host) == url_id
