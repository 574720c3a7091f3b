"""Several gateways over real links: whoever is asked, the owner's dispatcher runs it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from support import gateway_group, silent_sockets
from support.gateway_group import Group, eventually, made

from inglenook import errors
from inglenook.wire import messages


@pytest.fixture
async def group() -> AsyncIterator[Group]:
    async with gateway_group.group() as found:
        found.put(made("f"))
        for name in ("one", "two", "three"):
            await found.gateway(name)
        found.see("one", "two", "three")
        yield found


async def test_whoever_is_asked_the_owner_runs_it_and_the_answer_comes_back(group: Group) -> None:
    for number, member in enumerate(group.all.values()):
        call = member.invoke(payload=str(number).encode())
        await eventually(lambda: bool(group.pods.runs))
        group.pods.runs[0].answer(messages.Result(duration_ms=7.0, tail="log"))
        outcome = await call
        assert bytes(outcome.payload) == str(number).encode()
        assert (outcome.result.duration_ms, outcome.result.tail) == (7.0, "log")
    assert len(group.pods.agents) == 1
    assert {name for name, each in group.all.items() if _held(each)} == {group.owner().name}


async def test_the_functions_error_comes_back_as_an_answer(group: Group) -> None:
    call = group.others()[0].invoke()
    await eventually(lambda: bool(group.pods.runs))
    group.pods.runs[0].answer(messages.Result(error="Boom"), b'{"errorMessage": "boom"}')
    outcome = await call
    assert outcome.result.error == "Boom"
    assert bytes(outcome.payload) == b'{"errorMessage": "boom"}'


async def test_a_throttle_of_the_owner_is_the_callers(group: Group) -> None:
    group.put(made("f", reserved=1))
    call = group.owner().invoke()
    await eventually(lambda: bool(group.pods.runs))
    with pytest.raises(errors.TooManyRequestsError) as caught:
        await group.others()[0].invoke()
    assert caught.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert caught.value.retry_after_s == 1
    group.pods.runs[0].answer()
    await call


async def test_a_worker_forwards_everything(group: Group) -> None:
    worker = group.worker("worker")
    worker.members.learn(group.owner().members.view)
    call = worker.invoke()
    await eventually(lambda: bool(group.pods.runs))
    group.pods.runs[0].answer()
    await call


async def test_nobody_but_who_knows_the_secret_is_heard(group: Group) -> None:
    gateway_group.SECRET, right = b"another", gateway_group.SECRET
    try:
        stranger = group.worker("stranger", queue_timeout_s=0.2)
    finally:
        gateway_group.SECRET = right
    stranger.members.learn(group.owner().members.view)
    with pytest.raises(errors.ServiceError):
        await stranger.invoke()
    assert group.pods.agents == []


async def test_a_streamed_answer_comes_piece_by_piece_and_waits_for_its_reader(
    group: Group,
) -> None:
    asked = group.others()[0]
    target = asked.target("f")
    stream = asked.router.stream(target.id, target.spec, gateway_group.event())
    with contextlib.closing(stream):
        await eventually(lambda: bool(group.pods.runs))
        run = group.pods.runs[0]
        assert run.invoke.wants_stream
        run.chunk(b"first")
        await stream.begun()
        assert await stream.read() == b"first"
        piece = b"x" * messages.STREAM_WINDOW_BYTES
        run.chunk(piece)
        assert await stream.read() == piece
        assert run.taken < len(piece), "nothing is taken before it is passed on"
        reading = asyncio.ensure_future(stream.read())
        await eventually(lambda: run.taken == len(piece) + len(b"first"))
        run.answer(messages.Result(), b"")
        assert await reading is None
        assert stream.outcome.result.error is None


async def test_a_reader_that_is_gone_does_not_hold_up_the_function(group: Group) -> None:
    asked = group.others()[0]
    target = asked.target("f")
    stream = asked.router.stream(target.id, target.spec, gateway_group.event())
    await eventually(lambda: bool(group.pods.runs))
    run = group.pods.runs[0]
    run.chunk(b"x" * 1000)
    await asked.links.close()
    await eventually(lambda: run.taken == 1000)
    run.chunk(b"y" * 500)
    await eventually(lambda: run.taken == 1500)
    stream.close()
    run.answer(messages.Result(), b"")
    assert group.owner().dispatcher is not None
    await eventually(lambda: _in_use(group) == 0)


async def test_what_was_with_an_owner_that_dies_has_failed_and_is_not_run_again(
    group: Group,
) -> None:
    owner, asked = group.owner(), group.others()[0]
    call = asked.invoke()
    await eventually(lambda: bool(group.pods.runs))
    await owner.die()
    with pytest.raises(errors.ServiceError, match="lost"):
        await call
    assert len(group.pods.runs) == 1


async def test_after_an_owners_death_its_successor_uses_the_same_pods_and_counts_them(
    group: Group,
) -> None:
    group.put(made("f", reserved=2))
    owner, asked = group.owner(), group.others()[0]
    lost = asked.invoke()
    kept = asked.invoke()
    await eventually(lambda: len(group.pods.runs) == 2)
    group.pods.runs[0].answer()
    await lost
    await owner.die()
    with pytest.raises(errors.ServiceError):
        await kept
    waiting = asked.invoke()
    group.see(*(name for name in group.all if name != owner.name))
    # One environment is still busy for the dead one; the other is free.
    await eventually(lambda: len(group.pods.runs) == 2)
    with pytest.raises(errors.TooManyRequestsError):
        await asked.invoke()
    assert len(group.pods.agents) == 2
    for run in list(group.pods.runs):
        run.answer()
    await waiting
    await eventually(lambda: _in_use(group) == 0)
    assert group.pods.most["f"] == 2


async def test_what_finds_no_owner_waits_for_one_within_its_time(group: Group) -> None:
    owner, asked = group.owner(), group.others()[0]
    await owner.die()
    await eventually(lambda: asked.links.to(owner.name) is None)
    call = asked.invoke()
    await asyncio.sleep(0)
    assert not call.done()
    group.see(*(name for name in group.all if name != owner.name))
    await eventually(lambda: bool(group.pods.runs))
    group.pods.runs[0].answer()
    await call


async def test_what_comes_while_an_owner_says_nothing_waits_for_its_successor(
    group: Group,
) -> None:
    owner, asked = group.owner(), group.others()[0]
    await eventually(lambda: asked.links.awake(owner.name) is not None)
    assert owner.listener is not None
    for each in owner.listener._connections:
        await silent_sockets.silence(each._transport)  # type: ignore[attr-defined]
    await eventually(lambda: asked.links.awake(owner.name) is None)
    assert asked.links.to(owner.name) is not None, "it may only be slow"
    call = asked.invoke()
    group.see(*(name for name in group.all if name != owner.name))
    await eventually(lambda: bool(group.pods.runs))
    group.pods.runs[0].answer()
    await call


async def test_an_owner_that_was_only_slow_is_given_what_waited(group: Group) -> None:
    owner, asked = group.owner(), group.others()[0]
    await eventually(lambda: asked.links.awake(owner.name) is not None)
    asked.links._pulses[owner.name]._waited = 2
    call = asked.invoke()
    await eventually(lambda: bool(group.pods.runs))
    assert owner.dispatcher is not None
    assert owner.dispatcher.in_use("f") == 1
    group.pods.runs[0].answer()
    await call


async def test_what_finds_no_owner_in_time_fails_with_500(group: Group) -> None:
    worker = group.worker("worker", queue_timeout_s=0.05)
    with pytest.raises(errors.ServiceError, match=r"within 0\.05 seconds"):
        await worker.invoke()


async def test_an_owner_that_does_not_know_the_version_yet_is_asked_again(group: Group) -> None:
    owner, asked = group.owner(), group.others()[0]
    gateway_group.show(asked, gateway_group.updated(group.functions["f"]))
    call = asked.invoke()
    group.put(gateway_group.updated(group.functions["f"]))
    await eventually(lambda: bool(group.pods.runs))
    assert group.pods.runs[0].agent.version == owner.target("f").id
    group.pods.runs[0].answer()
    await call


async def test_an_owner_that_is_ahead_runs_what_the_version_is_now(group: Group) -> None:
    owner, asked = group.owner(), group.others()[0]
    gateway_group.show(owner, gateway_group.updated(group.functions["f"]))
    call = asked.invoke()
    await eventually(lambda: bool(group.pods.runs))
    assert group.pods.runs[0].agent.version == owner.target("f").id != asked.target("f").id
    group.pods.runs[0].answer()
    await call


async def test_an_owner_that_leaves_hands_on_what_waits_and_finishes_what_runs(
    group: Group,
) -> None:
    owner = group.owner()
    assert owner.ownership is not None
    running = owner.invoke(payload=b"running")
    await eventually(lambda: bool(group.pods.runs))
    owner.ownership.leave()
    # The others do not know it yet: what comes now waits until they do.
    later = owner.invoke(payload=b"later")
    group.see(*(name for name in group.all if name != owner.name), leaving=(owner.name,))
    await eventually(lambda: len(group.pods.runs) == 2)
    for run in list(group.pods.runs):
        run.answer()
    assert bytes((await running).payload) == b"running"
    assert bytes((await later).payload) == b"later"
    assert not _held(owner)


async def test_the_only_gateway_goes_on_when_it_leaves() -> None:
    async with gateway_group.group() as group:
        group.put(made("f"))
        one = await group.gateway("one")
        group.see("one")
        assert one.ownership is not None
        one.ownership.leave()
        call = one.invoke()
        await eventually(lambda: bool(group.pods.runs))
        group.pods.runs[0].answer()
        await call


async def test_the_pods_are_asked_once_for_all_functions_that_have_come(group: Group) -> None:
    for number in range(30):
        group.put(made(f"f-{number}"))
    owner, asked = group.owner(), group.others()[0]
    await eventually(lambda: group.pods.censuses == 3)
    calls = [asked.invoke(name) for name in group.functions]
    await eventually(lambda: len(group.pods.runs) == len(calls))
    assert group.pods.censuses == 3
    for run in list(group.pods.runs):
        run.answer()
    await asyncio.gather(*calls)
    # What a gateway had that is gone comes to the others; who joins takes, and asks itself alone.
    left = [name for name in group.all if name != owner.name]
    group.see(*left, leaving=(owner.name,))
    await eventually(lambda: group.pods.censuses == 5)
    group.see(*group.all)
    await eventually(lambda: group.pods.censuses == 6)
    again = [asked.invoke(name) for name in group.functions]
    await eventually(lambda: len(group.pods.runs) == len(again))
    for run in list(group.pods.runs):
        run.answer()
    await asyncio.gather(*again)
    assert group.pods.censuses == 6
    assert len(group.pods.agents) == len(group.functions)


async def test_a_gateway_that_is_behind_learns_of_the_view_from_the_others(group: Group) -> None:
    fourth = await group.gateway("fourth")
    view = group.view("one", "two", "three", "fourth")
    fourth.members.learn(view)
    await eventually(lambda: all(each.members.view == view for each in group.all.values()))


def _held(member: gateway_group.Member) -> set[str]:
    return set() if member.ownership is None else member.ownership.held


def _in_use(group: Group) -> int:
    dispatchers = [each.dispatcher for each in group.all.values() if not each.is_dead]
    return sum(each.in_use("f") for each in dispatchers if each is not None)
