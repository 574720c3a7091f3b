"""An operator and a gateway of the checkout, at work on a namespace of a real cluster.

Both are processes of their own, as in pods; NATS is a real server. Pods of the namespace are not
reached from here, so nothing is invoked: what is tried is what the two write.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from kubernetes import client, config, watch
from support import nats_server

_GROUP, _VERSION = "inglenook.dev", "v1"
_SECRET = "of-a-test"
_GATEWAY = "gateway-of-a-test"
_WAIT_S = 40


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class OperatorSite:
    """A namespace with an operator, and the processes that keep it."""

    def __init__(self, namespace: str, folder: Path, nats: str) -> None:
        self.namespace = namespace
        self.custom, self.core = client.CustomObjectsApi(), client.CoreV1Api()
        self._folder = folder
        self._api_port = free_port()
        self.operators: list[subprocess.Popen[bytes]] = []
        secret = folder / "secret"
        secret.write_text(_SECRET)
        cluster = {
            "FUNCTIONS_NAMESPACE": namespace,
            "NAMESPACE": namespace,
            "SECRET_FILE": str(secret),
            "NATS_URL": nats,
            "HTTP_PORT": str(self._api_port),
            "PEERS_PORT": str(free_port()),
            "POD_NAME": _GATEWAY,
        }
        self._variables = {f"INGLENOOK_CLUSTER_{key}": value for key, value in cluster.items()}
        self._variables |= {
            "INGLENOOK_OPERATOR_API_URL": self.endpoint,
            "INGLENOOK_OPERATOR_AGENT_IMAGE": "inglenook/no-such-agent:1",
            "INGLENOOK_OPERATOR_AGENT_IMAGE_PULL_POLICY": "Never",
            "INGLENOOK_OPERATOR_RESYNC_INTERVAL_S": "5",
        }
        self._gateway: subprocess.Popen[bytes] | None = None
        self._status_port = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._api_port}"

    @property
    def aws(self) -> Any:
        return boto3.client(
            "lambda",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )

    def start_operator(self) -> subprocess.Popen[bytes]:
        """Start one more replica; return once it stands by."""
        started = self._start("inglenook_operator")
        self.operators.append(started)
        while started.poll() is None and not _listens(self._status_port):
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(0.1)
        return started

    def start_gateway(self) -> None:
        self._gateway = self._start("inglenook_gateway")

    def leader(self) -> str:
        """Wait for a leader; return who it is."""
        api = client.CoordinationV1Api()
        for event in watch.Watch().stream(
            api.list_namespaced_lease, self.namespace, timeout_seconds=_WAIT_S
        ):
            holder = event["object"].spec.holder_identity
            if event["object"].metadata.name == "inglenook-operator" and holder:
                return str(holder)
        raise AssertionError("nobody leads")

    def lease_changes(self, until: Callable[[str], bool]) -> str:
        """Wait until the lease's holder is as wanted; return it."""
        api = client.CoordinationV1Api()
        for event in watch.Watch().stream(
            api.list_namespaced_lease, self.namespace, timeout_seconds=_WAIT_S
        ):
            holder = event["object"].spec.holder_identity or ""
            if until(holder):
                return holder
        raise AssertionError("the lease does not change")

    def apply(self, kind: str, plural: str, name: str, spec: dict[str, Any]) -> None:
        """Create a resource, as kubectl does."""
        body = {
            "apiVersion": f"{_GROUP}/{_VERSION}",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        self.custom.create_namespaced_custom_object(_GROUP, _VERSION, self.namespace, plural, body)

    def patch(self, plural: str, name: str, spec: dict[str, Any]) -> None:
        self.custom.patch_namespaced_custom_object(
            _GROUP, _VERSION, self.namespace, plural, name, {"spec": spec}
        )

    def delete(self, plural: str, name: str) -> None:
        self.custom.delete_namespaced_custom_object(_GROUP, _VERSION, self.namespace, plural, name)

    def until(
        self, plural: str, name: str, is_so: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Wait until a resource is as wanted; return it."""
        last: dict[str, Any] = {}
        for event in watch.Watch().stream(
            self.custom.list_namespaced_custom_object,
            *(_GROUP, _VERSION, self.namespace, plural),
            timeout_seconds=_WAIT_S,
        ):
            one: dict[str, Any] = event["object"]
            if one["metadata"]["name"] == name and event["type"] != "DELETED":
                last = one
                if is_so(one):
                    return one
        raise AssertionError(f"{plural} {name} stays {json.dumps(last)}\n{self.logs()}")

    def until_gone(self, plural: str, name: str) -> None:
        """Wait until a resource is gone."""
        where = (_GROUP, _VERSION, self.namespace, plural)
        listed = self.custom.list_namespaced_custom_object(*where)
        if all(each["metadata"]["name"] != name for each in listed["items"]):
            return
        for event in watch.Watch().stream(
            self.custom.list_namespaced_custom_object,
            *where,
            # What has gone meanwhile is told as well.
            resource_version=listed["metadata"]["resourceVersion"],
            timeout_seconds=_WAIT_S,
        ):
            if event["object"]["metadata"]["name"] == name and event["type"] == "DELETED":
                return
        raise AssertionError(f"{plural} {name} stays\n{self.logs()}")

    def pods_until(self, is_so: Callable[[list[Any]], bool]) -> list[Any]:
        """Wait until the namespace's pods, those on their way left out, are as wanted."""
        found: dict[str, Any] = {}
        for event in watch.Watch().stream(
            self.core.list_namespaced_pod, self.namespace, timeout_seconds=_WAIT_S
        ):
            one = event["object"]
            if event["type"] == "DELETED" or one.metadata.deletion_timestamp:
                found.pop(one.metadata.name, None)
            else:
                found[one.metadata.name] = one
            if is_so(list(found.values())):
                return list(found.values())
        raise AssertionError(f"the pods stay {sorted(found)}\n{self.logs()}")

    def events(self, name: str) -> list[str]:
        """Return the reasons of the Events about a resource."""
        listed = self.core.list_namespaced_event(
            self.namespace, field_selector=f"involvedObject.name={name}"
        )
        return [one.reason for one in listed.items]

    def logs(self) -> str:
        return "".join(path.read_text()[-4000:] for path in sorted(self._folder.glob("*.log")))

    def close(self) -> None:
        for process in (*self.operators, self._gateway):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in (*self.operators, self._gateway):
            if process is None:
                continue
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, module: str) -> subprocess.Popen[bytes]:
        log = self._folder / f"{module}-{len(self.operators)}.log"
        self._status_port = free_port()
        with log.open("wb") as out:
            return subprocess.Popen(
                [sys.executable, "-m", module],
                env=os.environ
                | self._variables
                | {"INGLENOOK_CLUSTER_STATUS_PORT": str(self._status_port)},
                stdout=out,
                stderr=out,
            )


@contextmanager
def operator_site(folder: Path) -> Iterator[OperatorSite]:
    """Make a site with a gateway and one operator; remove all of it in the end."""
    config.load_kube_config()
    known = client.ApiextensionsV1Api().list_custom_resource_definition()
    if f"functions.{_GROUP}" not in {one.metadata.name for one in known.items}:
        pytest.skip("the cluster does not have the custom resource definitions")
    namespace = f"inglenook-operator-{uuid.uuid4().hex[:8]}"
    core = client.CoreV1Api()
    core.create_namespace({"metadata": {"name": namespace}})
    core.create_namespaced_secret(
        namespace, {"metadata": {"name": "inglenook-secret"}, "stringData": {"secret": _SECRET}}
    )
    try:
        with nats_server.running(folder) as nats:
            site = OperatorSite(namespace, folder, nats.url)
            _be_a_gateway(site)
            site.start_gateway()
            site.start_operator()
            try:
                yield site
            finally:
                site.close()
    finally:
        _empty(namespace)
        core.delete_namespace(namespace)


def _be_a_gateway(site: OperatorSite) -> None:
    """Name the gateway of the site among the ready endpoints of the gateways' Service."""
    service = {"metadata": {"name": "inglenook-gateways"}, "spec": {"clusterIP": "None"}}
    service["spec"]["ports"] = [{"port": 9551}]  # type: ignore[index] # a manifest
    site.core.create_namespaced_service(site.namespace, service)
    target = {"kind": "Pod", "name": _GATEWAY, "namespace": site.namespace}
    endpoint = {
        "addresses": ["192.0.2.1"],
        "conditions": {"ready": True},
        "targetRef": target,
    }
    client.DiscoveryV1Api().create_namespaced_endpoint_slice(
        site.namespace,
        {
            "metadata": {
                "name": "inglenook-gateways-1",
                "labels": {"kubernetes.io/service-name": "inglenook-gateways"},
            },
            "addressType": "IPv4",
            "endpoints": [endpoint],
            "ports": [{"port": 9551}],
        },
    )


def _empty(namespace: str) -> None:
    """Take the finalizers off what is left: nobody is there any more to do so."""
    custom = client.CustomObjectsApi()
    place = (_GROUP, _VERSION, namespace, "functions")
    for one in custom.list_namespaced_custom_object(*place)["items"]:
        custom.patch_namespaced_custom_object(
            *place, one["metadata"]["name"], {"metadata": {"finalizers": None}}
        )
