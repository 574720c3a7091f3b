"""How invocations end when their environments, agents or the dispatcher do: nothing stays held."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from support.dispatchers import Make
from support.scripted_agents import SPEC, VERSION, ScriptedAgent, Supply, event, soon

from inglenook import errors
from inglenook.wire import asking, messages
from inglenook_gateway.dispatch import pods


def holds(supply: Supply) -> Callable[[], bool]:
    return lambda: bool(supply.agents and supply.agents[-1].held)


def silent(agent: ScriptedAgent) -> None:
    agent.on[messages.Start] = lambda _stream, _header: None


async def test_gone_that_crosses_an_event_costs_the_event_nothing(
    supply: Supply, make: Make
) -> None:
    runner = make()
    call = runner.invoke(VERSION, SPEC, event(b"1"))
    await soon(holds(supply))
    agent = supply.agents[0]
    stream, header, _ = agent.held.pop()
    # As the agent of a network sends them: the end of what was idle, then what it found.
    agent.end.send(0, messages.Gone(environment=header.environment))
    assert not call.done()
    agent.end.send(stream, messages.Refused(reason=messages.Refusal.UNKNOWN_ENVIRONMENT))
    await soon(holds(supply))
    assert agent.held[0][1].environment != header.environment
    agent.answer()
    assert bytes((await call).payload) == b"1"
    assert runner.in_use("f") == 0


async def test_gone_holds_nothing_of_a_caller_who_has_hung_up(supply: Supply, make: Make) -> None:
    runner = make(answer_grace_s=0.0)
    spec = msgspec.structs.replace(SPEC, timeout_s=0)
    call = runner.invoke(VERSION, spec, event())
    await soon(holds(supply))
    call.cancel()
    agent = supply.agents[0]
    agent.end.send(0, messages.Gone(environment=agent.held[0][1].environment))
    # An agent that breaks its promise of an answer is given up like any that is silent.
    await asyncio.sleep(0)
    runner._fleets[VERSION].reap()
    await soon(lambda: runner.in_use("f") == 0)


async def test_a_refused_event_has_a_lost_provisioned_environment_made_up_for(
    supply: Supply, make: Make
) -> None:
    runner = make()
    runner.provision(VERSION, SPEC, environments=1, aside=1)
    await soon(lambda: runner.standing(VERSION).available == 1)
    agent = supply.agents[0]
    call = runner.invoke(VERSION, SPEC, event())
    stream, _, _ = agent.held.pop()
    agent.end.send(stream, messages.Refused(reason=messages.Refusal.UNKNOWN_ENVIRONMENT))
    await soon(holds(supply))
    agent.answer()
    await call
    await soon(lambda: runner.standing(VERSION).available == 1)


async def test_closing_answers_those_who_wait_for_an_environment(
    supply: Supply, make: Make
) -> None:
    supply.prepare = silent
    runner = make()
    calls = [runner.invoke(VERSION, SPEC, event()) for _ in range(3)]
    await soon(lambda: bool(supply.agents) and len(supply.agents[0].seen) == 4)
    await runner.close()
    async with asyncio.timeout(10):
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in ended] == [errors.ServiceError] * 3
    assert runner.in_use("f") == 0


async def test_closing_leases_nothing_more_and_tries_nothing_again(
    supply: Supply, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    supply.prepare = silent
    runner = make()
    runner.provision(VERSION, SPEC, environments=2, aside=2)
    call = runner.invoke(VERSION, SPEC, event())
    await soon(lambda: bool(supply.agents) and len(supply.agents[0].seen) >= 3)
    await runner.close()
    runner.provision(VERSION, SPEC, environments=5, aside=5)
    with pytest.raises(errors.ServiceError):
        await call
    await supply.agents[0].ended.wait()
    assert len(supply.agents) == 1
    assert runner.environments() == {}
    assert "trying again" not in caplog.text


async def test_numbers_of_streams_begin_again_before_a_frame_cannot_hold_them(
    supply: Supply,
) -> None:
    wanted = pods.Wanted(version=VERSION, runtime="python3.12", memory_mb=128)
    one = asking.Asking((await supply.lease(wanted, is_ahead=False)).connection)
    one.open()
    one._last_stream = 0xFFFF_FFFE
    for _ in range(2):
        one.ask(messages.Invoke(environment="e", request_id="r", arn="a", trace_id="t"), b"", _none)
    assert [stream for stream, _, _ in supply.agents[0].held] == [0xFFFF_FFFF, 1]


def _none(_header: messages.Header | None, _body: object) -> None:
    """Nobody waits."""
