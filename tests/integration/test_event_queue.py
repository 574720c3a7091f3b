"""What every implementation of the durable queue promises.

The suite knows the `queue.Queue` protocol only; what opens a queue, closes it and cuts it off is
the `site`, one for each implementation.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from support.event_queues import Closable, MakeSite, Site

from inglenook.events import queue
from inglenook.events.queue import Claim, Item, Queue


@pytest.fixture(autouse=True)
def _loop_is_never_blocked() -> Iterator[None]:
    with blockbuster_ctx(["inglenook", "inglenook_cluster"]):
        yield


@pytest.fixture
def site(make_site: MakeSite, tmp_path: Path) -> Site:
    return make_site(tmp_path)


@pytest.fixture
async def events(site: Site) -> AsyncIterator[Closable]:
    opened = await site.open()
    yield opened
    await opened.close()


def item(payload: str = "x", *, group: str = "f", due: float = 0.0) -> Item:
    return Item(group=group, due=due, state=b"first", payload=payload.encode())


async def claim(
    events: Queue, limit: int = 10, *, group: str = "f", now: float = 100.0, until: float = 200.0
) -> list[Claim]:
    return await events.claim({group: limit}, now=now, until=until)


def payloads(claims: list[Claim]) -> list[str]:
    return [one.payload.decode() for one in claims]


async def test_what_was_put_is_claimed_as_it_was(events: Closable) -> None:
    await events.put(item("päyload"))
    (claimed,) = await claim(events)
    assert (claimed.group, claimed.state, claimed.payload.decode()) == ("f", b"first", "päyload")


async def test_what_is_due_first_is_claimed_first_and_nothing_before_its_time(
    events: Closable,
) -> None:
    for due in (90, 30, 150, 60):
        await events.put(item(str(due), due=due))
    assert payloads(await claim(events, 2)) == ["30", "60"]
    assert payloads(await claim(events)) == ["90"]
    assert payloads(await claim(events, now=149)) == []
    assert payloads(await claim(events, now=150)) == ["150"]


async def test_items_due_at_once_come_in_the_order_of_their_putting(events: Closable) -> None:
    for number in range(20):
        await events.put(item(str(number)))
    assert payloads(await claim(events, 20)) == [str(number) for number in range(20)]


async def test_a_claim_takes_from_each_group_what_was_asked_of_it(events: Closable) -> None:
    for group in ("f", "g", "h"):
        for number in range(3):
            await events.put(item(f"{group}{number}", group=group))
    claimed = await events.claim({"f": 1, "g": 2, "absent": 5}, now=100, until=200)
    assert payloads(claimed) == ["f0", "g0", "g1"]


async def test_what_is_held_is_nobody_elses_until_its_lease_lapses(events: Closable) -> None:
    await events.put(item())
    (first,) = await claim(events, until=200)
    assert await claim(events, now=199) == []
    (second,) = await claim(events, now=200, until=300)
    assert second.epoch > first.epoch
    assert second.payload == first.payload


ENDINGS: dict[str, Callable[[Queue, Claim], Awaitable[None]]] = {
    "settle": lambda events, held: events.settle(held, [item("must not appear", group="g")]),
    "reschedule": lambda events, held: events.reschedule(held, due=0, state=b""),
    "release": lambda events, held: events.release(held),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_stale_holder_ends_nothing(events: Closable, ending: str) -> None:
    await events.put(item())
    (stale,) = await claim(events, until=200)
    (latest,) = await claim(events, now=200, until=300)
    with pytest.raises(queue.StaleClaimError):
        await ENDINGS[ending](events, stale)
    assert await claim(events, now=250, group="g") == []
    assert await claim(events, now=250) == []
    await events.settle(latest)


async def test_a_lapsed_lease_that_nobody_took_over_is_still_good_for_settling(
    events: Closable,
) -> None:
    await events.put(item())
    (late,) = await claim(events, until=101)
    await events.settle(late)
    assert await claim(events, now=1000) == []


@pytest.mark.parametrize("twice", ["one after the other", "at once"])
async def test_a_claim_is_settled_once(events: Closable, twice: str) -> None:
    await events.put(item())
    (held,) = await claim(events)
    if twice == "at once":
        outcomes = await asyncio.gather(
            events.settle(held, [item("once", group="g")]),
            events.settle(held, [item("once", group="g")]),
            return_exceptions=True,
        )
        assert [type(one) for one in outcomes] == [type(None), queue.StaleClaimError]
    else:
        await events.settle(held, [item("once", group="g")])
        with pytest.raises(queue.StaleClaimError):
            await events.settle(held, [item("once", group="g")])
    assert payloads(await claim(events, group="g")) == ["once"]


async def test_an_extended_lease_holds_longer_and_a_stale_one_is_not_extended(
    events: Closable,
) -> None:
    await events.put(item("a"))
    await events.put(item("b"))
    a, b = await claim(events, until=200)
    await events.extend([a], until=400)
    (b_again,) = await claim(events, now=300, until=310)
    assert b_again.id == b.id
    await events.extend([b], until=1000)
    assert payloads(await claim(events, now=399)) == ["b"]


async def test_a_rescheduled_item_comes_back_later_in_its_new_state(events: Closable) -> None:
    await events.put(item("kept"))
    (held,) = await claim(events)
    await events.reschedule(held, due=500, state=b"second")
    assert await claim(events, now=499) == []
    (again,) = await claim(events, now=500, until=600)
    assert (again.state, again.payload) == (b"second", b"kept")
    assert again.epoch > held.epoch


async def test_a_released_item_is_there_at_once(events: Closable) -> None:
    await events.put(item())
    (held,) = await claim(events)
    await events.release(held)
    (again,) = await claim(events)
    assert again.state == b"first"
    with pytest.raises(queue.StaleClaimError):
        await events.settle(held)


@pytest.mark.parametrize("make_site", ["sqlite"], indirect=True)
async def test_claims_of_a_former_life_are_void(site: Site) -> None:
    first = await site.open()
    await first.put(item())
    (old,) = await claim(first, until=1e12)
    second = await site.crash(first)
    with pytest.raises(queue.StaleClaimError):
        await second.settle(old)
    (new,) = await claim(second)
    assert new.epoch > old.epoch
    with pytest.raises(queue.StaleClaimError):
        await second.reschedule(old, due=0, state=b"")
    await second.settle(new)
    await second.close()


@pytest.mark.parametrize("make_site", ["jetstream"], indirect=True)
async def test_a_lease_outlives_the_servers_crash_and_then_lapses(site: Site) -> None:
    first = await site.open()
    await first.put(item())
    (old,) = await claim(first, until=200)
    second = await site.crash(first)
    assert await claim(second, now=199) == []
    (new,) = await claim(second, now=200, until=300)
    assert new.epoch > old.epoch
    with pytest.raises(queue.StaleClaimError):
        await second.settle(old)
    await second.settle(new)
    await second.close()


async def test_what_was_answered_is_there_after_a_crash(site: Site) -> None:
    first = await site.open()
    await asyncio.gather(*(first.put(item(str(number))) for number in range(200)))
    held = await claim(first, 50)
    await asyncio.gather(*(first.settle(one) for one in held[:25]))
    await asyncio.gather(*(first.reschedule(one, due=150, state=b"2") for one in held[25:]))
    second = await site.crash(first)
    now = await claim(second, 1000, now=100)
    assert sorted(map(int, payloads(now))) == list(range(50, 200))
    later = await claim(second, 1000, now=150)
    assert {one.state for one in later} == {b"2"}
    assert sorted(map(int, payloads(later))) == list(range(25, 50))
    await second.close()


async def test_a_full_queue_refuses_and_takes_again_when_there_is_room(events: Closable) -> None:
    big = item("x" * 300_000)
    for _ in range(3):
        await events.put(big)
    with pytest.raises(queue.QueueFullError):
        await events.put(big)
    (held,) = await claim(events, 1)
    await events.settle(held)
    await events.put(big)


async def test_a_queue_of_many_small_items_is_full_too(events: Closable) -> None:
    outcomes = await asyncio.gather(
        *(events.put(item("")) for _ in range(1100)), return_exceptions=True
    )
    assert sum(isinstance(one, queue.QueueFullError) for one in outcomes) == 100


async def test_what_follows_an_item_goes_into_a_full_queue(events: Closable) -> None:
    await events.put(item("x" * 900_000))
    (held,) = await claim(events)
    await events.settle(held, [item("y" * 999_000, group="g"), item("z" * 999_000, group="g")])
    assert [one.payload[:1] for one in await claim(events, group="g")] == [b"y", b"z"]
    with pytest.raises(queue.QueueFullError):
        await events.put(item())


async def test_a_watcher_learns_what_there_is_and_what_becomes_due_earlier(site: Site) -> None:
    events = await site.open()
    await events.put(item(group="old", due=70))
    await events.close()
    events = await site.open()
    heads: dict[str, float | None] = {}
    events.watch(heads.update)
    assert heads == {"old": 70}
    await events.put(item(due=90))
    await events.put(item(due=30))
    assert heads == {"old": 70, "f": 30}
    claimed = await claim(events, 1, until=1000)
    assert heads["f"] == 90
    await events.reschedule(claimed[0], due=45, state=b"")
    assert heads["f"] == 45
    await events.close()


async def test_the_head_of_a_group_that_is_all_held_is_the_first_lapse(events: Closable) -> None:
    heads: dict[str, float | None] = {}
    events.watch(heads.update)
    await events.put(item())
    (held,) = await claim(events, until=160)
    assert heads["f"] == 160
    await events.settle(held)
    assert await claim(events, now=160) == []
    assert heads["f"] is None


async def test_a_released_item_is_told_to_watchers(events: Closable) -> None:
    heads: dict[str, float | None] = {}
    await events.put(item(due=50))
    (held,) = await claim(events)
    events.watch(heads.update)
    await events.release(held)
    head = heads["f"]
    assert head is not None
    assert head <= 50


async def test_a_cancelled_claim_gives_back_what_it_would_have_got(events: Closable) -> None:
    await events.put(item())
    claiming = asyncio.ensure_future(claim(events, until=1e12))
    # One turn: the claim is with the engine, and its answer is not yet back.
    await asyncio.sleep(0)
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    assert len(await claim(events)) == 1


async def test_a_cancelled_put_spoils_nothing_for_the_others(events: Closable) -> None:
    putting = [asyncio.ensure_future(events.put(item(str(number)))) for number in range(100)]
    await asyncio.sleep(0)
    for one in putting[::2]:
        one.cancel()
    await asyncio.gather(*putting, return_exceptions=True)
    found = set(map(int, payloads(await claim(events, 1000))))
    assert found >= set(range(1, 100, 2))


async def test_a_closed_queue_has_done_what_waited_and_refuses_more(site: Site) -> None:
    events = await site.open()
    putting = asyncio.gather(*(events.put(item(str(number))) for number in range(100)))
    await asyncio.sleep(0)
    await events.close()
    await putting
    with pytest.raises(queue.ClosedError):
        await events.put(item())
    await events.close()
    events = await site.open()
    assert len(await claim(events, 1000)) == 100
    await events.close()
