"""The dispatcher against agents that misbehave in every way the protocol allows.

The agents here speak the real messages over a real connection, and do what a test says: refuse,
stay silent, die. With well-behaved agents the whole path is covered by the platform's own tests.
"""

import asyncio

import pytest
from support.dispatchers import Make
from support.scripted_agents import SPEC, VERSION, ScriptedAgent, Supply, event, soon

from inglenook import errors
from inglenook.model import function
from inglenook.routing import invocation
from inglenook.wire import messages
from inglenook_gateway.dispatch import dispatcher


def invoke(
    runner: dispatcher.Dispatcher, payload: bytes = b"{}"
) -> asyncio.Future[invocation.Outcome]:
    return runner.invoke(VERSION, SPEC, event(payload))


async def test_many_first_calls_lease_one_pod_and_start_one_environment_each(
    supply: Supply, make: Make
) -> None:
    runner = make()
    calls = [invoke(runner, str(n).encode()) for n in range(100)]
    await soon(lambda: sum(len(agent.held) for agent in supply.agents) == 100)
    assert len(supply.agents) == 1
    for _ in range(100):
        supply.agents[0].answer()
    outcomes = await asyncio.gather(*calls)
    assert [bytes(each.payload) for each in outcomes] == [str(n).encode() for n in range(100)]
    assert runner.in_use("f") == 0


async def test_a_free_environment_is_used_again(supply: Supply, make: Make) -> None:
    runner = make()
    for _ in range(5):
        call = invoke(runner)
        await soon(lambda: bool(supply.agents and supply.agents[0].held))
        supply.agents[0].answer()
        await call
    assert supply.agents[0].environments == 1


async def test_starts_in_flight_are_bounded_and_all_are_served(supply: Supply, make: Make) -> None:
    runner = make(starts_in_flight=3)
    pending: list[int] = []
    most = 0

    def hold(stream: int, _header: messages.Header) -> None:
        nonlocal most
        pending.append(stream)
        most = max(most, len(pending))

    supply.prepare = lambda agent: agent.on.update({messages.Start: hold})
    calls = [invoke(runner) for _ in range(20)]
    served = 0
    while served < 20:
        await soon(lambda: bool(pending))
        served += 1
        supply.agents[0].end.send(
            pending.pop(0), messages.Started(environment=f"s{served}", init_ms=1.0)
        )
    await soon(lambda: len(supply.agents[0].held) == 20)
    for _ in range(20):
        supply.agents[0].answer()
    await asyncio.gather(*calls)
    assert most == 3


async def test_a_full_agent_is_left_for_another(supply: Supply, make: Make) -> None:
    runner = make()

    def full_after_one(agent: ScriptedAgent) -> None:
        def start(stream: int, _header: messages.Header) -> None:
            if agent.environments:
                agent.refuse(messages.Refusal.FULL)(stream, _header)
            else:
                agent.environments = 1
                agent.end.send(stream, messages.Started(environment="only", init_ms=1.0))

        agent.on[messages.Start] = start

    supply.prepare = full_after_one
    calls = [invoke(runner) for _ in range(4)]
    await soon(lambda: [len(agent.held) for agent in supply.agents] == [1, 1, 1, 1])
    for agent in supply.agents:
        agent.answer()
    await asyncio.gather(*calls)


async def test_a_full_agent_has_room_again_when_an_environment_has_stopped(
    supply: Supply, make: Make
) -> None:
    runner = make(environment_idle_timeout_s=0.0)

    def one_at_a_time(agent: ScriptedAgent) -> None:
        living: set[str] = set()

        def start(stream: int, header: messages.Header) -> None:
            if living:
                agent.refuse(messages.Refusal.FULL)(stream, header)
                return
            agent.environments += 1
            living.add(f"e{agent.environments}")
            agent.end.send(
                stream, messages.Started(environment=f"e{agent.environments}", init_ms=1.0)
            )

        def stop(stream: int, header: messages.Header) -> None:
            assert isinstance(header, messages.Stop)
            living.remove(header.environment)
            agent.end.send(stream, messages.Gone(environment=header.environment))

        agent.on.update({messages.Start: start, messages.Stop: stop})

    supply.prepare = one_at_a_time
    first, second = invoke(runner), invoke(runner)
    await soon(lambda: [len(agent.held) for agent in supply.agents] == [1, 1])
    supply.agents[0].answer()
    await first
    fleet = runner._fleets[VERSION]
    fleet.reap()
    third = invoke(runner)
    await soon(lambda: len(supply.agents[0].held) == 1)
    assert len(supply.agents) == 2
    supply.agents[0].answer()
    supply.agents[1].answer()
    await asyncio.gather(second, third)


async def test_an_agent_that_dies_fails_only_what_was_in_it(supply: Supply, make: Make) -> None:
    runner = make()
    first = invoke(runner)
    await soon(lambda: bool(supply.agents and supply.agents[0].held))
    supply.agents[0].end.close("killed")
    with pytest.raises(errors.ServiceError, match="lost while the function ran"):
        await first
    assert runner.in_use("f") == 0
    second = invoke(runner)
    await soon(lambda: len(supply.agents) == 2 and bool(supply.agents[1].held))
    supply.agents[1].answer()
    assert (await second).result.error is None


async def test_an_agent_that_dies_while_starting_is_replaced(supply: Supply, make: Make) -> None:
    runner = make()

    def die_first(agent: ScriptedAgent) -> None:
        if not supply.agents:
            agent.on[messages.Start] = lambda _stream, _header: agent.end.close("killed")

    supply.prepare = die_first
    call = invoke(runner)
    await soon(lambda: len(supply.agents) == 2 and bool(supply.agents[1].held))
    supply.agents[1].answer()
    await call


async def test_a_refused_event_goes_to_another_environment(supply: Supply, make: Make) -> None:
    runner = make()
    refused: list[str] = []

    def refuse_first(agent: ScriptedAgent) -> None:
        def run(stream: int, header: messages.Header) -> None:
            assert isinstance(header, messages.Invoke)
            if not refused:
                refused.append(header.environment)
                agent.refuse(messages.Refusal.DRAINING)(stream, header)
            else:
                agent.held.append((stream, header, b"again"))

        agent.on[messages.Invoke] = run

    supply.prepare = refuse_first
    call = invoke(runner)
    await soon(lambda: bool(refused) and bool(supply.agents[0].held))
    assert supply.agents[0].held[0][1].environment != refused[0]
    supply.agents[0].answer()
    await call


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (messages.Refusal.RUNTIME_UNAVAILABLE, errors.InvalidRuntimeError),
        (messages.Refusal.CODE_UNAVAILABLE, errors.InvalidZipFileError),
    ],
)
async def test_what_can_never_work_fails_all_that_wait_at_once(
    supply: Supply, make: Make, reason: messages.Refusal, error: type[errors.ApiError]
) -> None:
    runner = make()
    supply.prepare = lambda agent: agent.on.update({messages.Specialise: agent.refuse(reason)})
    calls = [invoke(runner) for _ in range(3)]
    for call in calls:
        with pytest.raises(error, match="because"):
            await call
    assert runner.in_use("f") == 0


async def test_a_supply_that_fails_for_now_is_asked_again(supply: Supply, make: Make) -> None:
    runner = make()
    supply.failures = [ConnectionRefusedError("not yet")]
    call = invoke(runner)
    await asyncio.wait_for(supply.leased.wait(), 10)
    await soon(lambda: bool(supply.agents[0].held))
    supply.agents[0].answer()
    await call


async def test_who_waits_too_long_fails_with_500_and_holds_nothing(
    supply: Supply, make: Make
) -> None:
    runner = make(queue_timeout_s=0.05)
    supply.prepare = lambda agent: agent.on.update({messages.Start: lambda _s, _h: None})
    with pytest.raises(errors.ServiceError, match="No execution environment"):
        await invoke(runner)
    assert runner.in_use("f") == 0


async def test_an_agent_silent_past_the_timeout_is_given_up(supply: Supply, make: Make) -> None:
    runner = make(answer_grace_s=0.0)
    spec = function.Spec(
        code=SPEC.code,
        runtime=SPEC.runtime,
        handler=SPEC.handler,
        role=SPEC.role,
        logging=SPEC.logging,
        timeout_s=0,
    )
    call = runner.invoke(VERSION, spec, event())
    reaper = asyncio.get_running_loop().create_task(runner.reap_forever())
    try:
        with pytest.raises(errors.ServiceError):
            await asyncio.wait_for(call, 10)
        assert supply.agents[0].ended.is_set()
    finally:
        reaper.cancel()


async def test_a_caller_that_hangs_up_keeps_its_place_until_the_function_ends(
    supply: Supply, make: Make
) -> None:
    runner = make()
    runner.reserve("f", 1)
    call = invoke(runner)
    await soon(lambda: bool(supply.agents and supply.agents[0].held))
    call.cancel()
    with pytest.raises(errors.TooManyRequestsError) as caught:
        invoke(runner)
    assert caught.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    supply.agents[0].answer()
    assert runner.in_use("f") == 0
    again = invoke(runner)
    supply.agents[0].answer()
    await again


async def test_idle_environments_of_a_retired_version_go_and_then_its_agent(
    supply: Supply, make: Make
) -> None:
    runner = make()
    call = invoke(runner)
    await soon(lambda: bool(supply.agents and supply.agents[0].held))
    runner.retire(lambda version: version == VERSION)
    assert not supply.agents[0].ended.is_set()
    supply.agents[0].answer()
    await call
    assert messages.Stop(environment="e1") in supply.agents[0].seen
    runner.retire(lambda version: version == VERSION)
    await asyncio.wait_for(supply.agents[0].ended.wait(), 10)
    assert runner.environments() == {}


async def test_idle_environments_are_reaped(supply: Supply, make: Make) -> None:
    runner = make(environment_idle_timeout_s=0.0)
    call = invoke(runner)
    await soon(lambda: bool(supply.agents and supply.agents[0].held))
    supply.agents[0].answer()
    await call
    reaper = asyncio.get_running_loop().create_task(runner.reap_forever())
    try:
        await asyncio.wait_for(supply.agents[0].ended.wait(), 10)
    finally:
        reaper.cancel()
    assert runner.environments() == {}


async def test_closing_waits_for_what_runs_and_admits_nothing_more(
    supply: Supply, make: Make
) -> None:
    runner = make(drain_timeout_s=10)
    call = invoke(runner)
    await soon(lambda: bool(supply.agents and supply.agents[0].held))
    closing = asyncio.get_running_loop().create_task(runner.close())
    await asyncio.sleep(0)
    with pytest.raises(errors.ServiceError, match="shutting down"):
        invoke(runner)
    assert not closing.done()
    supply.agents[0].answer()
    await asyncio.wait_for(closing, 10)
    assert (await call).result.error is None
