"""Provisioned environments, the scaling rate and the request rate, against scripted agents."""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
from support.scripted_agents import SPEC, ScriptedAgent, Supply, event, soon

from inglenook import errors, settings
from inglenook.aio.clock import SystemClock
from inglenook.capacity import provisioned
from inglenook.wire import messages
from inglenook_gateway.dispatch import dispatcher, invocation

ONE = messages.VersionId(function_name="f", function_uid="u", version="1", generation=1)
TWO = messages.VersionId(function_name="f", function_uid="u", version="2", generation=2)
Make = Callable[..., dispatcher.Dispatcher]


class Time(SystemClock):
    """The system's clock, a little ahead of it."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:  # type: ignore[override]
        return SystemClock.monotonic() + self.ahead_s


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def supply() -> Supply:
    return Supply()


@pytest.fixture
async def make(supply: Supply, time: Time) -> AsyncIterator[Make]:
    made: list[dispatcher.Dispatcher] = []

    def build(**limits: float) -> dispatcher.Dispatcher:
        values = {"drain_timeout_s": 0.05} | limits
        runner = dispatcher.Dispatcher(
            supply=supply,
            time=time,
            limits=settings.Gateway(**values),  # type: ignore[arg-type]
            region="us-east-1",
            account="000000000000",
        )
        made.append(runner)
        return runner

    yield build
    for runner in made:
        await runner.close()


def provision(runner: dispatcher.Dispatcher, count: int, version: messages.VersionId = ONE) -> None:
    runner.provision(version, SPEC, environments=count, aside=count)


def invoke(
    runner: dispatcher.Dispatcher, version: messages.VersionId = ONE
) -> asyncio.Future[invocation.Outcome]:
    return runner.invoke(version, SPEC, event())


def starts(agent: ScriptedAgent) -> list[str]:
    """Return how each start that the agent was asked for is to be initialised."""
    return [each.initialization_type for each in agent.seen if isinstance(each, messages.Start)]


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
