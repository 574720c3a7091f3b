"""Statements of functions' policies, added and read."""

import json
from typing import TYPE_CHECKING, Any

from platform_process import create

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

CODE = "def handler(event, context):\n    return event\n"
INVOKE = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}


def qualified(client: "LambdaClient", name: str) -> str:
    """Make a function with version 1 and the alias `live`; return its ARN."""
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return arn(client, name)


def arn(client: "LambdaClient", name: str) -> str:
    return client.get_function_configuration(FunctionName=name)["FunctionArn"]


def add(client: "LambdaClient", name: str, sid: str = "s", **members: Any) -> dict[str, Any]:
    request = {"FunctionName": name, "StatementId": sid} | INVOKE | members
    found: dict[str, Any] = json.loads(client.add_permission(**request)["Statement"])
    return found


def sids(client: "LambdaClient", name: str, **members: Any) -> list[str]:
    shown = json.loads(client.get_policy(FunctionName=name, **members)["Policy"])
    return [one["Sid"] for one in shown["Statement"]]
