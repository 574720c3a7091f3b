"""Functions that change hands between gateways, with their pods and what runs in them."""

import asyncio
from collections.abc import Callable

import pytest
from support.pod_dispatchers import POD_SPEC, Cluster, Gateways, Returned, invoke
from support.scripted_agents import VERSION, soon

from inglenook import errors
from inglenook.routing import invocation
from inglenook.wire import messages
from inglenook_gateway.dispatch import handover


def busy(cluster: Cluster) -> int:
    return sum(len(each.busy) for each in cluster.agents)


def answer_all(cluster: Cluster) -> None:
    for each in cluster.agents:
        while each.busy:
            each.answer()


def resolving(
    returned: handover.Returned,
) -> Callable[[asyncio.Future[invocation.Outcome]], None]:
    return lambda done: returned.outcome.set_result(done.result())


async def test_an_idle_environment_goes_over_and_is_used(
    cluster: Cluster, gateways: Gateways
) -> None:
    one, two = gateways.make(), gateways.make()
    first = invoke(one)
    await soon(lambda: busy(cluster) == 1)
    answer_all(cluster)
    await first
    one.relinquish("f", Returned().append)
    await soon(lambda: not cluster.agents[0].callers)
    await two.take_over("f")
    assert two.environments() == {VERSION: 1}
    second = invoke(two)
    await soon(lambda: busy(cluster) == 1)
    answer_all(cluster)
    await second
    assert len(cluster.agents) == 1
    assert one.environments() == {}


async def test_what_pods_have_become_is_said_again_by_who_takes_them_over(
    cluster: Cluster, gateways: Gateways
) -> None:
    one, two = gateways.make(), gateways.make()
    calls = [invoke(one), invoke(one)]
    await soon(lambda: busy(cluster) == 2)
    assert cluster.started == ["pod-0", "pod-1"]
    cluster.agents[0].answer()
    one.relinquish("f", Returned().append)
    cluster.specialised.clear()
    cluster.started.clear()
    await two.take_over("f")
    assert cluster.specialised == ["pod-0", "pod-1"]
    # Of the other nobody knows whether its environment has started, or is about to.
    assert cluster.started == ["pod-0"]
    cluster.agents[1].answer()
    await asyncio.gather(*calls)
    assert cluster.started == ["pod-0", "pod-1"]


async def test_what_runs_for_the_former_owner_counts_until_it_is_done(
    cluster: Cluster, gateways: Gateways
) -> None:
    one, two = gateways.make(), gateways.make()
    for each in (one, two):
        each.reserve("f", 1)
    running = invoke(one)
    await soon(lambda: busy(cluster) == 1)
    one.relinquish("f", Returned().append)
    await two.take_over("f")
    assert (one.in_use("f"), two.in_use("f")) == (1, 1)
    with pytest.raises(errors.TooManyRequestsError):
        _ = invoke(two)
    answer_all(cluster)
    assert bytes((await running).payload) == b"done"
    assert (one.in_use("f"), two.in_use("f")) == (0, 0)
    following = invoke(two)
    await soon(lambda: busy(cluster) == 1)
    answer_all(cluster)
    await following
    assert len(cluster.agents) == 1


async def test_what_ran_for_a_gateway_that_died_counts_until_its_pod_says_or_goes(
    cluster: Cluster, gateways: Gateways
) -> None:
    one, two = gateways.make(), gateways.make()
    calls = [invoke(one), invoke(one)]
    await soon(lambda: busy(cluster) == 2)
    for each in cluster.agents:
        each.callers[0].end.close("the gateway died")
    for call in calls:
        with pytest.raises(errors.ServiceError):
            await call
    await two.take_over("f")
    assert two.in_use("f") == 2
    cluster.agents[0].kill()
    await soon(lambda: two.in_use("f") == 1)
    cluster.agents[1].answer()
    assert two.in_use("f") == 0
    assert two.environments() == {VERSION: 1}


async def test_what_a_silent_agent_ran_for_a_former_owner_does_not_count_for_ever(
    cluster: Cluster, gateways: Gateways
) -> None:
    one, two = gateways.make(), gateways.make()
    running = invoke(one)
    await soon(lambda: busy(cluster) == 1)
    one.relinquish("f", Returned().append)
    await two.take_over("f")
    assert two.in_use("f") == 1
    gateways.time.ahead_s += POD_SPEC.timeout_s + 29
    two._fleets[VERSION].reap()
    assert two.in_use("f") == 1
    gateways.time.ahead_s += 2
    two._fleets[VERSION].reap()
    await soon(lambda: two.in_use("f") == 0)
    answer_all(cluster)
    await running


async def test_who_is_handed_back_waits_no_longer_in_all(
    cluster: Cluster, gateways: Gateways
) -> None:
    cluster.free = asyncio.Semaphore(0)
    gateways.time.stop()
    one = gateways.make(queue_timeout_s=5.0)
    began = gateways.time.monotonic()
    call = invoke(one)
    gateways.time.ahead_s += 3
    returned = Returned()
    one.relinquish("f", returned.append)
    assert returned[0].event.waits_until == began + 5
    again = one.invoke(returned[0].version, returned[0].spec, returned[0].event)
    one.relinquish("f", returned.append)
    assert returned[1].event.waits_until == began + 5
    call.cancel()
    again.cancel()


async def test_a_gateway_that_has_handed_everything_back_does_not_wait_to_stop(
    cluster: Cluster, gateways: Gateways
) -> None:
    cluster.free = asyncio.Semaphore(0)
    one = gateways.make(drain_timeout_s=60.0)
    call = invoke(one)
    async with asyncio.timeout(10):
        closing = asyncio.get_running_loop().create_task(one.close())
        await asyncio.sleep(0)
        one.relinquish("f", Returned().append)
        await closing
    call.cancel()


async def test_who_waits_is_handed_back_and_holds_nothing(
    cluster: Cluster, gateways: Gateways
) -> None:
    cluster.free = asyncio.Semaphore(0)
    one, two = gateways.make(), gateways.make()
    calls = [invoke(one, b"1"), invoke(one, b"2")]
    returned = Returned()
    one.relinquish("f", returned.append)
    assert one.in_use("f") == 0
    assert [bytes(each.event.payload) for each in returned] == [b"1", b"2"]
    assert [each.outcome for each in returned] == calls
    await two.take_over("f")
    cluster.free.release()
    cluster.free.release()
    for each in returned:
        two.invoke(each.version, each.spec, each.event).add_done_callback(resolving(each))
    await soon(lambda: busy(cluster) == 2)
    answer_all(cluster)
    assert [bytes(each.payload) for each in await asyncio.gather(*calls)] == [b"done", b"done"]
    assert len(cluster.agents) == 2


async def test_pods_of_an_old_version_are_drained_and_count_meanwhile(
    cluster: Cluster, gateways: Gateways
) -> None:
    one, two = gateways.make(), gateways.make()
    running = invoke(one)
    idle = invoke(one)
    await soon(lambda: busy(cluster) == 2)
    cluster.agents[1].answer()
    one.relinquish("f", Returned().append)
    cluster.current.clear()
    await two.take_over("f")
    await asyncio.wait_for(cluster.agents[1].has_ended.wait(), 10)
    assert two.in_use("f") == 1
    assert two.environments() == {}
    cluster.agents[0].answer()
    await asyncio.gather(running, idle)
    assert two.in_use("f") == 0
    assert cluster.agents[0].has_ended.is_set()


async def test_who_meets_an_agent_that_another_owns_waits_for_the_decision(
    cluster: Cluster, gateways: Gateways
) -> None:
    one = gateways.make()
    first = invoke(one)
    await soon(lambda: busy(cluster) == 1)
    answer_all(cluster)
    await first
    moved: list[str] = []
    one.on_moved(moved.append)
    cluster.agents[0].refuses_next = messages.Refusal.MOVED
    second = invoke(one)
    await soon(lambda: moved == ["f"])
    assert len(cluster.wanted) == 1
    returned = Returned()
    one.relinquish("f", returned.append)
    assert [each.outcome for each in returned] == [second]
    assert one.in_use("f") == 0
    second.cancel()


async def test_who_waits_for_a_decision_that_nobody_makes_goes_on(
    cluster: Cluster, gateways: Gateways
) -> None:
    one = gateways.make()
    one.on_moved(lambda _name: None)
    first = invoke(one)
    await soon(lambda: busy(cluster) == 1)
    answer_all(cluster)
    await first
    cluster.agents[0].refuses_next = messages.Refusal.MOVED
    second = invoke(one)
    await asyncio.sleep(0)
    one._fleets[VERSION].reap()
    await soon(lambda: busy(cluster) == 1)
    answer_all(cluster)
    await second


async def test_what_is_taken_over_makes_up_for_provisioned_environments(
    cluster: Cluster, gateways: Gateways
) -> None:
    one, two = gateways.make(), gateways.make()
    one.provision(VERSION, POD_SPEC, environments=2, aside=2)
    await soon(lambda: one.standing(VERSION).available == 2)
    one.relinquish("f", Returned().append)
    await two.take_over("f")
    two.provision(VERSION, POD_SPEC, environments=2, aside=2)
    assert two.standing(VERSION).available == 2
    await asyncio.sleep(0)
    assert len(cluster.agents) == 2


async def test_a_function_that_comes_back_is_run_in_its_old_pods(
    cluster: Cluster, gateways: Gateways
) -> None:
    one = gateways.make()
    running = invoke(one)
    await soon(lambda: busy(cluster) == 1)
    one.relinquish("f", Returned().append)
    await one.take_over("f")
    # It counts twice: here it is known, and the agent says so of another connection.
    assert one.in_use("f") == 2
    answer_all(cluster)
    await running
    assert one.in_use("f") == 0
    again = invoke(one)
    await soon(lambda: busy(cluster) == 1)
    answer_all(cluster)
    await again
    assert len(cluster.agents) == 1


async def test_taking_over_again_takes_nothing_twice(cluster: Cluster, gateways: Gateways) -> None:
    one = gateways.make()
    running = invoke(one)
    await soon(lambda: busy(cluster) == 1)
    await one.take_over("f")
    assert one.in_use("f") == 1
    assert len(cluster.agents[0].callers) == 1
    answer_all(cluster)
    await running
