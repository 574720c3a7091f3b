"""The whole life of a function, typed into the real aws CLI."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import platform_process
import pytest
from platform_process import ROLE, RUNTIME, package


AWS = shutil.which("aws", path=str(Path(sys.executable).parent)) or shutil.which("aws")
pytestmark = [
    pytest.mark.aws("api/API_Operations.html"),
    pytest.mark.skipif(AWS is None, reason="the aws CLI is not installed"),
]


class Cli:
    """`aws lambda …` against the platform."""

    def __init__(self, platform: platform_process.Platform, folder: Path) -> None:
        self._platform = platform
        self._folder = folder

    def __call__(self, *arguments: str, fails: bool = False) -> Any:
        assert AWS is not None
        done = subprocess.run(
            [AWS, "lambda", *arguments], check=False, capture_output=True, text=True, timeout=60,
            cwd=self._folder, env=self._platform.environment,
        )  # fmt: skip
        if fails:
            assert done.returncode in _SERVICE_ERRORS, done.stderr
            return done.stderr
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None


def test_the_life_of_a_function(platform: platform_process.Platform, tmp_path: Path) -> None:
    aws = Cli(platform, tmp_path)
    (tmp_path / "v1.zip").write_bytes(
        package("def handler(e, c):\n    print('one')\n    return 1\n")
    )
    (tmp_path / "v2.zip").write_bytes(package("def handler(e, c):\n    return [2, e]\n"))
    function = ("--function-name", "typed")
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
    ) if _is_second() else aws(
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
    assert "Function not found: arn:aws:lambda:us-east-1:000000000000:function:typed" in missing


# The exit code for an error that the service answered: of version 2, and of version 1.
_SERVICE_ERRORS = (254, 255)


def _is_second() -> bool:
    """Whether this is version 2 of the CLI, which takes payloads as base64 unless told."""
    assert AWS is not None
    shown = subprocess.run([AWS, "--version"], check=True, capture_output=True, text=True)
    return shown.stdout.startswith("aws-cli/2")
