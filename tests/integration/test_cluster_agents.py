"""A dispatcher with a pod of real processes: code is sent, a function runs, another takes over."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from support import pod_stand
from support.kube_api import KubeApi, serving
from support.scripted_agents import SPEC, event, soon

from inglenook import settings
from inglenook.aio.clock import SystemClock
from inglenook.model import function
from inglenook.wire import messages
from inglenook_cluster import labels
from inglenook_cluster.kube import requests
from inglenook_gateway.cluster import supply
from inglenook_gateway.dispatch import dispatcher, handover, pods

SOURCE = """
COUNT = 0

def handler(event, context):
    global COUNT
    COUNT += 1
    return {"event": event, "count": COUNT, "version": context.function_version}
"""
PACKAGE = pod_stand.zipped({"app.py": SOURCE, "big.bin": "x" * 3_000_000})
VERSION = messages.VersionId(function_name="f", function_uid="u", version="7", generation=1)


class Gateways:
    """Gateways over the one pod that there is."""

    def __init__(self, client: requests.Requests, port: int, blobs: dict[str, bytes]) -> None:
        self._client = client
        self._port = port
        self._blobs = blobs
        (sha256,) = blobs
        self.spec = msgspec.structs.replace(
            SPEC,
            code=function.Code(sha256=sha256, size_bytes=len(blobs[sha256])),
            runtime=pod_stand.RUNTIME_NAME,
        )

    async def _read(self, sha256: str) -> bytes:
        return self._blobs[sha256]

    @asynccontextmanager
    async def gateway(self, name: str) -> AsyncIterator[dispatcher.Dispatcher]:
        died: list[str] = []
        place = supply.Place(
            gateway=name, namespace="functions", agent_port=self._port, secret=pod_stand.SECRET
        )
        pods_of = supply.ClusterPods(
            self._client, place, resource_name=str, time=SystemClock(), died=died.append
        )
        pods_of.start()
        made = dispatcher.Dispatcher(
            supply=pods_of, time=SystemClock(), limits=settings.Gateway(drain_timeout_s=1),
            region="us-east-1", account="000000000000",
            remote=pods.Remote(
                read=self._read, census=pods_of, current={VERSION: self.spec}.get
            ),
        )  # fmt: skip
        try:
            yield made
        finally:
            await made.close()
            await pods_of.close()
            assert died == []

    async def call(self, runner: dispatcher.Dispatcher, payload: object) -> object:
        async with asyncio.timeout(20):
            outcome = await runner.invoke(VERSION, self.spec, event(json.dumps(payload).encode()))
        assert outcome.result.error is None, bytes(outcome.payload)
        return json.loads(bytes(outcome.payload))


@pytest.fixture
def api() -> KubeApi:
    return KubeApi()


@pytest.fixture
async def pod(tmp_path: Path) -> AsyncIterator[pod_stand.Pod]:
    async with pod_stand.pod(tmp_path) as made:
        yield made


@pytest.fixture
async def gateways(api: KubeApi, pod: pod_stand.Pod) -> AsyncIterator[Gateways]:
    api.put(
        {
            "metadata": {
                "name": "pod-1",
                "uid": "uid-1",
                "labels": {labels.POOL: pod_stand.RUNTIME_NAME, labels.STATE: labels.POOLED},
            },
            "status": {
                "phase": "Running",
                "podIP": "127.0.0.1",
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
    )
    async with serving(api) as client:
        yield Gateways(client, pod.port, {hashlib.sha256(PACKAGE).hexdigest(): PACKAGE})


async def test_a_function_runs_in_a_pod_and_goes_over_to_another_gateway_warm(
    gateways: Gateways, api: KubeApi
) -> None:
    returned: list[handover.Returned] = []
    async with gateways.gateway("gateway-1") as one, gateways.gateway("gateway-2") as two:
        assert await gateways.call(one, "a") == {"event": "a", "count": 1, "version": "7"}
        assert await gateways.call(one, "b") == {"event": "b", "count": 2, "version": "7"}
        await soon(lambda: "annotations" in api.pods["pod-1"]["metadata"])
        one.relinquish("f", returned.append)
        await two.take_over("f")
        assert two.environments() == {VERSION: 1}
        assert await gateways.call(two, "c") == {"event": "c", "count": 3, "version": "7"}
        assert returned == []


async def test_a_gateway_that_goes_leaves_warm_environments_to_the_next(
    gateways: Gateways,
) -> None:
    async with gateways.gateway("gateway-1") as one:
        await gateways.call(one, "a")
    async with gateways.gateway("gateway-2") as two:
        await two.take_over("f")
        assert await gateways.call(two, "b") == {"event": "b", "count": 2, "version": "7"}


async def test_a_pod_ends_when_its_last_environment_has_been_idle_for_long(
    gateways: Gateways, pod: pod_stand.Pod
) -> None:
    async with gateways.gateway("gateway-1") as one:
        await gateways.call(one, "a")
        fleet = one._fleets[VERSION]
        for environment in fleet._environments.idle_since_before(float("inf")):
            environment.stop()
        await soon(lambda: not fleet._leases.links[0].held)
        fleet.reap()
        assert await pod.ended() == (0, 0)
