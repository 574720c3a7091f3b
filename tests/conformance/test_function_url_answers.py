"""What the caller of a URL gets: dg/urls-invocation.html, "Response payload format"."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import platform_process
import pytest
from platform_process import create
from support import url_calls

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/urls-invocation.html")

# Answers the JSON that it is sent.
SAYS = """
import json
def handler(event, context):
    return json.loads(event["body"])
"""
BROKEN = (502, b"Internal Server Error")
FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}


@pytest.fixture(scope="module")
def url(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[str]:
    """The URL of a function that answers what it is told."""
    name = named("url-answers")
    create(client, name, SAYS)
    yield url_calls.publish(client, name)
    client.delete_function(FunctionName=name)


def told(url: str, answer: object) -> url_calls.Response:
    """Return the response to an answer of the function."""
    return url_calls.call(
        url, method="POST", headers=[("Content-Type", "application/json")],
        body=json.dumps(answer).encode(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ({"hello": "world"}, b'{"hello":"world"}'),
        (["hello", 3, True], b'["hello",3,true]'),
        ("hello", b"hello"),
        (3, b"3"),
        (3.1, b"3.1"),
        (True, b"true"),
        (None, b"null"),
        ({"body": "x", "headers": {}}, b'{"body":"x","headers":{}}'),
        ({"text": "a,  b:\t"}, b'{"text":"a,  b:\\t"}'),
    ],
)
def test_an_answer_without_a_status_is_the_body(url: str, answer: object, body: bytes) -> None:
    response = told(url, answer)
    assert (response.status, response.header("content-type")) == (200, "application/json")
    assert response.body == body
    assert response.header("content-length") == str(len(body))


def test_an_answer_without_a_status_is_utf_8(url: str) -> None:
    assert told(url, "Grüße, λ").body == "Grüße, λ".encode()
    assert told(url, {"text": "Grüße, λ"}).json() == {"text": "Grüße, λ"}


@pytest.mark.parametrize("status", [200, 201, 301, 404, 418, 500, 503])
def test_a_status_is_the_functions(url: str, status: int) -> None:
    assert told(url, {"statusCode": status, "body": "b"}).status == status


def test_a_status_may_be_text(url: str) -> None:
    response = told(url, {"statusCode": "418", "body": "i'm a teapot"})
    assert (response.status, response.body) == (418, b"i'm a teapot")


def test_a_body_is_as_it_is_told(url: str) -> None:
    response = told(url, {"statusCode": 200, "body": '{"hello":  "wörld"}'})
    assert response.body == '{"hello":  "wörld"}'.encode()
    assert response.header("content-type") == "application/json"


def test_a_status_alone_has_an_empty_body(url: str) -> None:
    response = told(url, {"statusCode": 200})
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(url: str, status: int) -> None:
    response = told(url, {"statusCode": status, "body": "not sent"})
    assert (response.status, response.body) == (status, b"")


def test_headers_are_the_functions(url: str) -> None:
    headers = {"Content-Type": "text/html; charset=utf-8", "My-Custom-Header": "Custom Value"}
    response = told(url, {"statusCode": 200, "headers": headers, "body": "<p>"})
    assert response.all("content-type") == ["text/html; charset=utf-8"]
    assert response.header("my-custom-header") == "Custom Value"


@pytest.mark.parametrize(("value", "written"), [(5, "5"), (True, "true")])
def test_headers_may_be_numbers_and_truths(url: str, value: object, written: str) -> None:
    response = told(url, {"statusCode": 200, "headers": {"X-Value": value}})
    assert response.header("x-value") == written


def test_the_length_is_the_platforms_to_tell(url: str) -> None:
    headers = {"Content-Length": "3", "Transfer-Encoding": "chunked", "Connection": "close"}
    response = told(url, {"statusCode": 200, "headers": headers, "body": "longer"})
    assert response.body == b"longer"
    assert response.all("content-length") == ["6"]


def test_cookies_become_headers_one_each(url: str) -> None:
    cookies = ["Cookie_1=Value1; Expires=21 Oct 2021 07:48 GMT", "Cookie_2=Value2; Max-Age=78000"]
    response = told(url, {"statusCode": 200, "cookies": cookies, "body": "x"})
    assert response.all("set-cookie") == cookies


def test_a_cookie_as_a_header_passes(url: str) -> None:
    response = told(url, {"statusCode": 200, "headers": {"Set-Cookie": "a=b"}, "cookies": []})
    assert response.all("set-cookie") == ["a=b"]


def test_a_binary_body_is_decoded(url: str) -> None:
    raw = bytes(range(256))
    response = told(
        url,
        {
            "statusCode": 200,
            "headers": {"Content-Type": "image/png"},
            "body": base64.b64encode(raw).decode(),
            "isBase64Encoded": True,
        },
    )
    assert response.body == raw
    assert response.header("content-type") == "image/png"


def test_a_large_binary_body_is_decoded(client: "LambdaClient", name: str) -> None:
    create(
        client, name,
        "import base64\n"
        "def handler(event, context):\n"
        "    body = base64.b64encode(bytes(range(256)) * 16384).decode()\n"
        "    return {'statusCode': 200, 'body': body, 'isBase64Encoded': True}\n",
        MemorySize=512,
    )  # fmt: skip
    response = url_calls.call(url_calls.publish(client, name))
    assert response.status == 200
    assert response.body == bytes(range(256)) * 16384


def test_every_response_has_an_id_and_a_trace(url: str) -> None:
    responses = [told(url, 1), told(url, {"statusCode": 404})]
    ids = {response.header("x-amzn-requestid") for response in responses}
    assert len(ids - {None}) == 2
    assert all((one.header("x-amzn-trace-id") or "").lower()[:5] == "root=" for one in responses)


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "none"},
        {"statusCode": 99},
        {"statusCode": 1000},
        {"statusCode": None},
        {"statusCode": 200, "headers": "text"},
        {"statusCode": 200, "headers": {"X-A": {}}},
        {"statusCode": 200, "headers": {"X-A": "b\r\nX-Injected: c"}},
        {"statusCode": 200, "headers": {"X A": "b"}},
        {"statusCode": 200, "cookies": "a=b"},
        {"statusCode": 200, "cookies": ["a=b\nX-Injected: c"]},
        {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
    ],
)
def test_an_answer_that_makes_no_response_is_a_bad_gateway(url: str, answer: object) -> None:
    response = told(url, answer)
    assert (response.status, response.body) == BROKEN
    assert response.header("x-injected") is None


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('no')",
        "import os; os._exit(1)",
        "return {1, 2}",
        "return 'x' * 7_000_000",
    ],
    ids=["raises", "exits", "no JSON", "too large"],
)
def test_a_function_that_fails_is_a_bad_gateway(
    client: "LambdaClient", name: str, code: str
) -> None:
    create(client, name, f"def handler(event, context):\n    {code}\n")
    response = url_calls.call(url_calls.publish(client, name))
    assert (response.status, response.body) == BROKEN
    assert response.header("x-amzn-requestid")


def test_a_function_that_takes_too_long_is_a_bad_gateway(client: "LambdaClient", name: str) -> None:
    create(
        client, name, "import time\ndef handler(event, context):\n    time.sleep(60)\n", Timeout=1
    )
    response = url_calls.call(url_calls.publish(client, name))
    assert (response.status, response.body) == BROKEN


@pytest.mark.aws("dg/urls-configuration.html")
def test_reserving_nothing_deactivates_a_url(client: "LambdaClient", name: str) -> None:
    create(client, name, SAYS)
    url = url_calls.publish(client, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    response = told(url, 1)
    assert response.status == 429
    assert response.json()["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName=name)
    assert told(url, 1).status == 200


@pytest.mark.aws("dg/urls-auth.html")
def test_an_address_of_nobody_is_forbidden(client: "LambdaClient", url: str) -> None:
    url_id = url.split("//")[1].partition(".")[0]
    response = url_calls.call(url.replace(url_id, "0123456789abcdefghijklmnopqrstuv"))
    assert (response.status, response.body) == (403, b'{"Message":null}')
    assert response.header("content-type") == "application/json"
    assert response.header("x-amzn-errortype") == "AccessDeniedException"


@pytest.mark.aws("dg/urls-configuration.html")
def test_a_deleted_url_is_forbidden(client: "LambdaClient", name: str) -> None:
    create(client, name, SAYS)
    url = url_calls.publish(client, name)
    assert told(url, 1).status == 200
    client.delete_function_url_config(FunctionName=name)
    assert told(url, 1).status == 403


@pytest.mark.aws("dg/urls-configuration.html")
def test_the_url_of_a_deleted_function_is_forbidden(client: "LambdaClient", name: str) -> None:
    create(client, name, SAYS)
    url = url_calls.publish(client, name)
    client.delete_function(FunctionName=name)
    assert told(url, 1).status == 403


@pytest.mark.aws("dg/configuration-aliases.html")
def test_an_aliass_url_runs_the_aliass_version(client: "LambdaClient", name: str) -> None:
    code = "def handler(event, context):\n    return context.invoked_function_arn\n"
    create(client, name, code)
    version = client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version["Version"])
    url = url_calls.publish(client, name, Qualifier="live")
    body = url_calls.call(url).body.decode()
    assert body == client.get_alias(FunctionName=name, Name="live")["AliasArn"]


@pytest.mark.aws("dg/configuring-alias-routing.html")
def test_an_aliass_weights_hold_for_its_url(client: "LambdaClient", name: str) -> None:
    create(client, name, "def handler(event, context):\n    return context.function_version\n")
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Timeout=4)
    platform_process.wait_updated(client, name)
    client.publish_version(FunctionName=name)
    for version in ("1", "2"):
        platform_process.wait_published(client, name, version)
    client.create_alias(
        FunctionName=name, Name="live", FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )  # fmt: skip
    url = url_calls.publish(client, name, Qualifier="live")
    assert {url_calls.call(url).body for _ in range(40)} == {b"1", b"2"}


@pytest.mark.aws("dg/urls-auth.html")
def test_a_url_with_iam_refuses_who_has_not_signed(client: "LambdaClient", name: str) -> None:
    create(client, name, SAYS)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    response = told(url, 1)
    assert response.status == 403
    assert response.json() == FORBIDDEN
    assert response.header("x-amzn-errortype") == "AccessDeniedException"


@pytest.mark.aws("dg/urls-auth.html")
@pytest.mark.parametrize(
    "authorization", ["Bearer abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c"]
)
def test_no_other_authorization_is_a_signature(
    client: "LambdaClient", name: str, authorization: str
) -> None:
    create(client, name, SAYS)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    response = url_calls.call(url, headers=[("Authorization", authorization)])
    assert response.status == 403


@pytest.mark.aws("dg/urls-invocation.html")
@pytest.mark.parametrize("where", ["header", "query"])
def test_a_signed_request_names_its_caller(client: "LambdaClient", name: str, where: str) -> None:
    code = (
        "def handler(event, context):\n"
        "    return [event['requestContext'], 'authorization' in event['headers']]\n"
    )
    create(client, name, code)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    target, headers = url_calls.signed(client, url, in_query=where == "query")
    context, is_shown = url_calls.call(url, target, headers=headers).json()
    caller = context["authorizer"]["iam"]
    account = client.get_function_configuration(FunctionName=name)["FunctionArn"].split(":")[4]
    assert caller["accountId"] == context["accountId"] == account
    assert caller["accessKey"] == url_calls.access_key(client)
    assert caller["userArn"].startswith("arn:aws")
    assert not is_shown
