"""The platform as it is installed on the cluster that KUBECONFIG names, and functions on it."""

import contextlib
import json
import os
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.config

from measuring import calls
from reliability.clusters import kubectl, node_port, objects, until

BENCH = Path(__file__).resolve().parents[1]
RUNTIME = "python3.11"
ECHO_NAMESPACE = "inglenook-bench"
_SCRAPE = (
    "import sys, urllib.request as web;"
    "print(web.urlopen(f'http://{sys.argv[1]}:9552/metrics', timeout=10).read().decode())"
)


class Platform:
    """The platform under test."""

    def __init__(self, namespace: str, service: str) -> None:
        """Find it. Ends the program if no node's port leads to it."""
        self.namespace = namespace
        settings = json.loads(
            kubectl("get", "configmap", "inglenook-settings", "-o", "json", namespace=namespace)
        )
        self.settings: dict[str, str] = settings["data"]
        self.functions = self.settings["INGLENOOK_CLUSTER_FUNCTIONS_NAMESPACE"]
        try:
            self.url = node_port(service, 9550, namespace)[0]
        except KeyError:
            sys.exit(
                f"the Service {service} has no port on the nodes: gateway.service.type=NodePort"
            )
        self.client: Any = boto3.client(
            "lambda",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=botocore.config.Config(retries={"total_max_attempts": 3}),
        )

    def invoke_url(self, name: str) -> str:
        """Return where a function is invoked."""
        return f"{self.url}/2015-03-31/functions/{name}/invocations"

    def pool(self) -> dict[str, int]:
        """Return how many pods wait for functions, at least and at most."""
        runtime = kubectl(
            *("get", "runtime.inglenook.dev", RUNTIME, "-o", "json"), namespace=self.functions
        )
        found: dict[str, int] = json.loads(runtime)["spec"]["pool"]
        return found

    @contextlib.contextmanager
    def pool_of(self, least: int, most: int) -> Iterator[None]:
        """Have a pool of another size until the block ends."""
        before = self.pool()
        try:
            self.set_pool(least, most)
            until("the pool has its size", lambda: self._has_pool_of(least, most), 90)
            yield
        finally:
            self.set_pool(before["min"], before["max"])

    def set_pool(self, least: int, most: int) -> None:
        """Ask for a pool of another size; it has it some time later."""
        kubectl(
            *("patch", "runtime.inglenook.dev", RUNTIME, "--type=merge"),
            *("-p", json.dumps({"spec": {"pool": {"min": least, "max": most}}})),
            namespace=self.functions,
        )

    def _has_pool_of(self, least: int, most: int) -> bool:
        pods = self.free_pods()
        conditions = [each for pod in pods for each in pod["status"].get("conditions", ())]
        ready = sum(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        retire = any(p["metadata"]["labels"]["inglenook.dev/state"] == "retiring" for p in pods)
        return least <= ready <= len(pods) <= most and not retire

    def free_pods(self) -> list[Any]:
        """Return the pods that functions of the runtime may still be given."""
        selector = f"inglenook.dev/pool={RUNTIME},inglenook.dev/state in (pooled,retiring)"
        found = objects("pods", selector, self.functions)
        return [one for one in found if "deletionTimestamp" not in one["metadata"]]

    def taken_pods(self) -> list[Any]:
        """Return the pods that are some function's."""
        return objects("pods", "inglenook.dev/state=specialised", self.functions)

    def metrics(self) -> list[str]:
        """Return the pages of metrics of all gateways."""
        pods = objects("pods", "app.kubernetes.io/component=gateway", self.namespace)
        return [
            kubectl(
                *("exec", pod["metadata"]["name"], "--", "python", "-c", _SCRAPE),
                pod["status"]["podIP"],
                namespace=self.namespace,
            )
            for pod in pods
        ]

    def summaries(self) -> list[Any]:
        """Return what the kubelets tell of what containers take."""
        nodes = [node["metadata"]["name"] for node in objects("nodes")]
        paths = [f"/api/v1/nodes/{name}/proxy/stats/summary" for name in nodes]
        return [json.loads(kubectl("get", "--raw", path)) for path in paths]

    def conditions(self) -> dict[str, object]:
        """Return what figures depend on, beside the machine."""
        nodes = [node["status"] for node in objects("nodes")]
        parts = [
            one
            for kind in ("deployments", "statefulsets")
            for one in objects(kind, "app.kubernetes.io/part-of=inglenook", self.namespace)
        ]
        pods = objects("pods", "app.kubernetes.io/component=gateway", self.namespace)
        idle = self.settings.get("INGLENOOK_GATEWAY_ENVIRONMENT_IDLE_TIMEOUT_S", "600")
        return {
            "kubernetes": nodes[0]["nodeInfo"]["kubeletVersion"],
            "nodes": [f"{node['capacity']['cpu']} cores" for node in nodes],
            "replicas": {p["metadata"]["name"]: p["spec"]["replicas"] for p in parts},
            "image": pods[0]["status"]["containerStatuses"][0]["imageID"],
            "pool": self.pool(),
            "environment_idle_timeout_s": float(idle),
            "load_before": round(os.getloadavg()[0], 2),
        }


@contextlib.contextmanager
def echo(image: str) -> Iterator[str]:
    """Have a bare aiohttp server on every node until the block ends; give its URL."""
    program = kubectl(
        *("create", "configmap", "echo", f"--from-file={BENCH / 'echo_server.py'}"),
        *("--dry-run=client", "-o", "yaml"),
        namespace=ECHO_NAMESPACE,
    )
    manifest = string.Template((BENCH / "echo.yaml").read_text()).substitute(IMAGE=image)
    try:
        kubectl("apply", "-f", "-", text=f"{manifest}---\n{program}")
        kubectl("rollout", "status", "daemonset/echo", "--timeout=90s", namespace=ECHO_NAMESPACE)
        url = node_port("echo", 80, ECHO_NAMESPACE)[0] + "/"
        # The nodes hear of the Service some seconds later.
        until("the server answers", lambda: calls.alone(url, "{}").failure is None)
        yield url
    finally:
        kubectl("delete", "namespace", ECHO_NAMESPACE, "--timeout=90s", "--ignore-not-found")
