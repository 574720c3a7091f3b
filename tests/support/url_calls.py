"""HTTP requests to function URLs, byte for byte as a test wants them.

Python's resolver does not know the names under `localhost`; they mean this machine.
"""

import http.client
import json
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib import parse

from botocore import auth, awsrequest

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response; header names are small."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given == name]

    def header(self, name: str) -> str | None:
        found = self.all(name)
        return found[0] if found else None

    def json(self) -> Any:
        return json.loads(self.body)


def connect(url: str) -> http.client.HTTPConnection:
    """Open a connection to the server behind a URL."""
    parts = parse.urlsplit(url)
    assert parts.hostname is not None
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=TIMEOUT_S, context=context
        )
    host = "127.0.0.1" if parts.hostname.endswith(".localhost") else parts.hostname
    return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)


def begin(
    connection: http.client.HTTPConnection,
    url: str,
    target: str = "/",
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str | bytes]] = (),
    body: bytes = b"",
) -> http.client.HTTPResponse:
    """Send a request with just these headers, a host and a length; return once its head is there.

    `target` is put behind the URL's own path.
    """
    parts = parse.urlsplit(url)
    connection.putrequest(
        method, parts.path.rstrip("/") + target, skip_host=True, skip_accept_encoding=True
    )
    connection.putheader("Host", parts.netloc)
    for name, value in headers:
        connection.putheader(name, value)
    if body or method in ("POST", "PUT", "PATCH"):
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    return connection.getresponse()


def call(
    url: str,
    target: str = "/",
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str | bytes]] = (),
    body: bytes = b"",
) -> Response:
    """Make one request on a connection of its own."""
    connection = connect(url)
    try:
        response = begin(connection, url, target, method=method, headers=headers, body=body)
        read = response.read()
    finally:
        connection.close()
    return Response(
        response.status, [(name.lower(), value) for name, value in response.getheaders()], read
    )


def publish(client: "LambdaClient", name: str, **config: Any) -> str:
    """Give a function a URL that anybody may call; return it."""
    created = client.create_function_url_config(
        **{"FunctionName": name, "AuthType": "NONE"} | config
    )
    allow_everybody(client, name, config.get("Qualifier"))
    return created["FunctionUrl"]


def allow_everybody(client: "LambdaClient", name: str, qualifier: str | None = None) -> None:
    """Let everybody call a function's URL, as Lambda demands of its policy."""
    whom: Any = {"FunctionName": name, "Principal": "*"}
    if qualifier is not None:
        whom["Qualifier"] = qualifier
    client.add_permission(
        **whom,
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        FunctionUrlAuthType="NONE",
    )
    client.add_permission(
        **whom, StatementId="invoke", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
    )


def access_key(client: "LambdaClient") -> str:
    """Return the access key that a client signs with."""
    return str(client._request_signer._credentials.access_key)  # type: ignore[attr-defined]


def signed(
    client: "LambdaClient", url: str, *, in_query: bool = False
) -> tuple[str, list[tuple[str, str | bytes]]]:
    """Sign a GET of a URL as AWS's tools do; return the target and the headers to send."""
    request = awsrequest.AWSRequest(method="GET", url=url)
    sign = auth.SigV4QueryAuth if in_query else auth.SigV4Auth
    credentials = client._request_signer._credentials  # type: ignore[attr-defined]
    sign(credentials, "lambda", client.meta.region_name).add_auth(request)
    parts = parse.urlsplit(str(request.url))
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return target, list(request.headers.items())
