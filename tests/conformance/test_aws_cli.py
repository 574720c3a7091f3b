"""The whole life of a function, typed into the real aws CLI."""

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from platform_process import ROLE, RUNTIME, package
from support import aws_cli

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = [
    pytest.mark.aws("api/API_Operations.html"),
    aws_cli.installed,
]


def test_the_life_of_a_function(client: "LambdaClient", name: str, tmp_path: Path) -> None:
    aws = aws_cli.Cli(client, tmp_path)
    (tmp_path / "v1.zip").write_bytes(
        package("def handler(e, c):\n    print('one')\n    return 1\n")
    )
    (tmp_path / "v2.zip").write_bytes(package("def handler(e, c):\n    return [2, e]\n"))
    function = ("--function-name", name)
    created = aws(
        "create-function", *function, "--runtime", RUNTIME, "--role", ROLE,
        "--handler", "app.handler", "--zip-file", "fileb://v1.zip",
        "--environment", "Variables={KEY=b,OTHER=d}", "--tags", "team=hearth",
    )  # fmt: skip
    assert created["State"] == "Pending"
    aws("wait", "function-active-v2", *function)
    invoked = aws("invoke", *function, "--log-type", "Tail", "out.json")
    assert invoked["StatusCode"] == 200
    assert "one" in base64.b64decode(invoked["LogResult"]).decode()
    assert (tmp_path / "out.json").read_text() == "1"
    assert aws("publish-version", *function)["Version"] == "1"
    aws("update-function-code", *function, "--zip-file", "fileb://v2.zip")
    aws("wait", "function-updated-v2", *function)
    aws("update-function-configuration", *function, "--timeout", "7", "--memory-size", "256")
    aws("wait", "function-updated-v2", *function)
    assert aws("publish-version", *function)["Version"] == "2"
    aws("wait", "published-version-active", *function, "--qualifier", "2")
    aws(
        "create-alias", *function, "--name", "live", "--function-version", "2",
        "--routing-config", "AdditionalVersionWeights={1=0}",
    )  # fmt: skip
    aws(
        "invoke", *function, "--qualifier", "live", "--cli-binary-format", "raw-in-base64-out",
        "--payload", '{"x": "ü"}', "out.json",
    ) if aws_cli.is_second() else aws(
        "invoke", *function, "--qualifier", "live", "--payload", '{"x": "ü"}', "out.json"
    )  # fmt: skip
    assert json.loads((tmp_path / "out.json").read_text()) == [2, {"x": "ü"}]
    versions = aws("list-versions-by-function", *function)["Versions"]
    assert [each["Version"] for each in versions] == ["$LATEST", "1", "2"]
    assert aws("get-function", *function)["Tags"] == {"team": "hearth"}
    assert aws("get-account-settings")["AccountUsage"]["FunctionCount"] >= 1
    assert "ResourceConflictException" in aws(
        "delete-function", *function, "--qualifier", "2", fails=True
    )
    aws("delete-alias", *function, "--name", "live")
    aws("delete-function", *function)
    missing = aws("get-function", *function, fails=True)
    assert "ResourceNotFoundException" in missing
    assert f"Function not found: {created['FunctionArn']}" in missing
