"""The dispatcher over pods of a cluster: leased one for each environment, sent code, ended."""

import asyncio
import hashlib

import msgspec
import pytest
from support.dispatchers import Time
from support.pod_agents import PodAgent
from support.pod_dispatchers import CODE, CODE_SHA256, POD_SPEC, Cluster, Gateways, invoke
from support.scripted_agents import VERSION, soon

from inglenook import errors
from inglenook.model import function
from inglenook.store import code
from inglenook.wire import messages
from inglenook_gateway.dispatch import packages


def busy(cluster: Cluster) -> int:
    return sum(len(each.busy) for each in cluster.agents)


async def test_a_burst_leases_a_pod_for_each_environment_at_once(
    cluster: Cluster, gateways: Gateways
) -> None:
    runner = gateways.make()
    calls = [invoke(runner) for _ in range(20)]
    await soon(lambda: busy(cluster) == 20)
    assert len(cluster.agents) == 20
    assert all(each.specialise.environments_max == 1 for each in cluster.agents if each.specialise)
    assert sorted(cluster.specialised) == sorted(each.name for each in cluster.agents)
    assert sorted(cluster.started) == sorted(cluster.specialised)
    assert cluster.reads == 1
    for each in cluster.agents:
        each.answer()
    await asyncio.gather(*calls)


async def test_environments_share_a_pod_as_far_as_the_function_lets_them(
    cluster: Cluster, gateways: Gateways
) -> None:
    runner = gateways.make()
    spec = msgspec.structs.replace(
        POD_SPEC, placement=function.Placement(environments_per_pod=3, runtime_class="gvisor")
    )
    calls = [invoke(runner, spec=spec) for _ in range(7)]
    await soon(lambda: busy(cluster) == 7)
    assert sorted(len(each.busy) for each in cluster.agents) == [1, 3, 3]
    assert {each.runtime_class for each, _ in cluster.wanted} == {"gvisor"}
    for each in cluster.agents:
        while each.busy:
            each.answer()
    await asyncio.gather(*calls)


async def test_leases_under_way_are_bounded(cluster: Cluster, gateways: Gateways) -> None:
    cluster.free = asyncio.Semaphore(0)
    runner = gateways.make(starts_in_flight=4)
    calls = [invoke(runner) for _ in range(10)]
    await soon(lambda: len(cluster.wanted) == 4)
    for _ in range(10):
        cluster.free.release()
    await soon(lambda: busy(cluster) == 10)
    for each in cluster.agents:
        each.answer()
    await asyncio.gather(*calls)


async def test_a_pod_that_nobody_waits_for_any_more_is_given_back(
    cluster: Cluster, gateways: Gateways
) -> None:
    cluster.free = asyncio.Semaphore(1)
    runner = gateways.make()
    first = invoke(runner)
    await soon(lambda: busy(cluster) == 1)
    second = invoke(runner)
    await soon(lambda: len(cluster.wanted) == 2)
    cluster.agents[0].answer()
    await soon(lambda: busy(cluster) == 1)
    cluster.agents[0].answer()
    await asyncio.gather(first, second)
    cluster.free.release()
    await soon(lambda: bool(cluster.given_back))
    assert cluster.specialised == cluster.started == ["pod-0"]


async def test_a_pod_that_starts_nothing_does_not_say_that_it_has(
    cluster: Cluster, gateways: Gateways
) -> None:
    def refuse(agent: PodAgent) -> None:
        if not cluster.agents:
            agent.refuses_next = messages.Refusal.FULL

    cluster.prepare = refuse
    call = invoke(gateways.make())
    await soon(lambda: busy(cluster) == 1)
    assert cluster.specialised == ["pod-0", "pod-1"]
    assert cluster.started == ["pod-1"]
    cluster.agents[1].answer()
    await call


async def test_leases_that_nobody_waits_for_any_more_are_ended(
    cluster: Cluster, gateways: Gateways
) -> None:
    cluster.free = asyncio.Semaphore(1)
    runner = gateways.make()
    calls = [invoke(runner) for _ in range(3)]
    await soon(lambda: busy(cluster) == 1)
    fleet = runner._fleets[VERSION]
    assert fleet._leases.is_leasing
    for _ in range(3):
        cluster.agents[0].answer()
    await asyncio.gather(*calls)
    fleet.reap()
    await soon(lambda: not fleet._leases.is_leasing)


async def test_those_for_whom_a_caller_waits_go_before_provisioned_ones(
    cluster: Cluster, gateways: Gateways
) -> None:
    cluster.free = asyncio.Semaphore(0)
    runner = gateways.make()
    runner.provision(VERSION, POD_SPEC, environments=2, aside=2)
    call = invoke(runner)
    await soon(lambda: len(cluster.wanted) == 3)
    assert sorted(is_ahead for _, is_ahead in cluster.wanted) == [False, True, True]
    call.cancel()


async def test_an_idle_environment_ends_and_its_pod_with_it(
    cluster: Cluster, gateways: Gateways, time: Time
) -> None:
    runner = gateways.make(environment_idle_timeout_s=10)
    calls = [invoke(runner), invoke(runner)]
    await soon(lambda: busy(cluster) == 2)
    cluster.agents[0].answer()
    await soon(lambda: busy(cluster) == 1)
    time.ahead_s = 11
    runner._fleets[VERSION].reap()
    await asyncio.wait_for(cluster.agents[0].has_ended.wait(), 10)
    assert not cluster.agents[1].has_ended.is_set()
    cluster.agents[1].answer()
    await asyncio.gather(*calls)


async def test_where_nodes_are_full_the_pod_that_was_idle_longest_goes_first(
    cluster: Cluster, gateways: Gateways, time: Time
) -> None:
    runner = gateways.make()
    calls = [invoke(runner) for _ in range(2)]
    await soon(lambda: busy(cluster) == 2)
    first, second = cluster.agents
    second.answer()
    await soon(lambda: busy(cluster) == 1)
    time.ahead_s += 1
    first.answer()
    await asyncio.gather(*calls)
    time.ahead_s += 30
    cluster.lacking = 1
    reaper = asyncio.get_running_loop().create_task(runner.reap_forever())
    await asyncio.wait_for(second.has_ended.wait(), 10)
    assert not first.has_ended.is_set()
    # The next goes once that has had time to make room.
    time.ahead_s += 5
    await asyncio.wait_for(first.has_ended.wait(), 10)
    reaper.cancel()


async def test_a_pod_that_another_was_faster_to_take_costs_only_the_next(
    cluster: Cluster, gateways: Gateways, caplog: pytest.LogCaptureFixture
) -> None:
    def taken_first(agent: PodAgent) -> None:
        if not cluster.agents:
            agent.version = messages.VersionId(
                function_name="g", function_uid="u", version="1", generation=1
            )

    cluster.prepare = taken_first
    runner = gateways.make()
    call = invoke(runner)
    await soon(lambda: busy(cluster) == 1)
    assert not cluster.agents[0].is_draining
    cluster.agents[1].answer()
    await call
    assert "trying again" not in caplog.text


async def test_closing_leaves_the_pods_and_what_they_have(
    cluster: Cluster, gateways: Gateways
) -> None:
    runner = gateways.make()
    call = invoke(runner)
    await soon(lambda: busy(cluster) == 1)
    cluster.agents[0].answer()
    await call
    await runner.close()
    await soon(lambda: not cluster.agents[0].callers)
    assert cluster.agents[0].environments
    assert not cluster.agents[0].is_draining


async def test_code_is_sent_in_pieces_and_layers_with_it(
    cluster: Cluster, gateways: Gateways
) -> None:
    big, layer = b"x" * (9 * packages.PIECE_BYTES + 1), b"a layer"
    names = [hashlib.sha256(each).hexdigest() for each in (big, layer)]
    cluster.blobs |= dict(zip(names, (big, layer), strict=True))
    spec = msgspec.structs.replace(
        POD_SPEC,
        code=function.Code(sha256=names[0], size_bytes=len(big)),
        layers=(
            function.Layer(arn="l:1", code=function.Code(sha256=names[1], size_bytes=7)),
        ),
    )  # fmt: skip
    runner = gateways.make()
    call = invoke(runner, spec=spec)
    await soon(lambda: busy(cluster) == 1)
    assert {name: bytes(kept) for name, kept in cluster.agents[0].packages.items()} == {
        names[0]: big, names[1]: layer,
    }  # fmt: skip
    assert [each.offset for each in cluster.agents[0].pieces][:2] == [0, packages.PIECE_BYTES]
    cluster.agents[0].answer()
    await call


async def test_code_that_is_lost_fails_the_call_and_leases_no_pod(
    cluster: Cluster, gateways: Gateways
) -> None:
    async def read(sha256: str) -> bytes:
        raise code.CodeMissingError(f"no {sha256}")

    cluster.read = read  # type: ignore[method-assign]
    with pytest.raises(errors.InvalidZipFileError):
        await invoke(gateways.make())
    assert cluster.agents == []


async def test_code_that_cannot_run_uses_up_no_pod(cluster: Cluster, gateways: Gateways) -> None:
    cluster.blobs[CODE_SHA256] = b"something else"
    with pytest.raises(errors.InvalidZipFileError, match="not sent"):
        await invoke(gateways.make())
    assert cluster.given_back == ["pod-0"]
    assert not cluster.agents[0].is_draining


async def test_code_that_cannot_be_read_for_now_is_read_again(
    cluster: Cluster, gateways: Gateways
) -> None:
    tries = []

    async def read(sha256: str) -> bytes:
        tries.append(sha256)
        if len(tries) == 1:
            raise errors.ServiceError("not now")
        return CODE

    cluster.read = read  # type: ignore[method-assign]
    call = invoke(gateways.make())
    await soon(lambda: busy(cluster) == 1)
    cluster.agents[0].answer()
    await call
    assert tries == [CODE_SHA256] * 2
