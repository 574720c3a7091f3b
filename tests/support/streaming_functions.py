"""Functions that stream as their event tells them to, and what InvokeWithResponseStream brings."""

import base64
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import platform_process
from support import streaming_runtime

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

CUSTOM_RUNTIMES = "dg/runtimes-custom.html"
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
MIB = 1024 * 1024

BUFFERED = """
def handler(event, context):
    if event.get("fail"):
        raise LookupError(event["fail"])
    return {"got": event}
"""


@dataclass(frozen=True)
class Answer:
    """All that a stream brought."""

    head: dict[str, Any]
    pieces: list[bytes]
    complete: dict[str, str]

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def log(self) -> str:
        return base64.b64decode(self.complete["LogResult"]).decode()


def stream(client: "LambdaClient", name: str, event: object = None, **more: Any) -> Answer:
    """Invoke and read to the end."""
    if event is not None:
        more["Payload"] = json.dumps(event)
    response = client.invoke_with_response_stream(FunctionName=name, **more)
    events = list(response["EventStream"])
    assert [list(each) for each in events] == [
        *[["PayloadChunk"]] * (len(events) - 1),
        ["InvokeComplete"],
    ]
    return Answer(
        head={key: value for key, value in response.items() if key != "EventStream"},
        pieces=[each["PayloadChunk"]["Payload"] for each in events[:-1]],
        complete=dict(events[-1]["InvokeComplete"]),
    )


def said(client: "LambdaClient", name: str) -> Any:
    """Return what the Runtime API has told the function."""
    return invoke(client, name, {"answer": "said"})


def invoke(client: "LambdaClient", name: str, event: object) -> Any:
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def refused(client: "LambdaClient", name: str, **more: Any) -> tuple[int, str, str]:
    return platform_process.refused(client.invoke_with_response_stream, FunctionName=name, **more)


@contextlib.contextmanager
def function(client: "LambdaClient", name: str, **members: Any) -> Iterator[str]:
    """A function that streams what its event tells it to. It is a runtime in Python.

    AWS's image for custom runtimes has no Python; there a wrapper takes the place of a runtime that
    has one. Here that is a case of its own.
    """
    code = platform_process.package({"bootstrap": streaming_runtime.SOURCE})
    if "amazonaws.com" in client.meta.endpoint_url:
        variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/bootstrap"}
        members |= {"Environment": {"Variables": variables}}
    else:
        members |= {"Runtime": "provided.al2023"}
    platform_process.create(client, name, code, **({"Timeout": 30} | members))
    try:
        yield name
    finally:
        client.delete_function(FunctionName=name)
