"""Provisioned environments, against scripted agents."""

import asyncio

import pytest
from support.dispatchers import ONE, TWO, Make, invoke, provision, starts
from support.scripted_agents import ScriptedAgent, Supply, soon

from inglenook import errors
from inglenook.capacity import provisioned
from inglenook.wire import messages


async def test_environments_are_started_before_anybody_asks(supply: Supply, make: Make) -> None:
    runner = make()
    provision(runner, 5)
    await soon(lambda: runner.standing(ONE).available == 5)
    assert starts(supply.agents[0]) == ["provisioned-concurrency"] * 5
    assert runner.in_use("f") == 0
    call = invoke(runner)
    assert [held.environment for _, held, _ in supply.agents[0].held] == ["e5"]
    supply.agents[0].answer()
    await call
    assert len(starts(supply.agents[0])) == 5


async def test_what_is_beyond_them_spills_over(supply: Supply, make: Make) -> None:
    runner = make()
    provision(runner, 1)
    await soon(lambda: runner.standing(ONE).available == 1)
    calls = [invoke(runner), invoke(runner)]
    await soon(lambda: len(supply.agents[0].held) == 2)
    assert starts(supply.agents[0]) == ["provisioned-concurrency", "on-demand"]
    supply.agents[0].answer()
    supply.agents[0].answer()
    await asyncio.gather(*calls)


async def test_idle_provisioned_environments_are_not_reaped(supply: Supply, make: Make) -> None:
    runner = make(environment_idle_timeout_s=0.0)
    provision(runner, 2)
    await soon(lambda: runner.standing(ONE).available == 2)
    runner._fleets[ONE].reap()
    runner._forget_unused(ONE)
    assert runner.environments() == {ONE: 2}


async def test_a_lost_agent_is_made_up_for(supply: Supply, make: Make) -> None:
    runner = make()
    provision(runner, 3)
    await soon(lambda: runner.standing(ONE).available == 3)
    supply.agents[0].end.close("killed")
    await soon(lambda: len(supply.agents) == 2 and runner.standing(ONE).available == 3)


async def test_an_environment_that_ends_on_its_own_is_made_up_for(
    supply: Supply, make: Make
) -> None:
    runner = make()
    provision(runner, 2)
    await soon(lambda: runner.standing(ONE).available == 2)
    supply.agents[0].end.send(0, messages.Gone(environment="e1", reason="killed"))
    await soon(lambda: runner.standing(ONE).available == 2)
    assert supply.agents[0].environments == 3


async def test_an_environment_whose_process_has_gone_is_replaced(
    supply: Supply, make: Make
) -> None:
    runner = make()
    provision(runner, 1)
    await soon(lambda: runner.standing(ONE).available == 1)
    call = invoke(runner)
    agent = supply.agents[0]
    stream, _, _ = agent.held.pop()
    agent.end.send(stream, messages.Result(error="Sandbox.Timedout", is_warm=False), b"{}")
    await call
    assert messages.Stop(environment="e1") in agent.seen
    await soon(lambda: runner.standing(ONE).available == 1)
    assert starts(agent) == ["provisioned-concurrency"] * 2


async def test_an_on_demand_environment_whose_process_has_gone_is_used_again(
    supply: Supply, make: Make
) -> None:
    runner = make()
    call = invoke(runner)
    await soon(lambda: bool(supply.agents and supply.agents[0].held))
    agent = supply.agents[0]
    stream, _, _ = agent.held.pop()
    agent.end.send(stream, messages.Result(error="Sandbox.Timedout", is_warm=False), b"{}")
    await call
    second = invoke(runner)
    assert [held.environment for _, held, _ in agent.held] == ["e1"]
    agent.answer()
    await second


async def test_a_failing_init_is_the_reason_and_is_tried_again(
    supply: Supply, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inglenook_gateway.dispatch.warming._PAUSE_FIRST_S", 0.01)
    runner = make()
    heard: list[messages.VersionId] = []
    runner.observe(heard.append)

    def fail_thrice(agent: ScriptedAgent) -> None:
        def start(stream: int, _header: messages.Header) -> None:
            agent.environments += 1
            agent.end.send(
                stream,
                messages.Started(
                    environment=f"e{agent.environments}",
                    init_ms=1.0,
                    init_ok=agent.environments > 3,
                ),
            )

        agent.on[messages.Start] = start

    supply.prepare = fail_thrice
    provision(runner, 1)
    await soon(lambda: runner.standing(ONE).failure is not None)
    standing = runner.standing(ONE)
    assert standing.failure == "FUNCTION_ERROR_INIT_FAILURE"
    assert standing.status(1) is provisioned.Status.FAILED
    assert messages.Stop(environment="e1") in supply.agents[0].seen
    await soon(lambda: runner.standing(ONE).status(1) is provisioned.Status.READY)
    assert runner.standing(ONE).failure is None
    assert set(heard) == {ONE}


async def test_who_asks_again_has_it_tried_at_once(
    supply: Supply, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inglenook_gateway.dispatch.warming._PAUSE_FIRST_S", 3600.0)
    monkeypatch.setattr("inglenook_gateway.dispatch.warming._PAUSE_MOST_S", 3600.0)
    runner = make()
    is_ok = False

    def start(agent: ScriptedAgent, stream: int) -> None:
        agent.environments += 1
        name = f"e{agent.environments}"
        agent.end.send(stream, messages.Started(environment=name, init_ms=1.0, init_ok=is_ok))

    supply.prepare = lambda agent: agent.on.update(
        {messages.Start: lambda stream, _header: start(agent, stream)}
    )
    provision(runner, 2)
    await soon(lambda: runner.standing(ONE).failure is not None)
    is_ok = True
    provision(runner, 2)
    assert runner.standing(ONE).status(2) is provisioned.Status.FAILED
    runner.retry(ONE)
    await soon(lambda: runner.standing(ONE).status(2) is provisioned.Status.READY)


async def test_code_that_cannot_be_had_is_the_reason(supply: Supply, make: Make) -> None:
    runner = make()
    supply.prepare = lambda agent: agent.on.update(
        {messages.Specialise: agent.refuse(messages.Refusal.CODE_UNAVAILABLE)}
    )
    provision(runner, 2)
    await soon(lambda: runner.standing(ONE).failure is not None)
    assert runner.standing(ONE).failure == "because"
    assert len(supply.agents) == 1


async def test_fewer_are_kept_when_fewer_are_wanted(supply: Supply, make: Make) -> None:
    runner = make()
    provision(runner, 4)
    await soon(lambda: runner.standing(ONE).available == 4)
    call = invoke(runner)
    provision(runner, 0)
    agent = supply.agents[0]
    assert sum(isinstance(each, messages.Stop) for each in agent.seen) == 3
    agent.answer()
    await call
    assert sum(isinstance(each, messages.Stop) for each in agent.seen) == 4
    assert runner.environments() == {ONE: 0}


async def test_starts_that_were_under_way_when_they_were_not_wanted_any_more_end(
    supply: Supply, make: Make
) -> None:
    runner = make()
    held: list[int] = []
    supply.prepare = lambda agent: agent.on.update(
        {messages.Start: lambda stream, _header: held.append(stream)}
    )
    provision(runner, 1)
    await soon(lambda: bool(held))
    provision(runner, 0)
    supply.agents[0].end.send(held[0], messages.Started(environment="late", init_ms=1.0))
    assert supply.agents[0].seen[-1] == messages.Stop(environment="late")


async def test_who_waits_is_started_for_before_what_is_provisioned(
    supply: Supply, make: Make
) -> None:
    runner = make(starts_in_flight=4)
    under_way: list[tuple[int, messages.Start]] = []

    def hold(stream: int, header: messages.Header) -> None:
        assert isinstance(header, messages.Start)
        under_way.append((stream, header))

    supply.prepare = lambda agent: agent.on.update({messages.Start: hold})
    provision(runner, 20)
    await soon(lambda: len(under_way) == 2)
    calls = [invoke(runner, TWO) for _ in range(4)]
    await soon(lambda: len(under_way) == 6)
    kinds = [header.initialization_type for _, header in under_way]
    assert kinds == ["provisioned-concurrency"] * 2 + ["on-demand"] * 4
    for number, (stream, _) in enumerate(under_way[2:]):
        supply.agents[1].end.send(stream, messages.Started(environment=f"s{number}", init_ms=1.0))
    for _ in calls:
        supply.agents[1].answer()
    await asyncio.gather(*calls)


async def test_who_waits_takes_an_environment_that_was_to_be_provisioned(
    supply: Supply, make: Make
) -> None:
    runner = make()
    under_way: list[tuple[int, messages.Header]] = []
    supply.prepare = lambda agent: agent.on.update(
        {messages.Start: lambda stream, header: under_way.append((stream, header))}
    )
    provision(runner, 1)
    await soon(lambda: len(under_way) == 1)
    call = invoke(runner)
    await soon(lambda: len(under_way) == 2)
    supply.agents[0].end.send(under_way[0][0], messages.Started(environment="p", init_ms=1.0))
    assert [held.environment for _, held, _ in supply.agents[0].held] == ["p"]
    supply.agents[0].answer()
    await call


async def test_a_retired_version_keeps_nothing(supply: Supply, make: Make) -> None:
    runner = make()
    provision(runner, 2)
    await soon(lambda: runner.standing(ONE).available == 2)
    runner.retire(lambda version: version == ONE)
    assert runner.environments() == {}
    assert runner.standing(ONE) == provisioned.Standing()


async def test_a_gateway_that_closes_starts_nothing_more(supply: Supply, make: Make) -> None:
    runner = make()
    provision(runner, 2)
    await soon(lambda: runner.standing(ONE).available == 2)
    await runner.close()
    assert len(supply.agents) == 1
    assert supply.agents[0].environments == 2


async def test_concurrency_is_set_aside_for_what_is_provisioned(supply: Supply, make: Make) -> None:
    runner = make(account_concurrency=3)
    provision(runner, 2)
    await soon(lambda: runner.standing(ONE).available == 2)
    calls = [invoke(runner, TWO)]
    with pytest.raises(errors.TooManyRequestsError) as caught:
        invoke(runner, TWO)
    assert caught.value.reason == "ConcurrentInvocationLimitExceeded"
    calls += [invoke(runner), invoke(runner)]
    with pytest.raises(errors.TooManyRequestsError):
        invoke(runner)
    await soon(lambda: len(supply.agents) == 2 and bool(supply.agents[1].held))
    supply.agents[0].answer()
    supply.agents[0].answer()
    supply.agents[1].answer()
    await asyncio.gather(*calls)
    assert runner.in_use("f") == 0
