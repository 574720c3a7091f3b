"""A real cluster with the platform on it, as tests use it: kubectl, boto3, and waiting by watching.

Nothing here waits by sleeping, and everything that waits has a deadline.
"""

import concurrent.futures
import contextlib
import io
import json
import os
import socket
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import kubernetes
import yaml
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Manifest = Mapping[str, Any]
PLATFORM = os.environ.get("INGLENOOK_NAMESPACE", "inglenook")
"""The namespace of the platform's own parts."""
ROLE = "arn:aws:iam::000000000000:role/any"
FUNCTION_PODS = "app.kubernetes.io/component=function"
CONNECT_TIMEOUT_S = 2.0
DEADLINE_S = 90.0


class RefusedError(Exception):
    """Kubectl says no; the message is what it says."""


def kubectl(*arguments: str, text: str | None = None, deadline_s: float = DEADLINE_S) -> str:
    """Run kubectl and return what it prints. Raises RefusedError."""
    done = subprocess.run(
        ["kubectl", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=deadline_s + 10,
        check=False,
    )
    if done.returncode != 0:
        raise RefusedError(done.stderr)
    return done.stdout


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """The custom resources of the functions' namespace, by way of kubectl."""

    namespace: str
    made: list[tuple[str, str]] = field(default_factory=list)

    def apply(self, *manifests: Manifest) -> None:
        """Apply manifests. Raises RefusedError."""
        for each in manifests:
            self.made.append((each["kind"], each["metadata"]["name"]))
        text = yaml.safe_dump_all(manifests)
        _ = kubectl("apply", "--namespace", self.namespace, "--filename=-", text=text)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Return a resource. Raises RefusedError."""
        found = kubectl("get", kind, name, "--namespace", self.namespace, "--output=json")
        read = json.loads(found)
        assert isinstance(read, dict)
        return read

    def exists(self, kind: str, name: str) -> bool:
        flags = ("--namespace", self.namespace, "--ignore-not-found", "--output=name")
        return bool(kubectl("get", kind, name, *flags))

    def delete(self, kind: str, name: str, *, deadline_s: float = DEADLINE_S) -> None:
        """Delete a resource, and wait until it has gone."""
        wait = ("--ignore-not-found", f"--timeout={deadline_s:.0f}s")
        _ = kubectl("delete", kind, name, "--namespace", self.namespace, *wait)

    def until(self, kind: str, name: str, condition: str, deadline_s: float = DEADLINE_S) -> None:
        """Wait for what `kubectl wait --for` understands. Raises RefusedError."""
        wait = (f"--for={condition}", f"--timeout={deadline_s:.0f}s")
        _ = kubectl(
            *("wait", f"{kind}/{name}", "--namespace", self.namespace, *wait),
            deadline_s=deadline_s,
        )

    def until_observed(self, kind: str, name: str) -> None:
        """Wait until the platform has looked at what was applied last."""
        generation = self.get(kind, name)["metadata"]["generation"]
        self.until(kind, name, f"jsonpath={{.status.observedGeneration}}={generation}")

    def until_ready(self, name: str) -> None:
        """Wait until a function runs what was applied last."""
        self.until_observed("function", name)
        self.until("function", name, "condition=Ready")
        self.until("function", name, "jsonpath={.status.lastUpdateStatus}=Successful")

    def condition(self, kind: str, name: str, of_type: str) -> dict[str, Any]:
        """Return one of a resource's conditions."""
        found = self.get(kind, name)["status"]["conditions"]
        [condition] = [each for each in found if each["type"] == of_type]
        assert isinstance(condition, dict)
        return condition

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return what the platform has said of a resource as Events."""
        flags = (f"--field-selector=involvedObject.name={name}", "--output=json")
        found = json.loads(kubectl("get", "events", "--namespace", self.namespace, *flags))
        return list(found["items"])

    def pods(self, selector: str) -> "Pods":
        return Pods(namespace=self.namespace, selector=f"{FUNCTION_PODS},{selector}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pods:
    """The pods that a selector finds, followed by a watch."""

    namespace: str
    selector: str

    def until(
        self, holds: Callable[[Sequence[Any]], bool], deadline_s: float = DEADLINE_S
    ) -> list[Any]:
        """Return the pods, once something holds of them. Raises TimeoutError."""
        with kubernetes.client.ApiClient() as client:
            api = kubernetes.client.CoreV1Api(client)
            wanted = {"namespace": self.namespace, "label_selector": self.selector}
            until = time.monotonic() + deadline_s
            while (left := until - time.monotonic()) > 0:
                listed = api.list_namespaced_pod(**wanted)
                now = {each.metadata.uid: each for each in listed.items}
                if holds(list(now.values())):
                    return list(now.values())
                version = listed.metadata.resource_version
                watched = kubernetes.watch.Watch().stream(
                    api.list_namespaced_pod,
                    **wanted,
                    resource_version=version,
                    timeout_seconds=max(1, round(left)),
                )
                with contextlib.closing(watched):
                    for event in watched:
                        pod = event["object"]
                        now.pop(pod.metadata.uid, None)
                        if event["type"] != "DELETED":
                            now[pod.metadata.uid] = pod
                        if holds(list(now.values())):
                            return list(now.values())
        raise TimeoutError(f"{self.selector}: {[each.metadata.name for each in now.values()]}")


def client(endpoint: str, *, connections: int = 64, attempts: int = 1) -> "LambdaClient":
    """Return a client of the Lambda API that tries once."""
    return boto3.client(
        "lambda",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            retries={"total_max_attempts": attempts},
            max_pool_connections=connections,
            connect_timeout=5,
            read_timeout=100,
        ),
    )


def invoke(api: "LambdaClient", name: str, event: object = None, **more: Any) -> Any:
    """Return a function's answer. Fails if it is an error."""
    answer = api.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **more)
    payload = answer["Payload"].read()
    assert "FunctionError" not in answer, payload
    return json.loads(payload)


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call so often at the same time; return the answers in order."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def zipped(files: Mapping[str, str]) -> bytes:
    """Return a deployment package of executable files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, text)
    return packed.getvalue()


@contextlib.contextmanager
def gateway_addresses() -> Iterator[list[str]]:
    """Yield addresses of the Lambda API that lead to all gateways.

    Ports of the nodes, as far as they can be reached, each of which leads to any of the gateways;
    through kubectl's port forwarding to each of them otherwise.
    """
    flags = ("--namespace", PLATFORM, "--output=json")
    service = json.loads(kubectl("get", "service", "inglenook-gateway", *flags))
    port = service["spec"]["ports"][0].get("nodePort")
    internal = [
        address["address"]
        for node in json.loads(kubectl("get", "nodes", "--output=json"))["items"]
        for address in node["status"]["addresses"]
        if port and address["type"] == "InternalIP"
    ]
    if reached := [f"http://{each}:{port}" for each in internal if _answers(each, port)]:
        yield reached
        return
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(_forwarding(each)) for each in platform_pods("gateway")]
        yield [f"http://127.0.0.1:{each}" for each in ports]


def platform_pods(part: str) -> list[str]:
    """Return the names of the pods of a part of the platform that are not on their way out."""
    return [each["metadata"]["name"] for each in _staying(part)]


def nodes_of(part: str) -> set[str]:
    """Return the nodes that these pods are on."""
    return {each["spec"]["nodeName"] for each in _staying(part)}


def _staying(part: str) -> list[dict[str, Any]]:
    selector = f"--selector=app.kubernetes.io/component={part}"
    found = json.loads(kubectl("get", "pods", "--namespace", PLATFORM, selector, "--output=json"))
    return [each for each in found["items"] if "deletionTimestamp" not in each["metadata"]]


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def _forwarding(pod: str) -> Iterator[int]:
    command = ["kubectl", "port-forward", "--namespace", PLATFORM, f"pod/{pod}"]
    with subprocess.Popen([*command, ":9550"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            # Forwarding from 127.0.0.1:40123 -> 9550
            yield int(process.stdout.readline().split("->")[0].rsplit(":", 1)[1])
        finally:
            process.terminate()
