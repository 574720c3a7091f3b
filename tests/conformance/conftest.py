"""One platform for each test process; each test has functions of its own."""

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import platform_process
import pytest

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@pytest.fixture(scope="session")
def platform(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[platform_process.Platform]:
    with platform_process.running(tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest.fixture(scope="session")
def client(platform: platform_process.Platform) -> "LambdaClient":
    return platform.client()


@pytest.fixture
def name(request: pytest.FixtureRequest, client: "LambdaClient") -> Iterator[str]:
    """A function name for this test alone; the function is deleted afterwards."""
    short = re.sub(r"[^a-zA-Z0-9-]+", "-", request.node.name.removeprefix("test_"))[:60].strip("-")
    yield short
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function(FunctionName=short)
