"""Functions for the cases of provisioned concurrency."""

import json
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import platform_process
from support import ports

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

SOURCE = """
import os
import socket
import time

BORN = time.time()
CALLS = 0

def handler(event, context):
    global CALLS
    CALLS += 1
    event = event or {}
    if "port" in event:
        with socket.create_connection(("127.0.0.1", event["port"])) as connection:
            connection.recv(1)
    if event.get("exit"):
        os._exit(1)
    time.sleep(event.get("sleep", 0))
    return {
        "code": CODE,
        "kind": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
        "process": f"{context.log_stream_name} {BORN}",
        "born": BORN,
        "age": time.time() - BORN,
        "calls": CALLS,
        "version": context.function_version,
    }
"""

# AWS takes minutes.
WITHIN_S = 600


def source(code: int = 1) -> str:
    return f"CODE = {code}\n{SOURCE}"


def soon(holds: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until
        time.sleep(platform_process.pause_s())


def publish(client: "LambdaClient", name: str) -> str:
    version = client.publish_version(FunctionName=name)["Version"]
    platform_process.wait_published(client, name, version)
    return version


def function(client: "LambdaClient", name: str, **members: Any) -> None:
    """Make a function with version 1."""
    platform_process.create(client, name, source(), **members)
    assert publish(client, name) == "1"


def named(client: "LambdaClient", name: str, *aliases: str) -> None:
    """Make a function with version 1 and aliases of it."""
    function(client, name)
    for alias in aliases:
        client.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")


def unreserved(client: "LambdaClient") -> int:
    return client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]


def second(client: "LambdaClient", name: str, text: str | None = None) -> None:
    """Make version 2 of other code."""
    client.update_function_code(
        FunctionName=name, ZipFile=platform_process.package(text or source(2))
    )
    platform_process.wait_updated(client, name)
    assert publish(client, name) == "2"


def put(client: "LambdaClient", name: str, qualifier: str, count: int) -> dict[str, Any]:
    return dict(
        client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
        )
    )


def get(client: "LambdaClient", name: str, qualifier: str) -> dict[str, Any]:
    shown = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
    return {key: value for key, value in shown.items() if key != "ResponseMetadata"}


def settled(client: "LambdaClient", name: str, qualifier: str) -> dict[str, Any]:
    """Return a configuration once its allocation has ended, well or not."""
    # One that dies after it was seen puts it in progress again: what was seen is what counts.
    seen: dict[str, Any] = {}

    def has_ended() -> bool:
        seen.update(get(client, name, qualifier))
        return bool(seen["Status"] != "IN_PROGRESS")

    soon(has_ended)
    return seen


def ready(client: "LambdaClient", name: str, qualifier: str, count: int) -> dict[str, Any]:
    """Provision, and return the configuration once it is ready."""
    put(client, name, qualifier, count)
    shown = settled(client, name, qualifier)
    assert shown["Status"] == "READY"
    return shown


def invoke(client: "LambdaClient", name: str, qualifier: str, **event: object) -> dict[str, Any]:
    response = client.invoke(
        FunctionName=name, Qualifier=qualifier, Payload=json.dumps(event).encode()
    )
    answer: dict[str, Any] = json.loads(response["Payload"].read())
    return answer


class Door:
    """Init fails as long as it is shut."""

    def __init__(self) -> None:
        [self._port] = ports.free()
        self._server: socket.socket | None = None

    def source(self) -> str:
        return f"import socket\nsocket.create_connection(('127.0.0.1', {self._port}))\n" + source()

    def open(self) -> None:
        self._server = socket.create_server(("127.0.0.1", self._port))

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
