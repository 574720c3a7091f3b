"""Environments that are started, or not, because invocations wait: with time set by the test."""

import asyncio

import pytest
from support.dispatchers import Time
from support.pod_dispatchers import Cluster, Gateways, invoke
from support.scripted_agents import soon

from inglenook_gateway.dispatch import dispatcher

HOLD_S = 0.02
POD_S = 2.0


@pytest.fixture
def time() -> Time:
    stopped = Time()
    stopped.stop()
    return stopped


@pytest.fixture
def cluster() -> Cluster:
    """One whose pool is empty: `free` is how many pods there are."""
    made = Cluster()
    made.free = asyncio.Semaphore(0)
    return made


@pytest.fixture
async def runner(cluster: Cluster, gateways: Gateways, time: Time) -> dispatcher.Dispatcher:
    """Runs a function of 20 ms whose one environment took two seconds to be there."""
    made = gateways.make()
    first = invoke(made)
    await soon(lambda: len(cluster.wanted) == 1)
    time.ahead_s += POD_S
    cluster.free.release()
    await soon(lambda: bool(cluster.agents and cluster.agents[0].busy))
    time.ahead_s += HOLD_S
    cluster.agents[0].answer()
    await first
    return made


async def test_nothing_is_started_for_who_is_served_long_before(
    cluster: Cluster, runner: dispatcher.Dispatcher, time: Time
) -> None:
    calls = [invoke(runner) for _ in range(5)]
    for call in calls:
        await soon(lambda: bool(cluster.agents[0].busy))
        time.ahead_s += HOLD_S
        cluster.agents[0].answer()
        await call
    assert len(cluster.wanted) == 1


async def test_calls_that_need_one_another_get_an_environment_each(
    cluster: Cluster, runner: dispatcher.Dispatcher, time: Time
) -> None:
    calls = [invoke(runner) for _ in range(4)]
    await soon(lambda: bool(cluster.agents[0].busy))
    assert len(cluster.wanted) == 1
    # Nobody answers: what runs waits for those that do not run yet.
    time.ahead_s += 4 * HOLD_S
    await soon(lambda: len(cluster.wanted) == 4)
    for _ in range(3):
        cluster.free.release()
    await soon(lambda: all(each.busy for each in cluster.agents) and len(cluster.agents) == 4)
    for each in cluster.agents:
        each.answer()
    await asyncio.gather(*calls)


async def test_a_backlog_that_takes_longer_than_a_start_has_some_started_not_one_each(
    cluster: Cluster, runner: dispatcher.Dispatcher
) -> None:
    calls = [invoke(runner) for _ in range(200)]
    await soon(lambda: len(cluster.wanted) > 1)
    for _ in range(200):
        cluster.free.release()

    def answer_all() -> bool:
        for each in cluster.agents:
            while each.busy:
                each.answer()
        return all(call.done() for call in calls)

    await soon(answer_all)
    assert len(cluster.agents) < 10


async def test_pods_that_are_not_needed_any_more_are_sought_no_longer(
    cluster: Cluster, runner: dispatcher.Dispatcher, time: Time
) -> None:
    calls = [invoke(runner) for _ in range(3)]
    await soon(lambda: bool(cluster.agents[0].busy))
    time.ahead_s += 4 * HOLD_S
    await soon(lambda: len(cluster.wanted) == 3)
    for call in calls:
        await soon(lambda: bool(cluster.agents[0].busy))
        cluster.agents[0].answer()
        await call
    await soon(lambda: not cluster.seeking)
    assert len(cluster.agents) == 1
