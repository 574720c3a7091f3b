"""The real aws CLI, run against what a client is pointed at."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platform_process
import pytest

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

AWS = shutil.which("aws", path=str(Path(sys.executable).parent)) or shutil.which("aws")
installed = pytest.mark.skipif(AWS is None, reason="the aws CLI is not installed")

# The exit code for an error that the service answered (of version 2, and of version 1), and for a
# waiter that failed.
_FAILURES = (254, 255)


class Cli:
    """`aws lambda …` in a folder, at a client's endpoint."""

    def __init__(self, client: "LambdaClient", folder: Path) -> None:
        self._folder = folder
        endpoint = client.meta.endpoint_url
        is_aws = "amazonaws.com" in endpoint
        self._environment = {
            **os.environ, **({} if is_aws else platform_process.CREDENTIALS),
            "AWS_ENDPOINT_URL_LAMBDA": endpoint, "AWS_DEFAULT_REGION": client.meta.region_name,
        }  # fmt: skip

    def __call__(self, *arguments: str, fails: bool = False) -> Any:
        assert AWS is not None
        done = subprocess.run(
            [AWS, "lambda", *arguments], check=False, capture_output=True, text=True, timeout=60,
            cwd=self._folder, env=self._environment,
        )  # fmt: skip
        if fails:
            assert done.returncode in _FAILURES, done.stderr
            return done.stderr
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None


def is_second() -> bool:
    """Whether this is version 2 of the CLI, which takes payloads as base64 unless told."""
    assert AWS is not None
    shown = subprocess.run([AWS, "--version"], check=True, capture_output=True, text=True)
    return shown.stdout.startswith("aws-cli/2")
