"""The scaling rate and the request rate, against scripted agents."""

import asyncio

import msgspec
import pytest
from support.dispatchers import ONE, TWO, Make, Time, invoke, provision
from support.scripted_agents import SPEC, ScriptedAgent, Supply, soon

from inglenook import errors
from inglenook.routing import invocation
from inglenook.wire import messages

# The scaling rate


class Burst:
    """Agents that start environments later, all that they were asked for at once."""

    def __init__(self, supply: Supply) -> None:
        self._asked: list[tuple[ScriptedAgent, int]] = []
        self._supply = supply
        supply.prepare = self._prepare

    def _prepare(self, agent: ScriptedAgent) -> None:
        agent.on[messages.Start] = lambda stream, _header: self._asked.append((agent, stream))

    async def start(self, count: int) -> None:
        """Start so many, once they are asked for."""
        await soon(lambda: len(self._asked) == count)
        asked, self._asked = self._asked, []
        for agent, stream in asked:
            agent.environments += 1
            name = f"e{agent.environments}"
            agent.end.send(stream, messages.Started(environment=name, init_ms=1.0))


async def test_a_thousand_first_calls_at_once_all_run_and_then_starts_are_throttled(
    supply: Supply, make: Make, time: Time
) -> None:
    # A hundredth of a second is one more.
    time.stop()
    runner, burst = make(account_concurrency=5000, starts_in_flight=5000), Burst(supply)
    calls = [invoke(runner) for _ in range(1000)]
    with pytest.raises(errors.TooManyRequestsError) as caught:
        invoke(runner)
    assert caught.value.reason == "ConcurrentInvocationLimitExceeded"
    assert caught.value.headers() == {"Retry-After": "1"}
    assert runner.in_use("f") == 1000
    await burst.start(1000)
    assert len(supply.agents[0].held) == 1000
    with pytest.raises(errors.TooManyRequestsError):
        invoke(runner)
    # Another function scales by itself, and what is provisioned is no part of it.
    other = msgspec.structs.replace(ONE, function_name="g")
    calls.append(invoke(runner, other))
    provision(runner, 5, TWO)
    await burst.start(6)
    assert runner.standing(TWO).available == 5
    time.ahead_s = 1.0
    calls += [invoke(runner) for _ in range(100)]
    await burst.start(100)
    for agent in supply.agents:
        while agent.held:
            agent.answer()
    await asyncio.gather(*calls)


async def test_who_finds_an_environment_free_is_not_throttled(supply: Supply, make: Make) -> None:
    runner, burst = make(account_concurrency=5000, starts_in_flight=5000), Burst(supply)
    calls = [invoke(runner) for _ in range(1000)]
    await burst.start(1000)
    for _ in range(10):
        supply.agents[0].answer()
    again = [invoke(runner) for _ in range(10)]
    while supply.agents[0].held:
        supply.agents[0].answer()
    await asyncio.gather(*calls, *again)


async def test_calls_that_end_fast_do_not_use_up_the_scaling_rate(
    supply: Supply, make: Make
) -> None:
    runner = make(starts_in_flight=1)
    calls = []
    for _ in range(3000):
        # Each waits for the one environment, none is started for it beyond what is under way.
        calls.append(invoke(runner))
        await soon(lambda: bool(supply.agents and supply.agents[0].held))
        supply.agents[0].answer()
    await asyncio.gather(*calls)
    assert supply.agents[0].environments == 1


# The request rate


async def test_a_reservation_of_one_has_ten_requests_a_second(
    supply: Supply, make: Make, time: Time
) -> None:
    runner = make(request_rate_limit=True)
    runner.reserve("f", 1)
    for _ in range(10):
        call = invoke(runner)
        await soon(lambda: bool(supply.agents and supply.agents[0].held))
        supply.agents[0].answer()
        await call
    with pytest.raises(errors.TooManyRequestsError) as caught:
        invoke(runner)
    assert caught.value.reason == "ReservedFunctionInvocationRateLimitExceeded"
    assert caught.value.headers() == {"Retry-After": "1"}
    assert runner.in_use("f") == 0
    # Events are not requests that somebody waits for.
    asynchronous = invocation.Event(
        request_id="r", arn="arn", payload=b"{}", trace_id="t", is_synchronous=False
    )
    call = runner.invoke(ONE, SPEC, asynchronous)
    await soon(lambda: len(supply.agents[0].held) == 1)
    supply.agents[0].answer()
    await call
    time.ahead_s = 1.0
    call = invoke(runner)
    await soon(lambda: len(supply.agents[0].held) == 1)
    supply.agents[0].answer()
    await call


async def test_functions_without_a_reservation_share_the_accounts_rate(
    supply: Supply, make: Make
) -> None:
    runner = make(request_rate_limit=True, account_concurrency=1)
    other = msgspec.structs.replace(ONE, function_name="g")
    for number in range(10):
        call = invoke(runner, other if number % 2 else ONE)
        await soon(lambda: any(agent.held for agent in supply.agents))
        next(agent for agent in supply.agents if agent.held).answer()
        await call
    with pytest.raises(errors.TooManyRequestsError) as caught:
        invoke(runner)
    assert caught.value.reason == "FunctionInvocationRateLimitExceeded"


async def test_more_than_ten_requests_a_second_scale_out(supply: Supply, make: Make) -> None:
    runner = make(request_rate_limit=True)
    used = []
    for _ in range(25):
        call = invoke(runner)
        await soon(lambda: bool(supply.agents and supply.agents[0].held))
        used.append(supply.agents[0].held[0][1].environment)
        supply.agents[0].answer()
        await call
    # They may have rested for a moment, where this took long.
    assert supply.agents[0].environments in {2, 3}
    assert used[:10] == ["e1"] * 10
    assert used[10] == "e2"


async def test_an_environment_that_has_rested_takes_who_waits(supply: Supply, make: Make) -> None:
    runner = make(request_rate_limit=True)
    for _ in range(10):
        call = invoke(runner)
        await soon(lambda: bool(supply.agents and supply.agents[0].held))
        supply.agents[0].answer()
        await call
    supply.agents[0].on[messages.Start] = lambda _stream, _header: None
    call = invoke(runner)
    await asyncio.wait([asyncio.ensure_future(soon(lambda: bool(supply.agents[0].held)))])
    assert supply.agents[0].held[0][1].environment == "e1"
    supply.agents[0].answer()
    await call


async def test_without_the_option_nothing_is_paced(supply: Supply, make: Make) -> None:
    runner = make()
    runner.reserve("f", 1)
    for _ in range(50):
        call = invoke(runner)
        await soon(lambda: bool(supply.agents and supply.agents[0].held))
        supply.agents[0].answer()
        await call
    assert supply.agents[0].environments == 1
