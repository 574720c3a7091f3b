"""The operator lets pods of a node that is gone go, and no others, over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from inglenook.aio import clock
from inglenook.settings import CpuLimits
from inglenook_cluster import labels
from inglenook_cluster.kube import access, client, requests
from inglenook_operator.cluster import api, events, index
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.control.tending import Tending
from inglenook_operator.reconcile import conditions

NAMESPACE = "functions"


class Cluster:
    """Pods on two nodes, as an API server has them."""

    def __init__(self) -> None:
        self.nodes = {"node0": "True", "node1": "True"}
        self.deleted: list[tuple[str, int | None]] = []
        self.looks = 0
        self.resized: list[Any] = []

    async def resize(self, request: web.Request) -> web.Response:
        self.resized.append(await request.json())
        return web.json_response(pod(request.match_info["name"], "node0"))

    async def node(self, request: web.Request) -> web.Response:
        self.looks += 1
        status = self.nodes.get(request.match_info["name"])
        if status is None:
            return web.json_response({"reason": "NotFound"}, status=404)
        return web.json_response({"status": {"conditions": [{"type": "Ready", "status": status}]}})

    async def delete(self, request: web.Request) -> web.Response:
        options = await request.json()
        name = request.match_info["name"]
        assert options["preconditions"] == {"uid": f"uid-{name}"}
        grace_s = options.get("gracePeriodSeconds")
        self.deleted.append((name, grace_s))
        return web.json_response({"kind": "Status"})


def pod(name: str, node: str, *, left_s: float | None = None, ready: str = "True") -> Any:
    now = clock.SystemClock().now()
    metadata: dict[str, Any] = {
        "name": name,
        "uid": f"uid-{name}",
        "resourceVersion": "1",
        "namespace": NAMESPACE,
        "creationTimestamp": conditions.stamp(now - 100),
        "labels": {labels.STATE: labels.SPECIALISED, labels.POOL: "python3.11"},
    }
    if left_s is not None:
        metadata["deletionTimestamp"] = conditions.stamp(now - left_s + 930)
        metadata["deletionGracePeriodSeconds"] = 930
    said = [{"type": "Ready", "status": ready}, {"type": "ContainersReady", "status": "True"}]
    return {
        "metadata": metadata,
        "spec": {"nodeName": node},
        "status": {"phase": "Running", "conditions": said},
    }


@asynccontextmanager
async def tending(cluster: Cluster, *known: Any) -> AsyncIterator[Tending]:
    application = web.Application()
    application.router.add_get("/api/v1/nodes/{name}", cluster.node)
    application.router.add_delete(f"/api/v1/namespaces/{NAMESPACE}/pods/{{name}}", cluster.delete)
    resize = f"/api/v1/namespaces/{NAMESPACE}/pods/{{name}}/resize"
    application.router.add_patch(resize, cluster.resize)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    to = access.Access(server=f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        async with client.Client(to) as opened:
            calls = api.Api(requests.Requests(opened))
            time = clock.SystemClock()
            seen = index.Index(lambda *_: None)
            for one in known:
                seen.put("pods", one)
            yield Tending(
                Surroundings(
                    api=calls,
                    index=seen,
                    events=events.Events(api=calls, time=time),
                    namespace=NAMESPACE,
                    clock=time,
                ),
                cpu_limits=CpuLimits.PROPORTIONAL,
            )
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("state", ["Unknown", None])
async def test_pods_of_a_node_that_is_gone_are_let_go_and_those_of_others_are_not(
    state: str | None,
) -> None:
    cluster = Cluster()
    if state is None:
        del cluster.nodes["node0"]
    else:
        cluster.nodes["node0"] = state
    known = [
        pod("leaving-0", "node0", left_s=100),
        pod("leaving-1", "node1", left_s=100),
        pod("cut-off-0", "node0", ready="False"),
        pod("cut-off-1", "node1", ready="False"),
        pod("well-0", "node0"),
        pod("well-1", "node1"),
    ]
    async with tending(cluster, *known) as tended:
        for one in known:
            await tended.reconcile(one["metadata"]["name"])
    assert cluster.deleted == [("leaving-0", 0), ("cut-off-0", None)]
    assert cluster.looks == 2, "one look does for all pods of a node"


async def test_a_pod_whose_kubelet_is_in_trouble_is_left_to_it() -> None:
    cluster = Cluster()
    cluster.nodes["node0"] = "False"
    async with tending(cluster, pod("leaving", "node0", left_s=100)) as tended:
        assert await tended.reconcile("leaving") == 5.0
    assert cluster.deleted == []


def specialised(memory_mb: int, **more: str) -> Any:
    one = pod("p", "node0")
    limits = {"cpu": "1", "memory": "512Mi"}
    one["spec"]["containers"] = [{"name": "function", "resources": {"limits": limits}}]
    one["metadata"]["annotations"] = {labels.MEMORY_MB: str(memory_mb), **more}
    return one


@pytest.mark.parametrize(
    ("memory_mb", "in_init", "after"),
    [
        (128, None, {"cpu": "72m", "memory": "160Mi"}),
        (1024, {"memory": "1056Mi"}, {"cpu": "578m", "memory": "1056Mi"}),
        (3008, {"cpu": "1700m", "memory": "3040Mi"}, {"cpu": "1700m", "memory": "3040Mi"}),
    ],
)
async def test_a_pod_is_made_larger_for_its_init_and_smaller_only_after_it(
    memory_mb: int, in_init: Any, after: Any
) -> None:
    cluster = Cluster()

    def limits() -> list[Any]:
        return [one["spec"]["containers"][0]["resources"]["limits"] for one in cluster.resized]

    async with tending(cluster, specialised(memory_mb)) as tended:
        assert await tended.reconcile("p") is None
        assert limits() == ([] if in_init is None else [in_init])
    cluster.resized.clear()
    async with tending(cluster, specialised(memory_mb, **{labels.STARTED: "true"})) as tended:
        assert await tended.reconcile("p") is None
        assert limits() == [after]
