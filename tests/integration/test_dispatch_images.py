"""The dispatcher over pods of container images: leased by the image, sent no code."""

import asyncio

import msgspec
import pytest
from support import sample_documents
from support.pod_dispatchers import Cluster, Gateways, invoke
from support.scripted_agents import soon

from inglenook import errors
from inglenook.model import function, images
from inglenook.wire import messages

URI = "registry.example/app:1"
IMAGE = sample_documents.image_spec(URI)
RUNTIME = images.runtime_name(URI)


async def test_an_agent_is_told_what_of_the_image_to_run_and_is_sent_no_package(
    cluster: Cluster, gateways: Gateways
) -> None:
    call = invoke(gateways.make(), spec=IMAGE)
    await soon(lambda: len(cluster.agents) == 1 and cluster.agents[0].busy)
    [agent] = cluster.agents
    told = agent.specialise
    assert told is not None
    assert told.image == messages.Image(
        uri=URI, entry_point=["/app", "--serve"], command=["app.handler"], working_directory="/srv"
    )
    assert (told.runtime, told.handler, told.code_sha256, told.layers) == ("", "", "", [])
    assert cluster.reads == 0
    agent.answer()
    assert (await call).result.error is None


async def test_what_is_not_given_of_an_image_is_left_to_it(
    cluster: Cluster, gateways: Gateways
) -> None:
    spec = msgspec.structs.replace(IMAGE, image=function.Image(uri=URI))
    call = invoke(gateways.make(), spec=spec)
    await soon(lambda: len(cluster.agents) == 1 and cluster.agents[0].busy)
    told = cluster.agents[0].specialise
    assert told is not None
    assert told.image == messages.Image(uri=URI)
    cluster.agents[0].answer()
    await call


async def test_a_pod_of_the_image_holds_one_environment(
    cluster: Cluster, gateways: Gateways
) -> None:
    shared = function.Placement(environments_per_pod=3, runtime_class="gvisor")
    runner = gateways.make()
    spec = msgspec.structs.replace(IMAGE, placement=shared)
    calls = [invoke(runner, spec=spec) for _ in range(2)]
    await soon(lambda: sum(len(each.busy) for each in cluster.agents) == 2)
    assert len(cluster.agents) == 2
    assert {
        (one.runtime, one.runtime_class, one.environments_max) for one, _ in cluster.wanted
    } == {(RUNTIME, "gvisor", 1)}
    for each in cluster.agents:
        each.answer()
    await asyncio.gather(*calls)


async def test_who_waits_in_vain_is_told_what_keeps_the_pods(
    cluster: Cluster, gateways: Gateways
) -> None:
    cluster.free = asyncio.Semaphore(0)
    cluster.trouble[RUNTIME] = "ImagePullFailed: function: not found"
    runner = gateways.make(queue_timeout_s=0.05)
    with pytest.raises(errors.ServiceError, match=r"0\.05 seconds\. ImagePullFailed: .*not found$"):
        await invoke(runner, spec=IMAGE)
    with pytest.raises(errors.ServiceError, match=r"0\.05 seconds\.$"):
        await invoke(gateways.make(queue_timeout_s=0.05))
