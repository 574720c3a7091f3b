"""What is particular to the durable queue in JetStream: many processes, and a server that dies."""

import asyncio
import collections
import itertools
import time
from collections.abc import AsyncIterator

import pytest
from support import event_queues
from support.event_queues import connected, opened
from support.nats_server import NatsServer
from support.queue_load import FAR, Load

from inglenook import errors, settings
from inglenook.events import queue
from inglenook.events.queue import Claim, Item
from inglenook_cluster.streams import api
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.failures import EngineError, UnavailableError
from inglenook_cluster.streams.intake import JetStreamIntake
from inglenook_cluster.streams.queue import JetStreamQueue

_names = (f"several-{number}" for number in itertools.count())


def item(payload: str, *, group: str = "f", due: float = 0.0) -> Item:
    return Item(group=group, due=due, state=b"state", payload=payload.encode())


class Member:
    """A process with a queue: a connection and a queue of its own."""

    def __init__(self, connection: Connection, queue: JetStreamQueue) -> None:
        self.connection = connection
        self.queue = queue


class Group:
    """Processes that share a queue."""

    def __init__(self, server: NatsServer) -> None:
        self._server = server
        self.name = next(_names)
        self._members: list[Member] = []

    async def join(self) -> Member:
        connection = await connected(self._server)
        joined = await opened(connection, name=self.name, bytes_max=100_000_000, items_max=100_000)
        self._members.append(Member(connection, joined))
        return self._members[-1]

    async def close(self) -> None:
        for member in self._members:
            await member.queue.close()
            await member.connection.close()


@pytest.fixture
async def group(nats: NatsServer) -> AsyncIterator[Group]:
    made = Group(nats)
    yield made
    await made.close()


class Seen:
    """What watchers were told, to wait for."""

    def __init__(self, watched: JetStreamQueue) -> None:
        self.heads: dict[str, float | None] = {}
        self._changed = asyncio.Event()
        watched.watch(self._take)

    def _take(self, heads: queue.Heads) -> None:
        self.heads.update(heads)
        self._changed.set()

    async def until(self, **expected: float | None) -> None:
        async with asyncio.timeout(10):
            while any(self.heads.get(name) != head for name, head in expected.items()):
                self._changed.clear()
                await self._changed.wait()


async def claim_all(events: queue.Queue, *, now: float = 100.0, until: float = FAR) -> list[Claim]:
    claimed: list[Claim] = []
    while more := await events.claim({"f": 100, "g": 100}, now=now, until=until):
        claimed += more
    return claimed


async def work(
    events: queue.Queue, done: "collections.Counter[bytes]", total: int, *, at_once: int = 20
) -> None:
    """Claim and settle until everybody together has done `total`."""

    async def run(claim: Claim) -> None:
        done[claim.payload] += 1
        await asyncio.sleep(0)
        await events.settle(claim)

    while done.total() < total:
        claims = await events.claim({"f": at_once}, now=100, until=FAR)
        await asyncio.gather(*(run(claim) for claim in claims))


async def test_what_one_has_put_another_is_told_of_and_claims(group: Group) -> None:
    putting, working = (await group.join()).queue, (await group.join()).queue
    seen = Seen(working)
    await putting.put(item("x", due=70))
    await seen.until(f=70)
    (claimed,) = await claim_all(working)
    assert claimed.payload == b"x"
    idle = Seen(putting)
    await idle.until(f=FAR)
    await working.settle(claimed)
    await idle.until(f=None)


async def test_each_knows_how_many_items_there_are_whoever_has_them(group: Group) -> None:
    putting, working = (await group.join()).queue, (await group.join()).queue
    assert putting.items == working.items == 0
    seen = Seen(working)
    await asyncio.gather(*(putting.put(item(name, group=name)) for name in "fg"))
    await seen.until(f=0.0, g=0.0)
    assert putting.items == working.items == 2
    told = Seen(putting)
    claimed = await claim_all(working)
    assert working.items == 2
    for each in claimed:
        await working.settle(each)
    await told.until(f=None, g=None)
    assert putting.items == working.items == 0


async def test_of_two_who_compete_each_item_is_claimed_by_one_and_none_is_lost(
    group: Group,
) -> None:
    members = [(await group.join()).queue for _ in range(3)]
    done: collections.Counter[bytes] = collections.Counter()
    total = 1500

    async def put() -> None:
        for start in range(0, total, 50):
            await asyncio.gather(
                *(members[0].put(item(str(start + number))) for number in range(50))
            )

    await asyncio.gather(put(), *(work(one, done, total) for one in members))
    assert done == {str(number).encode(): 1 for number in range(total)}
    assert await claim_all(members[0], now=2 * FAR) == []


async def test_the_lease_of_one_who_is_gone_is_taken_over_and_he_ends_nothing(group: Group) -> None:
    gone, heir = (await group.join()).queue, (await group.join()).queue
    seen = Seen(heir)
    await gone.put(item("left behind"))
    (held,) = await claim_all(gone, until=200)
    await seen.until(f=200)
    assert await claim_all(heir, now=199) == []
    (taken,) = await claim_all(heir, now=200)
    assert taken.epoch > held.epoch
    for ending in (
        gone.settle(held, [item("never")]),
        gone.reschedule(held, due=0, state=b"never"),
        gone.release(held),
    ):
        with pytest.raises(queue.StaleClaimError):
            await ending
    await gone.extend([held], until=3 * FAR)
    await heir.settle(taken)
    assert await claim_all(gone, now=4 * FAR) == []


async def test_renewing_and_settling_at_once_settles(group: Group) -> None:
    events = (await group.join()).queue
    await asyncio.gather(*(events.put(item(str(number))) for number in range(50)))
    held = await claim_all(events, until=200)
    renewing = [
        asyncio.ensure_future(events.extend(held, until=until)) for until in range(201, 205)
    ]
    await asyncio.gather(*(events.settle(claim) for claim in held))
    await asyncio.gather(*renewing)
    assert await claim_all(events, now=FAR) == []


@pytest.mark.parametrize("size", [100_000, 200_000, 3_000_000])
async def test_a_payload_of_any_size_comes_back_whole_and_leaves_nothing(
    group: Group, size: int
) -> None:
    member = await group.join()
    payload = bytes(range(256)) * (size // 256)
    await member.queue.put(Item(group="f", due=0, state=b"1", payload=payload))
    (held,) = await claim_all(member.queue)
    await member.queue.reschedule(held, due=0, state=b"second")
    (held,) = await claim_all((await group.join()).queue)
    assert (held.state, held.payload) == (b"second", payload)
    await member.queue.extend([held], until=2 * FAR)
    await member.queue.settle(held, [Item(group="g", due=0, state=b"", payload=payload)])
    (held,) = await claim_all(member.queue)
    assert (held.group, held.payload) == ("g", payload)
    await member.queue.settle(held)
    info = await api.call(member.connection, f"STREAM.INFO.{group.name}", {})
    assert info["state"]["bytes"] < 20_000


async def test_what_is_put_together_with_a_settlement_is_not_put_without_it(group: Group) -> None:
    events = (await group.join()).queue
    await events.put(item("x"))
    (held,) = await claim_all(events)
    outcomes = await asyncio.gather(
        *(events.settle(held, [item(f"{n}", group="g"), item(f"{n}", group="g")]) for n in "abc"),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in outcomes) == [
        "NoneType",
        "StaleClaimError",
        "StaleClaimError",
    ]
    followers = [one.payload for one in await claim_all(events)]
    assert len(followers) == 2
    assert len(set(followers)) == 1


async def test_groups_may_be_named_anything(group: Group) -> None:
    events = (await group.join()).queue
    names = ["arn:aws:sns:us-east-1:000000000000:a.fifo", "f.*", ">", "", "a b\r\n", "ünï", "%"]
    for name in names:
        await events.put(item("x", group=name))
    again = (await group.join()).queue
    for name in names:
        (claimed,) = await again.claim({name: 5}, now=100, until=FAR)
        assert claimed.group == name


@pytest.mark.timeout(120)
async def test_a_server_that_is_killed_under_load_loses_and_doubles_nothing_it_has_answered(
    nats: NatsServer, group: Group
) -> None:
    putting = (await group.join()).queue
    workers = [(await group.join()).queue for _ in range(2)]
    load = Load(putting, workers)

    async def kill() -> None:
        for _ in range(4):
            await load.until_settled(200)
            await asyncio.to_thread(nats.kill)
            await asyncio.to_thread(nats.start)
        load.stop()

    await asyncio.gather(kill(), load.run(putters=20))
    assert load.settled == load.accepted
    assert set(load.done.values()) == {1}
    assert await claim_all(workers[0], now=2 * FAR) == []


@pytest.fixture
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PATIENCE_S", 0.5)


@pytest.mark.usefixtures("_little_patience")
async def test_while_the_server_is_away_everything_fails_soon_and_goes_on_when_it_is_back(
    nats: NatsServer, group: Group
) -> None:
    member = await group.join()
    events = member.queue
    for payload in "abc":
        await events.put(item(payload))
    (held,) = await events.claim({"f": 1}, now=100, until=FAR)
    await asyncio.to_thread(nats.kill)
    began = time.monotonic()
    attempts = [
        events.put(item("x")),
        events.claim({"f": 1}, now=100, until=FAR),
        events.settle(held),
        events.extend([held], until=2 * FAR),
        events.release(held),
    ]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert [type(one) for one in outcomes] == [UnavailableError] * 5
    assert all(isinstance(one, queue.QueueError | errors.ServiceError) for one in outcomes)
    assert time.monotonic() - began < 5
    assert not member.connection.is_connected
    await asyncio.to_thread(nats.start)
    await member.connection.until_connected(10)
    await events.settle(held)
    await events.put(item("d"))
    assert [one.payload for one in await claim_all(events)] == [b"b", b"c", b"d"]


async def test_a_server_that_falls_silent_costs_patience_and_no_item(
    nats: NatsServer, group: Group
) -> None:
    events = (await group.join()).queue
    await events.put(item("before"))
    with nats.frozen():
        putting = asyncio.gather(*(events.put(item(str(number))) for number in range(20)))
        done, _ = await asyncio.wait([putting], timeout=0.5)
        assert not done
    await putting
    assert len(await claim_all(events)) == 21


async def test_nobody_waits_for_a_server_that_refuses_what_is_asked(nats: NatsServer) -> None:
    connection = await Connection.open(
        settings.Cluster(nats_url=nats.url, nats_replicas=3), name="test"
    )
    try:
        with pytest.raises(EngineError, match="replicas"):
            await opened(connection, name=next(_names))
    finally:
        await connection.close()


async def test_several_who_start_at_once_share_one_stream(nats: NatsServer, group: Group) -> None:
    members = await asyncio.gather(*(group.join() for _ in range(5)))
    await members[0].queue.put(item("x"))
    seen = Seen(members[4].queue)
    await seen.until(f=0)


async def test_connecting_waits_for_the_server(nats: NatsServer) -> None:
    await asyncio.to_thread(nats.kill)
    opening = asyncio.ensure_future(event_queues.connected(nats))
    done, _ = await asyncio.wait([opening], timeout=0.3)
    assert not done
    await asyncio.to_thread(nats.start)
    connection = await opening
    assert connection.is_connected
    await connection.close()
    await connection.close()


async def test_what_a_process_puts_that_follows_nothing_is_claimed_by_others(
    group: Group, nats: NatsServer
) -> None:
    working = (await group.join()).queue
    connection = await connected(nats)
    intake = await JetStreamIntake.open(
        connection, bytes_max=10_000_000, items_max=1000, name=group.name
    )
    await asyncio.gather(*(intake.put(item(str(number), due=number)) for number in range(50)))
    large = Item(group="g", due=0, state=b"", payload=b"x" * 2_000_000)
    await intake.put(large)
    await Seen(working).until(f=0, g=0)
    claims = await claim_all(working)
    assert [one.payload for one in claims if one.group == "f"] == [b"%d" % n for n in range(50)]
    assert [one.payload for one in claims if one.group == "g"] == [large.payload]
    await intake.close()
    with pytest.raises(queue.ClosedError):
        await intake.put(large)
    await connection.close()


async def test_the_way_in_refuses_when_the_queue_is_full(group: Group, nats: NatsServer) -> None:
    working = (await group.join()).queue
    connection = await connected(nats)
    intake = await JetStreamIntake.open(
        connection, bytes_max=100_000, items_max=20, name=group.name
    )
    with pytest.raises(queue.QueueFullError):
        await intake.put(item("x" * 100_001))
    outcomes = await asyncio.gather(
        *(intake.put(item("x")) for _ in range(30)), return_exceptions=True
    )
    assert sum(isinstance(one, queue.QueueFullError) for one in outcomes) == 10
    again = await JetStreamIntake.open(connection, bytes_max=100_000, items_max=20, name=group.name)
    with pytest.raises(queue.QueueFullError):
        await again.put(item("x"))
    await Seen(working).until(f=0)
    for one in (intake, again):
        await one.close()
    await connection.close()
