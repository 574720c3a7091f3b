"""One platform for each test process; each test has functions of its own."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import platform_process
import pytest

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def pytest_configure(config: pytest.Config) -> None:
    """Let the suite speak of the account and the region that it is pointed at."""
    if config.getoption("--endpoint", default=None):
        platform_process.ROLE = config.getoption("--role")
        platform_process.ACCOUNT = platform_process.ROLE.split(":")[4]
        platform_process.REGION = boto3.Session().region_name or platform_process.REGION


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a case without a source, and skip those that are not AWS's at another endpoint."""
    here = Path(__file__).parent
    elsewhere = config.getoption("--endpoint", default=None)
    unsourced = []
    for item in items:
        if here not in item.path.parents:
            continue
        ours = item.get_closest_marker("ours")
        if ours is None and item.get_closest_marker("aws") is None:
            unsourced.append(item.nodeid)
        elif elsewhere and (ours is not None or "platform" in getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.skip(reason="a case of the platform's own"))
    if unsourced:
        raise pytest.UsageError(
            "conformance cases without @pytest.mark.aws(source) or ours(why): "
            + ", ".join(unsourced)
        )


@pytest.fixture(scope="session")
def platform(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[platform_process.Platform]:
    # The minutes between the attempts of an event are seconds here.
    variables = {"INGLENOOK_WORKER_TIME_SCALE": "60"}
    folder = tmp_path_factory.mktemp("platform")
    with platform_process.running(folder, variables=variables) as running:
        yield running


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest) -> "LambdaClient":
    """A client of what the suite is pointed at; the platform is started only if that is ours."""
    elsewhere = request.config.getoption("--endpoint", default=None)
    if elsewhere is None:
        platform: platform_process.Platform = request.getfixturevalue("platform")
        return platform.client()
    return platform_process.client_of(None if elsewhere == "aws" else elsewhere)


@pytest.fixture(scope="session")
def task_root(client: "LambdaClient") -> str:
    """Where functions find their code: /var/task in a sandbox, a folder of the host without one."""
    source = "import os\ndef handler(event, context):\n    return os.environ['LAMBDA_TASK_ROOT']\n"
    platform_process.create(client, "task-root", source)
    root: str = json.loads(client.invoke(FunctionName="task-root")["Payload"].read())
    client.delete_function(FunctionName="task-root")
    # All functions' folders lie beside each other and are named by their code.
    return root if root == "/var/task" else str(Path(root).parent)


@pytest.fixture
def name(request: pytest.FixtureRequest, client: "LambdaClient") -> Iterator[str]:
    """A function name for this test alone; the function is deleted afterwards."""
    short = re.sub(r"[^a-zA-Z0-9-]+", "-", request.node.name.removeprefix("test_"))[:60].strip("-")
    yield short
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function(FunctionName=short)
