"""Pods leased over TCP, as an emulated Kubernetes API shows them."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from support import ports
from support.kube_api import KubeApi, Object, serving
from support.pod_agents import SECRET, PodAgent, listen
from support.scripted_agents import soon

from inglenook import errors
from inglenook.aio.clock import SystemClock
from inglenook.wire import messages
from inglenook_cluster import labels
from inglenook_cluster.kube import requests
from inglenook_gateway.cluster import runtimes, supply
from inglenook_gateway.dispatch import pods

POOL = "python3.11"
VERSION = messages.VersionId(function_name="f", function_uid="u", version="1", generation=1)
WANTED = pods.Wanted(version=VERSION, runtime=POOL, memory_mb=128, environments_max=1)


class Stand:
    """A cluster whose pods are agents on this machine, and gateways' views of it."""

    def __init__(self, api: KubeApi, client: requests.Requests) -> None:
        self.api = api
        self._client = client
        [self.port] = ports.free()
        self.agents: dict[str, PodAgent] = {}
        self.servers: dict[str, asyncio.Server] = {}
        self.died: list[str] = []
        self._supplies: list[supply.ClusterPods] = []

    async def pod(
        self, number: int, *, is_served: bool = True, is_ready: bool = True, pool: str = POOL
    ) -> PodAgent:
        name, address = f"pod-{number}", f"127.0.0.{number + 10}"
        agent = self.agents[name] = PodAgent(name)
        agent.is_starting = not is_ready
        if is_served:
            await self.serve(number)
        self.api.put(pod_object(name, address, pool, is_ready=is_ready))
        return agent

    async def serve(self, number: int) -> None:
        name, address = f"pod-{number}", f"127.0.0.{number + 10}"
        self.servers[name] = await listen(self.agents[name], address, self.port)

    async def supply(self, gateway: str = "gateway-1") -> supply.ClusterPods:
        place = supply.Place(
            gateway=gateway, namespace="functions", agent_port=self.port, secret=SECRET
        )
        made = supply.ClusterPods(
            self._client, place, resource_name=lambda name: f"{name}-resource",
            time=SystemClock(), died=self.died.append,
        )  # fmt: skip
        self._supplies.append(made)
        made.start()
        await made.ready()
        return made

    async def close(self) -> None:
        for each in self._supplies:
            await each.close()
        for agent in self.agents.values():
            agent.kill()
        for server in self.servers.values():
            server.close()
        assert self.died == []


def pod_object(name: str, address: str, pool: str = POOL, *, is_ready: bool = True) -> Object:
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "labels": {labels.POOL: pool, labels.STATE: labels.POOLED},
        },
        "status": {
            "phase": "Running",
            "podIP": address,
            "conditions": [{"type": "Ready", "status": str(is_ready)}],
        },
    }


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    api = KubeApi()
    api.runtimes[POOL] = {"metadata": {"name": POOL}}
    async with serving(api) as client:
        made = Stand(api, client)
        yield made
        await made.close()


async def lease(from_: supply.ClusterPods) -> pods.Pod:
    async with asyncio.timeout(10):
        return await from_.lease(WANTED, is_ahead=False)


async def test_a_lease_takes_a_connection_that_is_open_already(stand: Stand) -> None:
    agent = await stand.pod(0)
    gateway = await stand.supply()
    await soon(lambda: gateway.at_hand == {POOL: 1})
    leasing = asyncio.get_running_loop().create_task(lease(gateway))
    await asyncio.sleep(0)
    assert leasing.done()
    assert leasing.result().name == "pod-0"
    assert len(agent.callers) == 1
    leasing.result().connection.close("done")


async def test_a_pod_is_leased_as_soon_as_its_agent_says_that_it_has_started(stand: Stand) -> None:
    agent = await stand.pod(0, is_ready=False)
    gateway = await stand.supply()
    await soon(lambda: len(agent.callers) == 1)
    leasing = asyncio.get_running_loop().create_task(lease(gateway))
    await soon(lambda: gateway.waiting == {POOL: 1})
    assert (gateway.at_hand, gateway.free) == ({POOL: 0}, {POOL: 0})
    agent.start()
    leased = await leasing
    assert leased.name == "pod-0"
    assert len(agent.callers) == 1
    leased.connection.close("done")


async def test_a_pod_that_starts_is_knocked_at_until_its_agent_listens(stand: Stand) -> None:
    knocked = asyncio.Event()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        knocked.set()

    agent = await stand.pod(0, is_ready=False, is_served=False)
    async with await asyncio.start_server(hang_up, "127.0.0.10", stand.port):
        gateway = await stand.supply()
        leasing = asyncio.get_running_loop().create_task(lease(gateway))
        await knocked.wait()
    agent.is_starting = False
    await stand.serve(0)
    leased = await leasing
    assert leased.name == "pod-0"
    leased.connection.close("done")


async def test_a_pod_that_becomes_ready_or_goes_while_it_starts_is_not_left_over(
    stand: Stand,
) -> None:
    agents = [await stand.pod(number, is_ready=False) for number in range(2)]
    gateway = await stand.supply()
    await soon(lambda: all(len(agent.callers) == 1 for agent in agents))
    stand.api.put(pod_object("pod-0", "127.0.0.10"))
    await soon(lambda: gateway.at_hand == {POOL: 1})
    stand.api.delete("pod-1")
    await soon(lambda: agents[1].callers == [])
    leased = await lease(gateway)
    assert leased.name == "pod-0"
    assert len(agents[0].callers) == 1
    leased.connection.close("done")


async def test_a_pod_whose_agent_goes_while_it_starts_is_connected_to_again(stand: Stand) -> None:
    agent = await stand.pod(0, is_ready=False)
    gateway = await stand.supply()
    await soon(lambda: len(agent.callers) == 1)
    agent.kill()
    await soon(lambda: len(agent.callers) == 1)
    agent.start()
    await soon(lambda: gateway.at_hand == {POOL: 1})


async def test_more_are_leased_at_once_than_are_connected_to_ahead(stand: Stand) -> None:
    for number in range(20):
        await stand.pod(number)
    gateway = await stand.supply()
    leased = await asyncio.gather(*(lease(gateway) for _ in range(20)))
    assert {each.name for each in leased} == stand.agents.keys()
    for each in leased:
        each.connection.close("done")


async def test_who_finds_no_pod_waits_until_there_is_one(stand: Stand) -> None:
    gateway = await stand.supply()
    leasing = [asyncio.get_running_loop().create_task(lease(gateway)) for _ in range(2)]
    await soon(lambda: gateway.waiting == {POOL: 2})
    await stand.pod(0)
    await soon(leasing[0].done)
    assert gateway.waiting == {POOL: 1}
    await stand.pod(1)
    assert (await leasing[1]).name == "pod-1"
    for each in leasing:
        each.result().connection.close("done")


async def test_those_who_make_ready_ahead_wait_behind_those_with_callers(stand: Stand) -> None:
    gateway = await stand.supply()
    loop = asyncio.get_running_loop()
    ahead = loop.create_task(gateway.lease(WANTED, is_ahead=True))
    await soon(lambda: gateway.waiting == {POOL: 1})
    called = loop.create_task(gateway.lease(WANTED, is_ahead=False))
    await soon(lambda: gateway.waiting == {POOL: 2})
    await stand.pod(0)
    await soon(called.done)
    assert not ahead.done()
    called.result().connection.close("done")
    ahead.cancel()
    await soon(lambda: gateway.waiting == {})


async def test_a_runtime_that_the_cluster_does_not_have_is_refused(stand: Stand) -> None:
    gateway = await stand.supply()
    unknown = pods.Wanted(version=VERSION, runtime="cobol85", memory_mb=128)
    for _ in range(3):
        with pytest.raises(errors.InvalidRuntimeError, match="cobol85"):
            await gateway.lease(unknown, is_ahead=False)
    assert stand.api.gets == 1


async def test_a_pod_that_is_not_reached_is_passed_over_and_tried_again(stand: Stand) -> None:
    lonely = await stand.pod(0, is_served=False)
    gateway = await stand.supply()
    leasing = asyncio.get_running_loop().create_task(lease(gateway))
    await soon(lambda: gateway.waiting == {POOL: 1})
    stand.servers["pod-0"] = await listen(lonely, "127.0.0.10", stand.port)
    assert (await leasing).name == "pod-0"
    leasing.result().connection.close("done")


async def test_a_pod_that_another_gateway_has_is_not_leased(stand: Stand) -> None:
    taken = await stand.pod(0)
    taken.version = VERSION
    gateway = await stand.supply()
    leasing = asyncio.get_running_loop().create_task(lease(gateway))
    await soon(lambda: gateway.waiting == {POOL: 1} and gateway.free == {POOL: 0})
    await stand.pod(1)
    assert (await leasing).name == "pod-1"
    leasing.result().connection.close("done")


async def test_a_connection_is_given_up_when_another_has_the_pod(stand: Stand) -> None:
    agent = await stand.pod(0)
    gateway = await stand.supply()
    await soon(lambda: bool(agent.callers))
    taken = pod_object("pod-0", "127.0.0.10")
    taken["metadata"]["labels"][labels.STATE] = labels.SPECIALISED
    stand.api.put(taken)
    await soon(lambda: not agent.callers)
    assert gateway.free == {POOL: 0}


async def test_a_pod_that_is_given_back_is_leased_again(stand: Stand) -> None:
    agent = await stand.pod(0)
    gateway = await stand.supply()
    first = await lease(gateway)
    assert first.give_back is not None
    first.give_back()
    second = await lease(gateway)
    assert second.name == "pod-0"
    assert len(agent.callers) == 1
    second.connection.close("done")


async def test_a_specialised_pod_is_labelled_afterwards_however_long_it_takes(
    stand: Stand,
) -> None:
    await stand.pod(0)
    gateway = await stand.supply()
    leased = await lease(gateway)
    stand.api.is_away = True
    leased.specialised(WANTED)
    leased.started()
    stand.api.is_away = False
    async with asyncio.timeout(10):
        await stand.api.written.wait()
    meta = stand.api.pods["pod-0"]["metadata"]
    assert meta["labels"] == {
        labels.POOL: POOL, labels.STATE: "specialised", labels.VERSION: "1",
        labels.FUNCTION: "f-resource",
    }  # fmt: skip
    assert meta["annotations"][labels.FUNCTION_NAME] == "f"
    assert meta["annotations"][labels.STARTED] == "true"
    leased.connection.close("done")


async def test_that_an_environment_has_started_is_said_when_it_has(stand: Stand) -> None:
    await stand.pod(0)
    gateway = await stand.supply()
    leased = await lease(gateway)

    def said() -> Object:
        return dict(stand.api.pods["pod-0"]["metadata"].get("annotations", {}))

    leased.specialised(WANTED)
    await soon(lambda: labels.FUNCTION_NAME in said())
    assert labels.STARTED not in said()
    leased.started()
    await soon(lambda: labels.STARTED in said())
    assert said()[labels.MEMORY_MB] == "128"
    leased.connection.close("done")


async def test_who_adopts_a_pod_writes_what_a_dead_gateway_has_not(stand: Stand) -> None:
    for number in range(2):
        (await stand.pod(number)).version = VERSION
    labelled = stand.api.pods["pod-1"]
    labelled["metadata"]["annotations"] = {labels.FUNCTION_NAME: "f", labels.STARTED: "true"}
    stand.api.put(labelled)
    gateway = await stand.supply()
    await gateway.take()
    for found, _ in await gateway.of("f", set()):
        found.specialised(WANTED)
        found.started()
        found.connection.close("done")
    await soon(lambda: labels.STARTED in stand.api.pods["pod-0"]["metadata"].get("annotations", {}))
    assert stand.api.pods["pod-0"]["metadata"]["labels"][labels.STATE] == labels.SPECIALISED
    assert stand.api.pods["pod-1"]["metadata"]["labels"][labels.STATE] == labels.POOLED


async def test_demand_is_written_for_the_operator(stand: Stand) -> None:
    gateway = await stand.supply("gateway-7")
    leasing = asyncio.get_running_loop().create_task(lease(gateway))

    def said() -> Object:
        return dict(stand.api.runtimes[POOL].get("status", {}).get("demand", {}))

    await soon(lambda: bool(said()))
    demand = said()["gateway-7"]
    assert (demand["waiting"], demand["leased"], demand["pool"]) == (1, 0, POOL)
    leasing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leasing


async def test_pods_that_a_dead_gateway_left_without_labels_are_found(stand: Stand) -> None:
    for number in range(4):
        await stand.pod(number)
    stand.agents["pod-1"].version = VERSION
    stand.agents["pod-3"].version = messages.VersionId(
        function_name="g", function_uid="u", version="1", generation=1
    )
    gateway = await stand.supply()
    await gateway.take()
    (found, what), = await gateway.of("f", set())  # fmt: skip
    assert (found.name, what.version, found.is_local) == ("pod-1", VERSION, False)
    found.connection.close("done")
    assert await gateway.of("f", {"pod-1"}) == []
    both = await asyncio.gather(*(gateway.of(name, set()) for name in ("f", "g", "h")))
    assert [[pod.name for pod, _ in each] for each in both] == [["pod-1"], ["pod-3"], []]
    for each in both:
        for pod, _ in each:
            pod.connection.close("done")


async def test_a_pod_whose_connection_is_lost_is_not_leased_at_once(stand: Stand) -> None:
    lost = [await stand.pod(number) for number in range(3)]
    gateway = await stand.supply()
    await soon(lambda: gateway.at_hand == {POOL: 3})
    for agent in lost:
        # As when its node loses power: it stays in the list of pods, and says nothing.
        stand.servers[agent.name].close()
        agent.kill()
    await soon(lambda: gateway.free == {POOL: 0})
    await stand.pod(3)
    leased = await lease(gateway)
    assert leased.name == "pod-3"
    leased.connection.close("done")


async def test_pods_that_are_found_for_nobody_any_more_are_left_alone(stand: Stand) -> None:
    for number in range(2):
        agent = await stand.pod(number, is_served=False)
        agent.version = VERSION
        stand.api.pods[agent.name]["metadata"]["annotations"] = {labels.FUNCTION_NAME: "f"}
        stand.api.put(stand.api.pods[agent.name])
    first, second = stand.agents.values()
    stand.servers["pod-0"] = await listen(first, "127.0.0.10", stand.port)
    # It accepts and never says a word.
    with socket.create_server(("127.0.0.11", stand.port)):
        gateway = await stand.supply()
        asking = asyncio.get_running_loop().create_task(gateway.of("f", set()))
        await soon(lambda: len(first.callers) == 1)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        await soon(lambda: not first.callers)
    assert not second.callers


async def test_a_function_of_which_there_is_no_pod_is_taken_over_without_asking_any(
    stand: Stand,
) -> None:
    agents = [await stand.pod(number, pool="another") for number in range(20)]
    gateway = await stand.supply()
    await gateway.take()
    await soon(lambda: sum(len(each.callers) for each in agents) == 8)
    loop = asyncio.get_running_loop()
    asking = loop.create_task(gateway.of("f", set()))
    for _ in range(4):
        await asyncio.sleep(0)
    assert asking.done()
    assert asking.result() == []


async def test_pods_are_leased_while_the_kubernetes_api_is_away(stand: Stand) -> None:
    await stand.pod(0)
    gateway = await stand.supply()
    stand.api.is_away = True
    leased = await lease(gateway)
    assert leased.name == "pod-0"
    leased.connection.close("done")


async def test_a_watch_that_has_expired_begins_anew_but_not_at_once_each_time(
    stand: Stand,
) -> None:
    gateway = await stand.supply()
    for _ in range(3):
        await soon(lambda: bool(stand.api._watchers))
        stand.api.expire()
    await stand.pod(0)
    stand.api.expire()
    await soon(lambda: gateway.free == {POOL: 1})
    assert stand.api.requests < 20


async def test_what_keeps_a_runtimes_pods_is_heard_while_a_lease_waits(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "_ASK_AGAIN_S", 0.01)
    monkeypatch.setattr(runtimes, "_KNOWN_FOR_S", 0.0)
    said = {"type": "Ready", "status": "False", "reason": "ImagePullFailed", "message": "not found"}
    stand.api.runtimes[POOL]["status"] = {"conditions": [said]}
    # On its way, and never ready: nobody would ask whether there is such a runtime.
    pending = pod_object("pod-0", "127.0.0.10")
    pending["status"] = {"phase": "Pending"}
    stand.api.put(pending)
    gateway = await stand.supply()
    assert gateway.trouble(POOL) is None
    leasing = asyncio.get_running_loop().create_task(lease(gateway))
    await soon(lambda: gateway.trouble(POOL) == "ImagePullFailed: not found")
    said["status"] = "True"
    await soon(lambda: gateway.trouble(POOL) is None)
    leasing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leasing
