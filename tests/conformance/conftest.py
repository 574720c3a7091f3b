"""One platform for each test process; each test has functions of its own."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import platform_process
import pytest

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


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
    with platform_process.running(tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest.fixture(scope="session")
def client(platform: platform_process.Platform) -> "LambdaClient":
    return platform.client()


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
