"""CORS of function URLs: dg/urls-configuration.html, "Cross-origin resource sharing (CORS)"."""

from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create
from support import url_calls

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/urls-configuration.html")

HOME = "https://www.example.com"
ELSEWHERE = "https://evil.example.org"
# Answers with CORS headers of its own, and counts its invocations.
CODE = f"""
calls = 0
def handler(event, context):
    global calls
    calls += 1
    headers = {{"X-Calls": calls, "Access-Control-Allow-Methods": "GET"}}
    if "own" in event["rawQueryString"]:
        headers["Access-Control-Allow-Origin"] = "{HOME}"
    method = event["requestContext"]["http"]["method"]
    return {{"statusCode": 200, "headers": headers, "body": method}}
"""


def opened(client: "LambdaClient", name: str, **cors: Any) -> str:
    """Return the URL of a function with these CORS settings."""
    create(client, name, CODE)
    return url_calls.publish(client, name, **({"Cors": cors} if cors else {}))


def preflight(
    url: str, origin: str = HOME, method: str = "POST", headers: str = "content-type"
) -> url_calls.Response:
    return url_calls.call(
        url,
        method="OPTIONS",
        headers=[
            ("Origin", origin),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", headers),
        ],
    )


def lets(response: url_calls.Response, origin: str, method: str, header: str) -> bool:
    """Whether a browser goes on after a preflight, if it sends no credentials."""

    def listed(name: str) -> set[str]:
        return {item.strip().lower() for item in (response.header(name) or "").split(",")}

    return (
        200 <= response.status < 300
        and response.header("access-control-allow-origin") in ("*", origin)
        and bool({"*", method.lower()} & listed("access-control-allow-methods"))
        and bool({"*", header.lower()} & listed("access-control-allow-headers"))
    )


def test_without_settings_the_function_answers_preflights(
    client: "LambdaClient", name: str
) -> None:
    response = preflight(opened(client, name))
    assert response.body == b"OPTIONS"
    assert response.header("access-control-allow-origin") is None
    assert response.all("access-control-allow-methods") == ["GET"]
    assert response.header("vary") is None


def test_a_preflight_is_answered_from_the_settings(client: "LambdaClient", name: str) -> None:
    url = opened(
        client, name,
        AllowOrigins=[HOME], AllowMethods=["GET", "POST"],
        AllowHeaders=["authorization", "content-type"], AllowCredentials=True, MaxAge=300,
    )  # fmt: skip
    response = preflight(url)
    assert (response.status, response.body) == (200, b"")
    shown = {name: value for name, value in response.headers if name.startswith("access-control-")}
    assert shown == {
        "access-control-allow-origin": HOME,
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "authorization,content-type",
        "access-control-allow-credentials": "true",
        "access-control-max-age": "300",
    }
    assert response.header("vary") == "Origin"
    assert response.header("x-amzn-requestid")


def test_the_function_does_not_hear_of_preflights(client: "LambdaClient", name: str) -> None:
    url = opened(client, name, AllowOrigins=["*"], AllowMethods=["*"])
    assert preflight(url).header("x-calls") is None
    assert url_calls.call(url).header("x-calls") == "1"


def test_another_origin_gets_no_permission(client: "LambdaClient", name: str) -> None:
    url = opened(client, name, AllowOrigins=[HOME], AllowMethods=["GET"], AllowHeaders=["*"])
    response = preflight(url, ELSEWHERE)
    assert not [header for header, _ in response.headers if header.startswith("access-control-")]
    plain = url_calls.call(url, headers=[("Origin", ELSEWHERE)])
    assert plain.body == b"GET"
    assert plain.header("access-control-allow-origin") is None


def test_every_origin_of_the_list_is_allowed(client: "LambdaClient", name: str) -> None:
    origins = [HOME, "http://localhost:60905"]
    url = opened(client, name, AllowOrigins=origins)
    shown = [
        url_calls.call(url, headers=[("Origin", origin)]).header("access-control-allow-origin")
        for origin in origins
    ]
    assert shown == origins


@pytest.mark.aws("model:Cors.AllowOrigins")
def test_wildcards_allow_anybody_anything(client: "LambdaClient", name: str) -> None:
    url = opened(client, name, AllowOrigins=["*"], AllowMethods=["*"], AllowHeaders=["*"])
    for method in ("GET", "PATCH"):
        assert lets(preflight(url, ELSEWHERE, method, "x-any"), ELSEWHERE, method, "x-any")


@pytest.mark.aws("model:Cors.AllowMethods")
def test_a_method_that_is_not_listed_is_not_let_through(client: "LambdaClient", name: str) -> None:
    url = opened(client, name, AllowOrigins=["*"], AllowMethods=["GET"], AllowHeaders=["*"])
    assert not lets(preflight(url, HOME, "DELETE", "x-any"), HOME, "DELETE", "x-any")


@pytest.mark.aws("model:Cors.AllowHeaders")
def test_a_header_that_is_not_listed_is_not_let_through(client: "LambdaClient", name: str) -> None:
    url = opened(client, name, AllowOrigins=["*"], AllowMethods=["*"], AllowHeaders=["x-mine"])
    assert lets(preflight(url, HOME, "GET", "x-mine"), HOME, "GET", "x-mine")
    assert not lets(preflight(url, HOME, "GET", "x-other"), HOME, "GET", "x-other")


def test_responses_get_the_settings_headers(client: "LambdaClient", name: str) -> None:
    url = opened(
        client, name,
        AllowOrigins=[HOME], AllowCredentials=True, ExposeHeaders=["Date", "X-Calls"],
    )  # fmt: skip
    response = url_calls.call(url, headers=[("Origin", HOME)])
    assert response.body == b"GET"
    assert response.header("access-control-allow-origin") == HOME
    assert response.header("access-control-allow-credentials") == "true"
    assert response.header("access-control-expose-headers") == "Date,X-Calls"
    assert response.header("access-control-max-age") is None
    assert response.header("vary") == "Origin"


@pytest.mark.aws("model:Cors.AllowCredentials")
def test_credentials_are_not_allowed_by_default(client: "LambdaClient", name: str) -> None:
    url = opened(client, name, AllowOrigins=[HOME])
    response = url_calls.call(url, headers=[("Origin", HOME)])
    assert response.header("access-control-allow-origin") == HOME
    assert response.header("access-control-allow-credentials") is None


def test_headers_of_the_function_stand_beside_the_settings(
    client: "LambdaClient", name: str
) -> None:
    url = opened(client, name, AllowOrigins=[HOME])
    response = url_calls.call(url, "/?own", headers=[("Origin", HOME)])
    assert response.all("access-control-allow-origin") == [HOME, HOME]
    assert response.all("access-control-allow-methods") == ["GET"]


def test_failures_get_the_settings_headers_too(client: "LambdaClient", name: str) -> None:
    create(client, name, "def handler(event, context):\n    raise ValueError\n")
    url = url_calls.publish(client, name, Cors={"AllowOrigins": [HOME]})
    response = url_calls.call(url, headers=[("Origin", HOME)])
    assert response.status == 502
    assert response.header("access-control-allow-origin") == HOME


@pytest.mark.aws("dg/urls-auth.html")
def test_a_preflight_needs_no_signature(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    url = client.create_function_url_config(
        FunctionName=name,
        AuthType="AWS_IAM",
        Cors={"AllowOrigins": [HOME], "AllowMethods": ["GET"], "AllowHeaders": ["authorization"]},
    )["FunctionUrl"]
    assert lets(preflight(url, HOME, "GET", "authorization"), HOME, "GET", "authorization")
    assert url_calls.call(url, headers=[("Origin", HOME)]).status == 403


def test_settings_hold_as_soon_as_they_are_changed(client: "LambdaClient", name: str) -> None:
    url = opened(client, name, AllowOrigins=[ELSEWHERE], AllowMethods=["*"], AllowHeaders=["*"])
    assert not lets(preflight(url, HOME), HOME, "POST", "content-type")
    cors: Any = {"AllowOrigins": [HOME], "AllowMethods": ["*"], "AllowHeaders": ["*"]}
    client.update_function_url_config(FunctionName=name, Cors=cors)
    assert lets(preflight(url, HOME), HOME, "POST", "content-type")
