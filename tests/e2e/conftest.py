"""What tests on a real cluster share: it has the chart installed, and KUBECONFIG names it.

`./dev e2e` sees to both. Each test has a function's name of its own, and leaves nothing behind.
"""

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import kubernetes
import pytest
from support import kubernetes_cluster
from support import witness as witnesses
from support.witness import Witness

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

HERE = Path(__file__).parent
_TIMEOUT_S = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reasons = []
    if "KUBECONFIG" not in os.environ:
        reasons.append("needs a cluster with the chart on it: run ./dev e2e, or set KUBECONFIG")
    if shutil.which("kubectl") is None:
        reasons.append("needs kubectl")
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.e2e)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_TIMEOUT_S))
        for reason in reasons:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def endpoints() -> Iterator[list[str]]:
    """Addresses of the Lambda API that lead to all gateways."""
    with kubernetes_cluster.gateway_addresses() as addresses:
        yield addresses


@pytest.fixture(scope="session")
def endpoint(endpoints: list[str]) -> str:
    """The Lambda API's address."""
    return endpoints[0]


@pytest.fixture(scope="session")
def api(endpoint: str) -> "Iterator[LambdaClient]":
    """A client of the Lambda API that does not try again."""
    client = kubernetes_cluster.client(endpoint)
    yield client
    client.close()


@pytest.fixture(scope="session")
def namespace() -> str:
    """Where functions are."""
    kubernetes.config.load_kube_config()
    path = "jsonpath={.data.INGLENOOK_CLUSTER_FUNCTIONS_NAMESPACE}"
    flags = ("--namespace", kubernetes_cluster.PLATFORM, f"--output={path}")
    return kubernetes_cluster.kubectl("get", "configmap", "inglenook-settings", *flags)


@pytest.fixture
def resources(namespace: str, api: "LambdaClient") -> Iterator[kubernetes_cluster.Resources]:
    """The custom resources; what a test has made is deleted after it."""
    found = kubernetes_cluster.Resources(namespace=namespace)
    yield found
    for kind, name in reversed(found.made):
        if kind == "Function":
            with contextlib.suppress(api.exceptions.ResourceNotFoundException):
                _ = api.delete_function(FunctionName=name)
        found.delete(kind, name)


@pytest.fixture
def witness(namespace: str) -> Iterator[Witness]:
    """A pod that knows how many functions run at once, if they tell it."""
    with witnesses.witness(namespace) as found:
        yield found


@pytest.fixture
def new_name(
    resources: kubernetes_cluster.Resources,
) -> Callable[[], str]:
    """Make names of functions that nobody else has; what bears them is deleted after the test."""

    def make() -> str:
        name = f"e2e-{uuid.uuid4().hex[:10]}"
        resources.made.append(("Function", name))
        return name

    return make


@pytest.fixture
def name(new_name: Callable[[], str]) -> str:
    return new_name()
