"""What a function behind a URL gets: dg/urls-invocation.html, "Request payload format"."""

import base64
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib import parse

import pytest
from platform_process import create
from support import url_calls

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/urls-invocation.html")

ECHO = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps([event, context.aws_request_id])}
"""


@pytest.fixture(scope="module")
def url(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[str]:
    """The URL of a function that answers its event."""
    name = named("url-events")
    create(client, name, ECHO)
    yield url_calls.publish(client, name)
    client.delete_function(FunctionName=name)


def event(url: str, target: str = "/", **request: Any) -> dict[str, Any]:
    """Make a request and return the event that its function got."""
    response = url_calls.call(url, target, **request)
    assert response.status == 200, response
    got: dict[str, Any] = response.json()[0]
    return got


def test_an_event_has_these_members_and_no_others(url: str) -> None:
    assert set(event(url)) == {
        *("version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext"),
        "isBase64Encoded",
    }


def test_version_and_route_are_those_of_payload_format_2(url: str) -> None:
    got = event(url)
    assert (got["version"], got["routeKey"]) == ("2.0", "$default")


def test_the_context_names_the_url(url: str) -> None:
    context = event(url)["requestContext"]
    host = parse.urlsplit(url).hostname
    assert host is not None
    assert context["domainName"] == host
    assert context["domainPrefix"] == context["apiId"] == host.partition(".")[0]


def test_the_context_has_placeholders_for_what_urls_do_not_use(url: str) -> None:
    context = event(url)["requestContext"]
    assert (context["routeKey"], context["stage"]) == ("$default", "$default")
    assert context["accountId"] == "anonymous"
    assert not context.get("authorizer")


def test_the_context_tells_of_the_request(url: str) -> None:
    http = event(url, "/a/b?c=d", method="PUT", headers=[("User-Agent", "me/1.0")])[
        "requestContext"
    ]["http"]
    assert re.fullmatch(r"[0-9a-f.:]+", http.pop("sourceIp"))
    assert http == {
        "method": "PUT",
        "path": "/a/b",
        "protocol": "HTTP/1.1",
        "userAgent": "me/1.0",
    }


def test_the_context_has_the_time_twice(url: str) -> None:
    before = int(time.time())
    context = event(url)["requestContext"]
    assert before - 60 <= context["timeEpoch"] / 1000 <= time.time() + 60
    written = time.gmtime(context["timeEpoch"] / 1000)
    assert context["time"] == time.strftime("%d/%b/%Y:%H:%M:%S +0000", written)


def test_the_request_id_is_the_invocations_and_the_callers(url: str) -> None:
    response = url_calls.call(url)
    got, request_id = response.json()
    assert got["requestContext"]["requestId"] == request_id
    assert response.header("x-amzn-requestid") == request_id


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_reaches_the_function(url: str, method: str) -> None:
    assert event(url, method=method)["requestContext"]["http"]["method"] == method


def test_head_reaches_the_function_and_has_no_body(client: "LambdaClient", name: str) -> None:
    create(
        client, name,
        "def handler(event, context):\n"
        "    method = event['requestContext']['http']['method']\n"
        "    return {'statusCode': 200, 'headers': {'X-Method': method}, 'body': 'not for HEAD'}\n",
    )  # fmt: skip
    response = url_calls.call(url_calls.publish(client, name), method="HEAD")
    assert (response.status, response.header("x-method")) == (200, "HEAD")
    assert response.body == b""


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/a/b/",
        "//a//b",
        "/pa2%2Fth/1",
        "/space%20value",
        "/percent%25done",
        "/literal%252Fvalue",
        "/unicode-%CE%BB",
        "/a+b;c=d,e@f:g",
        "/../up/./here",
    ],
)
def test_the_raw_path_is_as_it_was_sent(url: str, path: str) -> None:
    assert event(url, path)["rawPath"] == path


def test_the_contexts_path_is_decoded(url: str) -> None:
    got = event(url, "/space%20value/%CE%BB")
    assert got["requestContext"]["http"]["path"] == "/space value/λ"


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("name=Jane", {"name": "Jane"}),
        ("a=1&b=2&a=3", {"a": "1,3", "b": "2"}),
        ("redirect=https%3A%2F%2Fexample.com%2Fa", {"redirect": "https://example.com/a"}),
        ("plus=a+b&encoded=a%2Bb", {"plus": "a b", "encoded": "a+b"}),
        ("empty=&name", {"empty": "", "name": ""}),
        ("multi=foo&multi=%2Fbar", {"multi": "foo,/bar"}),
        ("%CE%BB=%E4%B8%96", {"λ": "世"}),
    ],
)
def test_the_query_comes_raw_and_decoded(url: str, query: str, parameters: dict[str, str]) -> None:
    got = event(url, f"/?{query}")
    assert got["rawQueryString"] == query
    assert got["queryStringParameters"] == parameters


def test_without_a_query_there_are_no_parameters(url: str) -> None:
    got = event(url, "/path")
    assert got["rawQueryString"] == ""
    assert "queryStringParameters" not in got


def test_names_of_headers_are_small_and_their_values_are_not(url: str) -> None:
    headers = event(url, headers=[("ExTrA-HeadErs", "With WeiRd CapS")])["headers"]
    assert headers["extra-headers"] == "With WeiRd CapS"


def test_repeated_headers_are_joined_with_commas(url: str) -> None:
    given = [("Header1", "h1"), ("Header2", "h1"), ("header2", "h2")]
    headers = event(url, headers=given)["headers"]
    assert (headers["header1"], headers["header2"]) == ("h1", "h1,h2")


def test_headers_that_are_no_ascii_arrive(url: str) -> None:
    assert event(url, headers=[("X-Name", "Jürgen".encode())])["headers"]["x-name"] == "Jürgen"


def test_headers_of_the_connection_stay_with_it(url: str) -> None:
    assert "connection" not in event(url, headers=[("Connection", "keep-alive")])["headers"]


def test_the_host_is_the_urls(url: str) -> None:
    assert event(url)["headers"]["host"] == parse.urlsplit(url).netloc


def test_the_way_of_the_request_is_told(url: str) -> None:
    got = event(url)
    headers, parts = got["headers"], parse.urlsplit(url)
    assert headers["x-forwarded-for"] == got["requestContext"]["http"]["sourceIp"]
    assert headers["x-forwarded-proto"] == parts.scheme
    assert headers["x-forwarded-port"] == str(parts.port or 443)


def test_every_request_has_a_trace(url: str) -> None:
    traces = [event(url)["headers"]["x-amzn-trace-id"] for _ in "12"]
    assert traces[0] != traces[1]
    assert all(re.match("Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace) for trace in traces)


def test_a_trace_of_the_callers_goes_on(url: str) -> None:
    given = "Root=1-5759e988-bd862e3fe1be46a994272793"
    trace = event(url, headers=[("X-Amzn-Trace-Id", given)])["headers"]["x-amzn-trace-id"]
    assert "1-5759e988-bd862e3fe1be46a994272793" in trace


def test_cookies_are_a_list_and_a_header(url: str) -> None:
    got = event(url, headers=[("Cookie", "session=abc123; theme=dark")])
    assert got["cookies"] == ["session=abc123", "theme=dark"]
    assert got["headers"]["cookie"] == "session=abc123; theme=dark"


def test_without_cookies_there_is_no_list(url: str) -> None:
    assert "cookies" not in event(url)


def test_without_a_body_there_is_none(url: str) -> None:
    got = event(url, method="POST")
    assert "body" not in got
    assert got["isBase64Encoded"] is False


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/html; charset=utf-8",
        "application/json",
        "APPLICATION/JSON;charset=UTF-8",
        "application/xml",
        "application/javascript",
    ],
)
def test_text_arrives_as_text(url: str, content_type: str) -> None:
    text = '{"unicode": "lambda-λ"}'
    got = event(url, method="POST", headers=[("Content-Type", content_type)], body=text.encode())
    assert (got["body"], got["isBase64Encoded"]) == (text, False)
    assert got["headers"]["content-type"] == content_type


@pytest.mark.parametrize(
    "content_type",
    [
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "image/png",
        None,
    ],
)
def test_anything_else_arrives_as_base64(url: str, content_type: str | None) -> None:
    headers = [] if content_type is None else [("Content-Type", content_type)]
    got = event(url, method="POST", headers=headers, body=b"a=\x00\xff\xfe")
    assert base64.b64decode(got["body"], validate=True) == b"a=\x00\xff\xfe"
    assert got["isBase64Encoded"] is True


def test_a_large_body_arrives_whole(url: str) -> None:
    body = bytes(range(256)) * 4096
    assert base64.b64decode(event(url, method="POST", body=body)["body"]) == body


@pytest.mark.aws("dg/gettingstarted-limits.html")
@pytest.mark.parametrize("size", [5 * 1024 * 1024, 6_291_457, 20_000_000])
def test_what_makes_an_event_over_6_mb_is_too_large(url: str, size: int) -> None:
    # Base64 makes the first of them too large.
    response = url_calls.call(url, method="POST", body=bytes(size))
    assert response.status == 413


def test_a_path_of_the_api_is_the_functions_at_its_own_host(url: str) -> None:
    path = "/2015-03-31/functions/url-events/invocations"
    assert event(url, path, method="POST")["rawPath"] == path


@pytest.mark.ours("the form for clients that cannot resolve names under localhost")
@pytest.mark.parametrize(
    ("target", "path"),
    [("", "/"), ("/", "/"), ("/a%2Fb/?c=d", "/a%2Fb/"), ("//x", "//x")],
)
def test_the_form_with_a_path_is_the_same_url(
    platform: Any, url: str, target: str, path: str
) -> None:
    url_id = (parse.urlsplit(url).hostname or "").partition(".")[0]
    got = event(platform.endpoint, f"/_inglenook/url/{url_id}{target}")
    assert got["rawPath"] == path
    assert got["requestContext"]["domainPrefix"] == url_id
    assert got["headers"]["host"] == parse.urlsplit(platform.endpoint).netloc


@pytest.mark.ours("any domain that leads here will do, as it may on a network")
def test_only_the_first_labels_of_the_host_count(platform: Any, url: str) -> None:
    url_id = (parse.urlsplit(url).hostname or "").partition(".")[0]
    connection = url_calls.connect(platform.endpoint)
    host = f"{url_id.upper()}.lambda-url.us-east-1.functions.example.org"
    connection.request("GET", "/x", headers={"Host": host})
    with connection.getresponse() as response:
        assert response.status == 200
    connection.close()
