"""Events, and what their function has logged of them: waited for, not slept for.

At our endpoint the log is followed as it is written; AWS is asked now and then.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib import parse

import boto3
import platform_process
from platform_process import create, package

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# Prints what it was given, then does as it was told.
SOURCE = """
import json, os, sys, time
def handler(event, context):
    told = event if isinstance(event, dict) else {}
    print('RUN ' + json.dumps({
        'event': event if len(str(event)) < 5000 else len(str(event)),
        'id': context.aws_request_id, 'version': context.function_version,
        'arn': context.invoked_function_arn,
        'context': getattr(context.client_context, 'custom', None),
    }), flush=True)
    time.sleep(told.get('sleep', 0))
    if 'exit' in told:
        os._exit(told['exit'])
    if 'fail' in told:
        raise ValueError(told['fail'])
    return told.get('answer')
"""
_PREFIX = "RUN "
_WITHIN_S = 40.0
_WITHIN_AT_AWS_S = 600.0
Run = dict[str, Any]


def runs(
    client: "LambdaClient", name: str, enough: int | Callable[[list[Run]], bool] = 1
) -> list[Run]:
    """Return what `SOURCE` has printed at each run of a function, once there is enough of it."""
    is_enough = enough if callable(enough) else lambda found: len(found) >= enough
    found: list[Run] = []
    endpoint = client.meta.endpoint_url
    lines = _asked if "amazonaws.com" in endpoint else _followed
    if is_enough(found):
        return found
    for message in lines(client, f"/aws/lambda/{name}"):
        # JSON logs and plain ones alike have the text on a line of its own.
        if message.startswith(_PREFIX):
            found.append(json.loads(message.removeprefix(_PREFIX)))
            if is_enough(found):
                return found
    raise AssertionError(f"only {len(found)} runs of {name}: {found}")


def so_far(client: "LambdaClient", name: str) -> list[Run]:
    """Return what `SOURCE` has printed up to now.

    Logs of one platform are written in order: a later line of another function that has been seen
    says that earlier ones of this function can be seen, too.
    """
    if "amazonaws.com" in client.meta.endpoint_url:
        return _parsed(_page(boto3.client("logs"), f"/aws/lambda/{name}"))
    connection = _connect(client, f"/aws/lambda/{name}", follow=False)
    body = connection.getresponse().read().decode()
    connection.close()
    return _parsed(json.loads(line)["message"] for line in body.splitlines() if line.strip())


def _parsed(messages: Any) -> list[Run]:
    return [
        json.loads(message.removeprefix(_PREFIX))
        for message in messages
        if message.startswith(_PREFIX)
    ]


def _connect(client: "LambdaClient", group: str, *, follow: bool) -> http.client.HTTPConnection:
    where = parse.urlsplit(client.meta.endpoint_url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=_WITHIN_S)
    query = {"group": group, "since_ms": "0"} | ({"follow": "1"} if follow else {})
    connection.request("GET", f"/_inglenook/logs?{parse.urlencode(query)}")
    return connection


def _followed(client: "LambdaClient", group: str) -> Iterator[str]:
    deadline = time.monotonic() + _WITHIN_S
    connection = _connect(client, group, follow=True)
    try:
        response = connection.getresponse()
        # Empty lines come every few seconds, so the deadline is looked at.
        while time.monotonic() < deadline and (line := response.readline()):
            if line.strip():
                yield json.loads(line)["message"]
    finally:
        connection.close()


def _asked(_client: "LambdaClient", group: str) -> Iterator[str]:
    logs = boto3.client("logs")
    deadline = time.monotonic() + _WITHIN_AT_AWS_S
    told = 0
    while time.monotonic() < deadline:
        messages = _page(logs, group)
        yield from messages[told:]
        told = len(messages)
        time.sleep(2)


def _page(logs: Any, group: str) -> list[str]:
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"].rstrip("\n") for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def send(client: "LambdaClient", name: str, event: object = None, **members: Any) -> str:
    """Call for an asynchronous invocation; return its request id."""
    if event is not None:
        members["Payload"] = json.dumps(event)
    answer = client.invoke(FunctionName=name, InvocationType="Event", **members)
    assert answer["StatusCode"] == 202
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def of(client: "LambdaClient", name: str, request_id: str, count: int = 1) -> list[Run]:
    """Return the runs of one event, once there are so many."""

    def mine(some: list[Run]) -> list[Run]:
        return [run for run in some if run["id"] == request_id]

    return mine(runs(client, name, lambda some: len(mine(some)) >= count))


def versioned(client: "LambdaClient", name: str) -> None:
    """Make a function with versions 1 and 2 and the alias `live` for version 1."""
    create(client, name, SOURCE)
    client.publish_version(FunctionName=name)
    client.update_function_code(FunctionName=name, ZipFile=package(SOURCE + "# 2\n"))
    platform_process.wait_updated(client, name)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
