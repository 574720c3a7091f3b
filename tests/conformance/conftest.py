"""One platform for each test process; each test has functions of its own."""

import contextlib
import itertools
import json
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import platform_process
import pytest
from support import aws_services, event_sources, settling, sources, streaming_functions

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# AWS takes seconds where a platform of ours takes milliseconds, and minutes where it takes seconds.
AWS_TIMEOUT_S = 300
SLOW_TIMEOUT_S = 1200
LONGEST_NAME = 60


def pytest_configure(config: pytest.Config) -> None:
    """Let the suite speak of the account, the region and the runtime that it is pointed at."""
    if runtime := config.getoption("--runtime", default=None):
        platform_process.RUNTIME = runtime
    if elsewhere := config.getoption("--endpoint", default=None):
        platform_process.ROLE = config.getoption("--role")
        platform_process.ACCOUNT = platform_process.ROLE.split(":")[4]
        platform_process.REGION = boto3.Session().region_name or platform_process.REGION
        if elsewhere == "aws":
            platform_process.settle_slowly()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a case without a proper source, and skip ours at another endpoint."""
    here = Path(__file__).parent
    elsewhere = config.getoption("--endpoint", default=None)
    faults = []
    for item in items:
        if here not in item.path.parents:
            continue
        if "mappings" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.ours(event_sources.REAL_ONLY))
        faults += [f"{item.nodeid}: {fault}" for fault in faults_of(item)]
        if elsewhere is None:
            continue
        if item.get_closest_marker("ours"):
            item.add_marker(pytest.mark.skip(reason="a case of the platform's own"))
        elif item.get_closest_marker("slow_on_aws"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))
        elif elsewhere == "aws" and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(AWS_TIMEOUT_S))
    if faults:
        raise pytest.UsageError("\n".join(["conformance cases that cannot be:", *faults]))


def faults_of(item: pytest.Item) -> Iterator[str]:
    """Say what is wrong with where a case comes from and where it can be put."""
    given = [marker.args for marker in item.iter_markers("aws")]
    is_ours = item.get_closest_marker("ours") is not None
    if not given and not is_ours:
        yield "it has neither @pytest.mark.aws(source) nor ours(why)"
    if "platform" in getattr(item, "fixturenames", ()) and not is_ours:
        yield "it needs a platform of ours and is not marked ours(why)"
    for name in ("ours", "slow_on_aws"):
        if any(not marker.args for marker in item.iter_markers(name)):
            yield f"{name} says no reason"
    for arguments in given:
        if len(arguments) != 1:
            yield "aws takes one source"
        elif fault := sources.fault(arguments[0]):
            yield f"aws({arguments[0]!r}): {fault}"


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
def services() -> Iterator[aws_services.Services]:
    """Run what stands in for the other services of AWS."""
    with aws_services.running() as running:
        yield running


@pytest.fixture(scope="session")
def beside_services(
    services: aws_services.Services, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[platform_process.Platform]:
    """Run a platform that finds these services."""
    folder = tmp_path_factory.mktemp("beside-services")
    with platform_process.running(folder, variables=services.variables) as running:
        yield running


@pytest.fixture(scope="session")
def endpoint(request: pytest.FixtureRequest) -> str | None:
    """What the suite is pointed at, None being AWS; the platform is started only if that is ours.

    Nobody but the fixtures of clients needs it: `client.meta.endpoint_url` is the same for all.
    """
    elsewhere: str | None = request.config.getoption("--endpoint", default=None)
    if elsewhere is None:
        platform: platform_process.Platform = request.getfixturevalue("platform")
        return platform.endpoint
    return None if elsewhere == "aws" else elsewhere


@pytest.fixture(scope="session")
def client(endpoint: str | None) -> "LambdaClient":
    """A client of what the suite is pointed at; it fails a case that does not wait as it must."""
    made = platform_process.client_of(endpoint)
    settling.Watch().on(made)
    return made


@pytest.fixture(scope="session")
def unchecked(endpoint: str | None) -> "LambdaClient":
    """A client that sends what boto3 itself would refuse."""
    return platform_process.client_of(endpoint, parameter_validation=False)


@pytest.fixture(scope="session")
def hasty(endpoint: str | None) -> "LambdaClient":
    """A client for cases about what happens while a function is changing."""
    return platform_process.client_of(endpoint)


@pytest.fixture(scope="session")
def named() -> Callable[[str], str]:
    """Make names that no other case, process or run has: numbers of layers are not used twice."""
    run, numbers = secrets.token_hex(3), itertools.count(1)

    def made(what: str) -> str:
        short = re.sub(r"[^a-zA-Z0-9-]+", "-", what).strip("-")
        return f"t{run}-{next(numbers)}-{short}"[:LONGEST_NAME].strip("-")

    return made


@pytest.fixture(scope="session")
def task_root(client: "LambdaClient", named: Callable[[str], str]) -> str:
    """Where functions find their code: /var/task in a sandbox, a folder of the host without one."""
    name = named("task-root")
    source = "import os\ndef handler(event, context):\n    return os.environ['LAMBDA_TASK_ROOT']\n"
    platform_process.create(client, name, source)
    root: str = json.loads(client.invoke(FunctionName=name)["Payload"].read())
    client.delete_function(FunctionName=name)
    # All functions' folders lie beside each other and are named by their code.
    return root if root == "/var/task" else str(Path(root).parent)


@pytest.fixture
def name(
    request: pytest.FixtureRequest, client: "LambdaClient", named: Callable[[str], str]
) -> Iterator[str]:
    """A function name for this test alone; the function is deleted afterwards."""
    one = named(request.node.name.removeprefix("test_"))
    yield one
    delete(client, one)


@pytest.fixture(scope="session")
def streaming(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[str]:
    """A function that streams what its event tells it to."""
    with streaming_functions.function(client, named("streaming")) as created:
        yield created


@pytest.fixture(scope="session")
def buffered(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[str]:
    """A function in Python, which does not stream."""
    name = named("buffered")
    platform_process.create(client, name, streaming_functions.BUFFERED)
    yield name
    client.delete_function(FunctionName=name)


def delete(client: "LambdaClient", name: str) -> None:
    """Delete a function that may be gone, or still be changing."""
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        try:
            client.delete_function(FunctionName=name)
        except client.exceptions.ResourceConflictException:
            platform_process.wait_updated(client, name)
            client.delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def mapped(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[str]:
    """A function, with version 1 and the alias `live`, for event source mappings of a module."""
    name = named("mapped")
    platform_process.create(client, name, "def handler(event, context):\n    return 1\n")
    client.publish_version(FunctionName=name)
    platform_process.wait_published(client, name, "1")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    yield name
    client.delete_function(FunctionName=name)


@pytest.fixture
def anywhere(client: "LambdaClient", mapped: str) -> Iterator[event_sources.Mappings]:
    """Mappings that are refused before anybody asks whether their source exists."""
    made = event_sources.Mappings(client, mapped)
    yield made
    made.clean_up()


@pytest.fixture
def mappings(anywhere: event_sources.Mappings) -> event_sources.Mappings:
    """Mappings of one test, whose sources are not there: such a case is the platform's own."""
    return anywhere
