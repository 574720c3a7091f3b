"""`inglenook up` in a process of its own, as a user runs it."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.config
import botocore.exceptions
from packaging import requirements
from packaging import utils as names

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ACCOUNT = "000000000000"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda"
READY_WITHIN_S = 30
# Ours settle within milliseconds; AWS itself is asked less often (`settle_slowly`).
OFTEN = {"Delay": 0.05, "MaxAttempts": 400}
_waiting = dict(OFTEN)

# Shell commands see this and nothing else of AWS, whatever the machine's own configuration says.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_PAGER": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A running platform."""

    endpoint: str
    data: Path
    process: subprocess.Popen[str]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point AWS's tools at this platform."""
        return {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL_LAMBDA": self.endpoint}

    def client(self, **options: object) -> "LambdaClient":
        """Return a boto3 client that never retries, so that errors are seen."""
        return client_of(self.endpoint, **options)

    def kill(self) -> None:
        """End the process as a power cut would, with all that it started."""
        self.process.kill()
        self.process.wait(timeout=10)

    def stop(self) -> int:
        """End the process as Ctrl-C would; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def client_of(endpoint: str | None, **options: object) -> "LambdaClient":
    """Return a client; with None of AWS, with the caller's own credentials.

    It never retries, but at AWS, which allows an account no more than some calls a second.
    """
    attempts = 1 if endpoint is not None else 8
    config = botocore.config.Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        read_timeout=120,
        max_pool_connections=128,
    ).merge(botocore.config.Config(**options))  # type: ignore[arg-type]
    if endpoint is None:
        return boto3.client("lambda", region_name=REGION, config=config)
    return boto3.client(
        "lambda",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


def start(data: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> Platform:
    """Start a platform on a free port over `data`; return once it answers."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "inglenook_local", "up", "--json", "--port", "0",
            "--data", str(data), *arguments,
        ],
        stdout=subprocess.PIPE, text=True, env={**os.environ, **(variables or {})},
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.stdout.close()
        raise RuntimeError(f"inglenook up ended with {process.wait(timeout=10)}")
    return Platform(endpoint=json.loads(line)["endpoint"], data=data, process=process)


@contextlib.contextmanager
def running(
    data: Path, *arguments: str, variables: Mapping[str, str] | None = None
) -> Iterator[Platform]:
    """Run a platform over `data` until the block ends."""
    platform = start(data, *arguments, variables=variables)
    try:
        yield platform
    finally:
        if platform.process.poll() is None:
            platform.stop()
        if platform.process.stdout is not None:
            platform.process.stdout.close()


def package(files: str | Mapping[str, str | bytes]) -> bytes:
    """Zip files, or one module `app.py`. Files whose text begins with `#!` are executable."""
    named = {"app.py": files} if isinstance(files, str) else files
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _write(archive, named)
    return buffer.getvalue()


def _write(archive: zipfile.ZipFile, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED
        script = content.startswith("#!" if isinstance(content, str) else b"#!")
        entry.external_attr = (0o100755 if script else 0o100644) << 16
        archive.writestr(entry, content)


def installed_package(*distributions: str, files: Mapping[str, str | bytes]) -> bytes:
    """Zip installed distributions with all that they require, as pip would lay them out, and files.

    What a user makes with `pip install --target`, without a network.
    """
    wanted = {names.canonicalize_name(name) for name in distributions}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _write(archive, files)
        done: set[str] = set()
        while wanted - done:
            name = (wanted - done).pop()
            done.add(name)
            distribution = metadata.distribution(name)
            for path in distribution.files or []:
                if path.suffix != ".pyc" and ".." not in path.parts:
                    archive.write(distribution.locate_file(path), str(path))
            for text in distribution.requires or []:
                requirement = requirements.Requirement(text)
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    wanted.add(names.canonicalize_name(requirement.name))
    return buffer.getvalue()


def settle_slowly() -> None:
    """Ask as often as an account of AWS's bears, and wait as long as AWS may take."""
    _waiting.update(Delay=1, MaxAttempts=300)


def pause_s() -> float:
    """Return how long to wait before asking again for what has no waiter."""
    return float(_waiting["Delay"])


def create(client: "LambdaClient", name: str, code: str | bytes, **members: object) -> None:
    """Create a function and wait until it is active."""
    zipped = code if isinstance(code, bytes) else package(code)
    arguments = {
        "FunctionName": name, "Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler",
        "Code": {"ZipFile": zipped},
    } | members  # fmt: skip
    client.create_function(**arguments)  # type: ignore[arg-type]
    wait_active(client, name)


def wait_active(client: "LambdaClient", name: str) -> None:
    """Wait as AWS's waiter does, only more often."""
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=_config())


def wait_updated(client: "LambdaClient", name: str) -> None:
    """Wait as AWS's waiter does, only more often."""
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=_config())


def wait_published(client: "LambdaClient", name: str, version: str) -> None:
    """Wait as AWS's waiter does, only more often."""
    client.get_waiter("published_version_active").wait(
        FunctionName=name, Qualifier=version, WaiterConfig=_config()
    )


def _config() -> Any:
    return dict(_waiting)


def refused(call: Callable[..., object], **members: Any) -> tuple[int, str, str]:
    """Return status, code and message of the error that a call of boto3's answers."""
    try:
        call(**members)
    except botocore.exceptions.ClientError as error:
        response = error.response
        return (
            response["ResponseMetadata"]["HTTPStatusCode"],
            response["Error"]["Code"],
            response["Error"]["Message"],
        )
    raise AssertionError("it was not refused")
