"""The map of pods against a real API server, with pods that no node ever runs."""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.pod_agents import SECRET, PodAgent, listen
from support.scripted_agents import soon

from inglenook import errors
from inglenook.aio.clock import SystemClock
from inglenook.wire import messages
from inglenook_cluster import labels
from inglenook_cluster.kube import client, requests
from inglenook_gateway.cluster import labelling, supply
from inglenook_gateway.dispatch import pods

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not os.environ.get("KUBECONFIG"), reason="needs a Kubernetes cluster: KUBECONFIG is not set"
    ),
]

POOL = "python3.11"
VERSION = messages.VersionId(function_name="F_1", function_uid="u", version="$LATEST", generation=1)
WANTED = pods.Wanted(version=VERSION, runtime=POOL, memory_mb=128, environments_max=1)
PORT = 19600


class Namespace:
    """A namespace of this test, and pods in it that are agents here."""

    def __init__(self, api: requests.Requests, name: str) -> None:
        self.api = api
        self.name = name
        self._path = f"/api/v1/namespaces/{name}/pods"
        self._servers: list[asyncio.Server] = []

    async def pod(self, number: int) -> PodAgent:
        """Make a pod; it is ready, says its status, at an address of this machine."""
        name, address = f"pod-{number}", f"127.0.1.{number + 10}"
        agent = PodAgent(name)
        self._servers.append(await listen(agent, address, PORT))
        made = {
            "metadata": {
                "name": name,
                "labels": {
                    **dict(each.split("=") for each in labels.SELECTOR.split(",")),
                    labels.POOL: POOL,
                    labels.STATE: labels.POOLED,
                },
            },
            "spec": {
                "nodeSelector": {"no-node": "has-this"},
                "containers": [{"name": "function", "image": "none"}],
            },
        }
        await self.api.send("POST", self._path, body=made)
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        await self.api.send(
            "PATCH",
            f"{self._path}/{name}/status",
            body={"status": status},
            content_type=requests.MERGE_PATCH,
        )
        return agent

    async def delete_pod(self, name: str) -> None:
        await self.api.send("DELETE", f"{self._path}/{name}", body={"gracePeriodSeconds": 0})

    async def metadata(self, name: str) -> dict[str, Any]:
        found = json.loads(await self.api.send("GET", f"{self._path}/{name}"))
        return dict(found["metadata"])

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        await self.api.send("DELETE", f"/api/v1/namespaces/{self.name}")


@pytest.fixture
async def namespace() -> AsyncIterator[Namespace]:
    async with client.opened() as opened:
        api = requests.Requests(opened)
        name = f"inglenook-pods-{uuid.uuid4().hex[:8]}"
        await api.send("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
        made = Namespace(api, name)
        try:
            yield made
        finally:
            await made.close()


@pytest.fixture
async def gateway(namespace: Namespace) -> AsyncIterator[supply.ClusterPods]:
    died: list[str] = []
    place = supply.Place(
        gateway="gateway-1", namespace=namespace.name, agent_port=PORT, secret=SECRET
    )
    made = supply.ClusterPods(
        namespace.api, place, resource_name=str.lower, time=SystemClock(), died=died.append
    )
    made.start()
    async with asyncio.timeout(10):
        await made.ready()
    yield made
    await made.close()
    assert died == []


async def test_pods_that_come_are_leased_labelled_and_forgotten(
    namespace: Namespace, gateway: supply.ClusterPods
) -> None:
    await namespace.pod(0)
    await soon(lambda: gateway.free == {POOL: 1})
    leased = await gateway.lease(WANTED, is_ahead=False)
    assert leased.name == "pod-0"
    leasing = asyncio.get_running_loop().create_task(gateway.lease(WANTED, is_ahead=False))
    await soon(lambda: gateway.waiting == {POOL: 1})
    leased.specialised(WANTED)
    async with asyncio.timeout(10):
        # The server does not say when it is written but to a watch, which is what is tested.
        while "annotations" not in (meta := await namespace.metadata("pod-0")):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert meta["labels"][labels.STATE] == "specialised"
    assert meta["labels"][labels.FUNCTION] == "f_1"
    assert meta["labels"][labels.VERSION] == "LATEST"
    assert meta["annotations"][labels.FUNCTION_NAME] == "F_1"
    leased.connection.close("done")
    await namespace.pod(1)
    async with asyncio.timeout(10):
        second = await leasing
    assert second.name == "pod-1"
    second.connection.close("done")
    await namespace.pod(2)
    await soon(lambda: gateway.free == {POOL: 1})
    await namespace.delete_pod("pod-2")
    await soon(lambda: gateway.free == {POOL: 0})


async def test_a_runtime_that_the_cluster_does_not_have_is_refused(
    gateway: supply.ClusterPods,
) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(errors.InvalidRuntimeError):
            await gateway.lease(WANTED, is_ahead=False)


async def test_pods_of_a_function_are_found_by_their_labels_and_by_their_word(
    namespace: Namespace, gateway: supply.ClusterPods
) -> None:
    labelled, silent = await namespace.pod(2), await namespace.pod(3)
    await namespace.pod(4)
    await soon(lambda: gateway.free == {POOL: 3})
    for agent in (labelled, silent):
        agent.version = VERSION
    await namespace.api.send(
        "PATCH",
        f"/api/v1/namespaces/{namespace.name}/pods/pod-2",
        body=labelling.patch(WANTED, "f-1"),
        content_type=requests.MERGE_PATCH,
    )
    await soon(lambda: gateway.free == {POOL: 2})
    await gateway.take()
    found = await gateway.of("F_1", set())
    assert sorted(pod.name for pod, _ in found) == ["pod-2", "pod-3"]
    for pod, _ in found:
        pod.connection.close("done")
