"""The operator on a real cluster: pools, what is declared, what came by the API, who leads.

The pods' images do not exist, so that nothing but the operator is tried here.
"""

import contextlib
import functools
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import operator_site
from support.kubernetes_site import NEEDS_CLUSTER
from support.operator_site import OperatorSite

from inglenook_cluster import labels

pytestmark = [*NEEDS_CLUSTER, pytest.mark.timeout(180)]

RUNTIME = {
    "image": "inglenook/no-such-runtime:1",
    "imagePullPolicy": "Never",
    "pool": {"min": 2, "max": 3},
}
SOURCE = "def handler(event, context):\n    return 1\n"
FUNCTION: dict[str, Any] = {
    "runtime": "python3.11",
    "handler": "app.handler",
    "code": {"inline": {"app.py": SOURCE}},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorSite]:
    with operator_site.operator_site(tmp_path_factory.mktemp("operator")) as found:
        found.apply("Runtime", "runtimes", "python3.11", RUNTIME)
        found.leader()
        yield found


def condition(one: dict[str, Any], kind: str = "Accepted") -> dict[str, Any]:
    """Return a condition, if it is about the present generation."""
    for each in (one.get("status") or {}).get("conditions") or ():
        if each["type"] == kind and each.get("observedGeneration") == one["metadata"]["generation"]:
            return dict(each)
    return {}


def is_accepted(one: dict[str, Any]) -> bool:
    return condition(one).get("status") == "True"


def state(pod: Any) -> str:
    return str(pod.metadata.labels[labels.STATE])


def test_a_pool_is_kept_and_follows_its_template(site: OperatorSite) -> None:
    pods = site.pods_until(lambda pods: len(pods) == 2)
    assert {pod.metadata.owner_references[0].kind for pod in pods} == {"Runtime"}
    assert {pod.metadata.labels[labels.POOL] for pod in pods} == {"python3.11"}
    told = site.until(
        "runtimes",
        "python3.11",
        lambda one: condition(one, "Ready").get("reason") == "ImagePullFailed",
    )
    assert told["status"]["starting"] == 2
    assert "ImagePullFailed" in site.events("python3.11")

    before = {pod.metadata.name for pod in pods}
    site.core.delete_namespaced_pod(pods[0].metadata.name, site.namespace, grace_period_seconds=0)
    again = site.pods_until(
        lambda pods: len(pods) == 2 and {p.metadata.name for p in pods} != before
    )
    site.patch("runtimes", "python3.11", {"nodeSelector": {"kubernetes.io/os": "linux"}})
    names = {pod.metadata.name for pod in again}
    replaced = site.pods_until(
        lambda pods: len(pods) == 2 and not names & {pod.metadata.name for pod in pods}
    )
    assert {pod.spec.node_selector["kubernetes.io/os"] for pod in replaced} == {"linux"}


def test_a_specialised_pod_is_replaced_resized_counted_and_left_alone(site: OperatorSite) -> None:
    site.apply("Function", "functions", "sized", {**FUNCTION, "memorySize": 512})
    site.until("functions", "sized", is_accepted)
    taken = site.pods_until(lambda pods: len(pods) >= 2)[0].metadata.name
    site.core.patch_namespaced_pod(
        taken,
        site.namespace,
        {
            "metadata": {
                "labels": {labels.STATE: labels.SPECIALISED, labels.FUNCTION: "sized"},
                "annotations": {labels.FUNCTION_NAME: "sized", labels.MEMORY_MB: "512"},
            }
        },
    )

    def limit(pod: Any) -> str:
        return str(pod.spec.containers[0].resources.limits["memory"])

    pods = site.pods_until(
        lambda pods: (
            sum(state(pod) == "pooled" for pod in pods) >= 2
            and any(pod.metadata.name == taken and limit(pod) == "544Mi" for pod in pods)
        )
    )
    assert taken in {pod.metadata.name for pod in pods}
    site.until("functions", "sized", lambda one: one["status"].get("environments") == 1)
    site.core.delete_namespaced_pod(taken, site.namespace, grace_period_seconds=0)
    site.until("functions", "sized", lambda one: one["status"].get("environments") == 0)


def test_resources_applied_in_the_wrong_order_find_each_other(site: OperatorSite) -> None:
    own = {"functionName": "hello"}
    site.apply("Alias", "aliases", "hello.live", {**own, "name": "live", "functionVersion": "1"})
    site.apply("Version", "versions", "hello.1", {**own, "description": "first"})
    site.apply(
        "FunctionURL",
        "functionurls",
        "hello.live",
        {**own, "qualifier": "live", "authType": "NONE"},
    )
    site.apply(
        "EventInvokeConfig", "eventinvokeconfigs", "hello", {**own, "maximumRetryAttempts": 1}
    )
    waiting = site.until("aliases", "hello.live", lambda one: bool(condition(one)))
    assert condition(waiting)["reason"] == "Waiting"
    site.apply("Function", "functions", "hello", FUNCTION)
    for plural, name in (
        *(("functions", "hello"), ("versions", "hello.1"), ("aliases", "hello.live")),
        *(("functionurls", "hello.live"), ("eventinvokeconfigs", "hello")),
    ):
        site.until(plural, name, is_accepted)
    site.until("functions", "hello", lambda one: condition(one, "Ready").get("status") == "True")
    assert site.aws.get_alias(FunctionName="hello", Name="live")["FunctionVersion"] == "1"

    site.patch("functions", "hello", {"memorySize": 256, "code": {"inline": {"app.py": "x = 2\n"}}})
    site.apply("Version", "versions", "hello.2", own)
    site.until("versions", "hello.2", is_accepted)
    assert site.aws.get_function_configuration(FunctionName="hello:2")["MemorySize"] == 256
    weights = {"additionalVersionWeights": {"2": 0.5}}
    site.patch("aliases", "hello.live", {"routingConfig": weights})
    site.until("aliases", "hello.live", lambda one: one["status"].get("weights") == "2: 0.5")

    site.delete("functions", "hello")
    site.until_gone("functions", "hello")
    assert site.aws.list_functions()["Functions"] == [
        one for one in site.aws.list_functions()["Functions"] if one["FunctionName"] != "hello"
    ]
    left = site.custom.list_namespaced_custom_object(
        "inglenook.dev", "v1", site.namespace, "aliases"
    )
    assert left["items"] == []


@pytest.mark.parametrize(
    ("name", "spec", "reason"),
    [
        ("strange", {**FUNCTION, "runtime": "python9.9"}, "InvalidParameterValueException"),
        (
            "fetched",
            {**FUNCTION, "code": {"zip": {"url": "http://127.0.0.1:1/a.zip"}}},
            "FetchFailed",
        ),
        ("image", {**FUNCTION, "code": {"imageUri": "app:1"}}, "InvalidParameterValueException"),
    ],
)
def test_a_bad_manifest_has_a_condition_and_an_event_and_nothing_is_made(
    site: OperatorSite, name: str, spec: dict[str, Any], reason: str
) -> None:
    site.apply("Function", "functions", name, spec)
    found = site.until("functions", name, lambda one: condition(one).get("status") == "False")
    assert condition(found)["reason"] == reason
    assert "applied" not in found["status"]
    assert reason in site.events(name)
    site.delete("functions", name)
    site.until_gone("functions", name)


def test_a_zip_that_is_served_later_than_it_is_declared_is_fetched_soon(
    site: OperatorSite, tmp_path: Path
) -> None:
    (tmp_path / "later.zip").write_bytes(_zip(SOURCE))
    port = operator_site.free_port()
    code = {"zip": {"url": f"http://127.0.0.1:{port}/later.zip"}}
    site.apply("Function", "functions", "fetched-later", {**FUNCTION, "code": code})
    site.until(
        "functions", "fetched-later", lambda one: condition(one).get("reason") == "FetchFailed"
    )
    with _serving(tmp_path, port):
        site.until("functions", "fetched-later", is_accepted)


def test_provisioned_concurrency_says_how_far_it_is(site: OperatorSite) -> None:
    site.apply("Function", "functions", "warm", FUNCTION)
    site.apply("Version", "versions", "warm.1", {"functionName": "warm"})
    spec = {"functionName": "warm", "qualifier": "1", "provisionedConcurrentExecutions": 2}
    site.apply("ProvisionedConcurrency", "provisionedconcurrencies", "warm.1", spec)
    found = site.until(
        "provisionedconcurrencies",
        "warm.1",
        lambda one: condition(one, "Ready").get("reason") == "InProgress",
    )
    status = found["status"]
    assert (status["state"], status["requested"], status["available"]) == ("IN_PROGRESS", 2, 0)
    assert condition(found)["status"] == "True"


def test_what_the_api_changes_is_mirrored_into_the_spec(site: OperatorSite) -> None:
    site.apply("Function", "functions", "shared", FUNCTION)
    site.until("functions", "shared", is_accepted)
    site.aws.get_waiter("function_active_v2").wait(FunctionName="shared")
    site.aws.update_function_configuration(FunctionName="shared", Timeout=77)
    site.until("functions", "shared", lambda one: one["spec"]["timeout"] == 77)
    site.aws.get_waiter("function_updated_v2").wait(FunctionName="shared")
    site.aws.update_function_code(FunctionName="shared", ZipFile=_zip("x = 3\n"))
    found = site.until("functions", "shared", lambda one: "sha256" in one["spec"]["code"])
    assert found["spec"]["timeout"] == 77
    site.until("functions", "shared", is_accepted)


def test_another_replica_leads_soon_after_the_leader_has_died(site: OperatorSite) -> None:
    before = site.leader()
    site.start_operator()
    site.operators[0].kill()
    assert site.lease_changes(lambda holder: holder not in ("", before))
    site.apply("Function", "functions", "later", FUNCTION)
    site.until("functions", "later", is_accepted)
    assert site.operators[1].poll() is None


@contextlib.contextmanager
def _serving(folder: Path, port: int) -> Iterator[None]:
    """Serve a folder over HTTP."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _zip(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", source)
    return packed.getvalue()
