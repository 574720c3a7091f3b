"""What every implementation of the resource store promises.

The suite knows the `documents.Store` protocol only; what opens, closes and reopens a store is the
parametrised `site` fixture, one for each implementation. In one thing they differ: a cluster tells
changes of several kinds in any order, and counts versions that are of no store.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.kubernetes_site import NEEDS_CLUSTER, kubernetes_site

from inglenook.store import documents, sqlite
from inglenook.store.documents import Change, Document, Kind, Store


class Fruit(msgspec.Struct, frozen=True, kw_only=True):
    colour: str
    labels: dict[str, str] = {}


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    weight: int


FRUIT = Kind(name="Fruit", type=Fruit)
TOOL = Kind(name="Tool", type=Tool)
KNOWN = (FRUIT, TOOL)
HISTORY = 50
"""How many changes each store of this suite is told to keep."""
RED = Fruit(colour="red", labels={"größe": "…"})
GREEN = Fruit(colour="green")


class Closable(Store, Protocol):
    async def close(self) -> None: ...


class Opens(Protocol):
    async def open(self) -> Closable: ...


class Site:
    """A place where a store keeps its documents, and what opens it."""

    def __init__(self, place: Opens, *, is_cluster: bool) -> None:
        self.open = place.open
        self.is_cluster = is_cluster
        """Many kinds of resources, and other writers, share the versions of one etcd."""

    def in_order(self, changes: list[Change]) -> list[Change]:
        """Return changes of several kinds as they were made."""
        if not self.is_cluster:
            return changes
        return sorted(changes, key=lambda change: change.document.resource_version)

    def many(self, count: int) -> int:
        """Return how many writes stand for `count`: on a cluster each is two requests."""
        return count // 10 if self.is_cluster else count


class SqliteSite:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "data" / "store.sqlite"

    async def open(self) -> Closable:
        return await sqlite.SqliteStore.open(self._path, known=KNOWN, history_rows=HISTORY)


Sites = Callable[[], Site]
"""Makes an empty site."""


@contextmanager
def sqlite_sites(factory: pytest.TempPathFactory) -> Iterator[Sites]:
    yield lambda: Site(SqliteSite(factory.mktemp("site")), is_cluster=False)


@contextmanager
def kubernetes_sites(_: pytest.TempPathFactory) -> Iterator[Sites]:
    with kubernetes_site(KNOWN) as place:

        def emptied() -> Site:
            place.wipe()
            return Site(place, is_cluster=True)

        yield emptied


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(sqlite_sites, id="sqlite"),
        pytest.param(kubernetes_sites, id="kubernetes", marks=NEEDS_CLUSTER),
    ],
)
def sites(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sites]:
    with request.param(tmp_path_factory) as made:
        yield made


@pytest.fixture(autouse=True)
def _loop_is_never_blocked() -> Iterator[None]:
    with blockbuster_ctx("inglenook"):
        yield


@pytest.fixture
def site(sites: Sites) -> Site:
    return sites()


@asynccontextmanager
async def opened(site: Site) -> AsyncIterator[Closable]:
    store = await site.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def store(site: Site) -> AsyncIterator[Closable]:
    async with opened(site) as open_store:
        yield open_store


async def take(changes: AsyncIterator[Change], count: int) -> list[Change]:
    async with asyncio.timeout(10):
        return [await anext(changes) for _ in range(count)]


def told(change: Change) -> tuple[str, str, object, bool]:
    document = change.document
    return document.kind.name, document.name, document.value, change.deleted


async def test_a_document_reads_back_as_it_was_created(site: Site, store: Closable) -> None:
    before = await store.latest_version()
    created = await store.create(FRUIT, "apple", RED)
    version = created.resource_version
    assert created == Document(kind=FRUIT, name="apple", resource_version=version, value=RED)
    latest = await store.latest_version()
    assert before < version <= latest
    assert site.is_cluster or version == latest
    assert await store.get(FRUIT, "apple") == created


async def test_a_document_that_was_never_created_is_none(store: Closable) -> None:
    await store.create(FRUIT, "apple", RED)
    assert await store.get(FRUIT, "pear") is None
    assert await store.get(TOOL, "apple") is None


async def test_creating_what_exists_is_refused_and_changes_nothing(store: Closable) -> None:
    created = await store.create(FRUIT, "apple", RED)
    with pytest.raises(documents.AlreadyExistsError, match="apple"):
        await store.create(FRUIT, "apple", GREEN)
    assert await store.get(FRUIT, "apple") == created


async def test_one_name_may_stand_for_documents_of_several_kinds(store: Closable) -> None:
    fruit = await store.create(FRUIT, "lime", GREEN)
    tool = await store.create(TOOL, "lime", Tool(weight=1))
    assert await store.get(FRUIT, "lime") == fruit
    assert await store.get(TOOL, "lime") == tool


async def test_replacing_the_version_that_was_read_succeeds_once(store: Closable) -> None:
    first = await store.create(FRUIT, "apple", RED)
    second = await store.replace(first, GREEN)
    assert second.resource_version > first.resource_version
    with pytest.raises(documents.ConflictError):
        await store.replace(first, RED)
    assert await store.get(FRUIT, "apple") == second


async def test_replacing_or_deleting_what_is_gone_says_so(store: Closable) -> None:
    gone = await store.create(FRUIT, "apple", RED)
    await store.delete(gone)
    with pytest.raises(documents.NotFoundError):
        await store.replace(gone, GREEN)
    with pytest.raises(documents.NotFoundError):
        await store.delete(gone)
    with pytest.raises(documents.NotFoundError):
        await store.delete(gone, any_version=True)


async def test_a_document_created_again_is_not_the_one_that_was_deleted(store: Closable) -> None:
    old = await store.create(FRUIT, "apple", RED)
    await store.delete(old)
    new = await store.create(FRUIT, "apple", RED)
    with pytest.raises(documents.ConflictError):
        await store.delete(old)
    assert await store.get(FRUIT, "apple") == new


async def test_any_version_deletes_what_has_changed_meanwhile(store: Closable) -> None:
    old = await store.create(FRUIT, "apple", RED)
    await store.replace(old, GREEN)
    with pytest.raises(documents.ConflictError):
        await store.delete(old)
    await store.delete(old, any_version=True)
    assert await store.get(FRUIT, "apple") is None


async def test_a_listing_is_of_one_kind_by_prefix_and_in_order_of_names(store: Closable) -> None:
    names = ["b.2", "b", "b.10", "a.1", "c", "b.é", "b/", "b.\U0001f600"]
    for name in names:
        await store.create(FRUIT, name, RED)
    await store.create(TOOL, "b.0", Tool(weight=1))
    assert [found.name for found in await store.list(FRUIT)] == sorted(names)
    expected = sorted(name for name in names if name.startswith("b."))
    assert [found.name for found in await store.list(FRUIT, "b.")] == expected
    assert await store.list(FRUIT, "x") == []


@pytest.mark.parametrize("last", ["\ud7ff", "\U0010ffff", "\uffff"])
async def test_a_prefix_may_end_in_any_character(store: Closable, last: str) -> None:
    inside = await store.create(FRUIT, f"a{last}z", RED)
    await store.create(FRUIT, "b", RED)
    assert await store.list(FRUIT, f"a{last}") == [inside]


async def test_everything_outlives_a_reopening_and_versions_grow_on(site: Site) -> None:
    async with opened(site) as store:
        apple = await store.create(FRUIT, "apple", RED)
        last = await store.create(FRUIT, "pear", GREEN)
        await store.delete(last)
    async with opened(site) as store:
        assert await store.list(FRUIT) == [apple]
        assert await store.latest_version() > last.resource_version
        deleted_at = await store.latest_version()
        pear = await store.create(FRUIT, "pear", GREEN)
        assert pear.resource_version > deleted_at


async def test_a_watch_from_the_beginning_tells_what_exists_then_what_changes(
    site: Site, store: Closable
) -> None:
    apple = await store.create(FRUIT, "apple", RED)
    pear = await store.create(FRUIT, "pear", GREEN)
    apple = await store.replace(apple, GREEN)
    changes = store.watch()
    seen = [told(change) for change in await take(changes, 2)]
    assert seen == [("Fruit", "pear", GREEN, False), ("Fruit", "apple", GREEN, False)]
    await store.delete(pear)
    hammer = await store.create(TOOL, "hammer", Tool(weight=5))
    gone, new = site.in_order(await take(changes, 2))
    assert told(gone) == ("Fruit", "pear", GREEN, True)
    assert gone.document.resource_version > apple.resource_version
    assert new == Change(document=hammer, deleted=False)


async def test_a_watch_from_a_version_tells_every_change_after_it(store: Closable) -> None:
    apple = await store.create(FRUIT, "apple", RED)
    since = await store.latest_version()
    await store.delete(await store.replace(apple, GREEN))
    await store.create(FRUIT, "apple", RED)
    changes = await take(store.watch(since), 3)
    assert [told(change) for change in changes] == [
        ("Fruit", "apple", GREEN, False),
        ("Fruit", "apple", GREEN, True),
        ("Fruit", "apple", RED, False),
    ]


async def test_a_watch_can_go_on_after_a_reopening(site: Site) -> None:
    async with opened(site) as store:
        await store.create(FRUIT, "apple", RED)
        since = await store.latest_version()
        await store.create(FRUIT, "pear", GREEN)
    async with opened(site) as store:
        changes = store.watch(since)
        await store.create(FRUIT, "plum", RED)
        assert [change.document.name for change in await take(changes, 2)] == ["pear", "plum"]


async def test_a_watch_of_changes_no_longer_known_is_told_so(site: Site, store: Closable) -> None:
    if site.is_cluster:
        # How long it knows them is the cluster's own decision: minutes. The first are long gone.
        with pytest.raises(documents.WatchExpiredError):
            await take(store.watch(1), 1)
        return
    apple = await store.create(FRUIT, "apple", RED)
    since = apple.resource_version
    slow = store.watch(since)
    apple = await store.replace(apple, GREEN)
    assert [told(change) for change in await take(slow, 1)] == [("Fruit", "apple", GREEN, False)]
    versions = []
    for _ in range(HISTORY + 1):
        apple = await store.replace(apple, GREEN)
        versions.append(apple.resource_version)
    with pytest.raises(documents.WatchExpiredError):
        await take(store.watch(since), 1)
    with pytest.raises(documents.WatchExpiredError):
        await take(slow, 1)
    assert len(await take(store.watch(versions[0]), HISTORY)) == HISTORY


async def test_a_watch_from_a_version_of_another_store_is_told_so(store: Closable) -> None:
    with pytest.raises(documents.WatchExpiredError):
        await take(store.watch(await store.latest_version() + 1_000_000), 1)


async def test_a_waiting_watch_is_woken_by_a_write_and_ended_by_closing(site: Site) -> None:
    async with opened(site) as store:
        changes = store.watch()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(take(changes, 1))
            await store.get(FRUIT, "let the watch begin to wait")
            await store.create(FRUIT, "apple", RED)
            assert (await waiting)[0].document.name == "apple"
    with pytest.raises(documents.ClosedError):
        await take(changes, 1)


async def test_of_many_who_replace_one_version_exactly_one_succeeds(store: Closable) -> None:
    apple = await store.create(FRUIT, "apple", RED)
    tries = [store.replace(apple, Fruit(colour=str(number))) for number in range(50)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Document)]
    refusals = [outcome for outcome in outcomes if isinstance(outcome, documents.ConflictError)]
    assert len(refusals) == 49
    assert await store.get(FRUIT, "apple") == winner


async def test_simultaneous_writes_all_get_versions_of_their_own_and_are_told_in_order(
    site: Site, store: Closable
) -> None:
    changes = store.watch()
    count = site.many(600)
    async with asyncio.TaskGroup() as group:
        writes = [
            group.create_task(store.create(FRUIT, f"{number:04}", RED)) for number in range(count)
        ]
    versions = [write.result().resource_version for write in writes]
    # On a cluster they race each other.
    assert site.is_cluster or versions == sorted(versions)
    assert len(set(versions)) == count
    found = await take(changes, count)
    assert [change.document.resource_version for change in found] == sorted(versions)


async def test_a_cancelled_write_leaves_the_store_whole_for_everybody_else(store: Closable) -> None:
    async with asyncio.TaskGroup() as group:
        writes = [
            group.create_task(store.create(FRUIT, f"{number:03}", RED)) for number in range(100)
        ]
        await store.get(FRUIT, "let the first of them reach the disk")
        for write in writes[::2]:
            write.cancel()
    kept = {write.result().name for write in writes if not write.cancelled()}
    assert kept >= {f"{number:03}" for number in range(1, 100, 2)}
    found = await store.list(FRUIT)
    assert kept <= {document.name for document in found}
    versions = [document.resource_version for document in found]
    assert len(set(versions)) == len(versions)
    assert await store.latest_version() >= max(versions)


async def test_closing_finishes_the_writes_that_wait(site: Site) -> None:
    count = site.many(300)
    async with opened(site) as store, asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(store.create(FRUIT, f"{number:03}", RED))
        await store.latest_version()
        group.create_task(store.close())
    async with opened(site) as store:
        assert len(await store.list(FRUIT)) == count


async def test_a_closed_store_refuses_and_closes_again(site: Site) -> None:
    store = await site.open()
    document = await store.create(FRUIT, "apple", RED)
    await store.close()
    await store.close()
    with pytest.raises(documents.ClosedError):
        await store.get(FRUIT, "apple")
    with pytest.raises(documents.ClosedError):
        await store.replace(document, GREEN)


names = st.sampled_from(["a", "a.1", "a.2", "b"])
kinds = st.sampled_from(KNOWN)
numbers = st.integers(0, 9)


def value_of(kind: Kind[object], number: int) -> object:
    return Fruit(colour=str(number)) if kind is FRUIT else Tool(weight=number)


class StoreAgainstModel(RuleBasedStateMachine):
    """The store does what a dictionary and a list of changes do."""

    make_site: Sites

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.site = self.make_site()
        self.store = self.runner.run(self.site.open())
        self.model: dict[tuple[str, str], Document[object]] = {}
        self.stale: list[Document[object]] = []
        self.log: list[tuple[str, str, object, bool]] = []
        self.versions: list[int] = []

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()

    def wrote(self, kind: Kind[object], name: str, value: object, *, deleted: bool) -> None:
        self.log.append((kind.name, name, value, deleted))
        self.versions.append(self.runner.run(self.store.latest_version()))

    @rule(kind=kinds, name=names, number=numbers)
    def create(self, kind: Kind[object], name: str, number: int) -> None:
        value = value_of(kind, number)
        if (kind.name, name) in self.model:
            with pytest.raises(documents.AlreadyExistsError):
                self.runner.run(self.store.create(kind, name, value))
            return
        self.model[kind.name, name] = self.runner.run(self.store.create(kind, name, value))
        self.wrote(kind, name, value, deleted=False)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), number=numbers)
    def replace(self, data: st.DataObject, number: int) -> None:
        document = self.model[data.draw(st.sampled_from(sorted(self.model)))]
        value = value_of(document.kind, number)
        self.stale.append(document)
        new = self.runner.run(self.store.replace(document, value))
        self.model[document.kind.name, document.name] = new
        self.wrote(document.kind, document.name, value, deleted=False)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), any_version=st.booleans())
    def delete(self, data: st.DataObject, *, any_version: bool) -> None:
        document = self.model.pop(data.draw(st.sampled_from(sorted(self.model))))
        self.stale.append(document)
        self.runner.run(self.store.delete(document, any_version=any_version))
        self.wrote(document.kind, document.name, document.value, deleted=True)

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def stale_writes_are_refused(self, data: st.DataObject) -> None:
        document = data.draw(st.sampled_from(self.stale))
        exists = (document.kind.name, document.name) in self.model
        refusal = documents.ConflictError if exists else documents.NotFoundError
        with pytest.raises(refusal):
            self.runner.run(self.store.replace(document, document.value))
        with pytest.raises(refusal):
            self.runner.run(self.store.delete(document))

    @rule(kind=kinds, prefix=st.sampled_from(["", "a", "a.", "b", "c"]))
    def list_by_prefix(self, kind: Kind[object], prefix: str) -> None:
        expected = [
            self.model[key]
            for key in sorted(self.model)
            if key[0] == kind.name and key[1].startswith(prefix)
        ]
        assert self.runner.run(self.store.list(kind, prefix)) == expected

    @rule()
    def reopen(self) -> None:
        self.runner.run(self.store.close())
        self.store = self.runner.run(self.site.open())

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def watch_from_any_version(self, data: st.DataObject) -> None:
        last = len(self.log) - 1
        seen = data.draw(st.integers(max(0, last - HISTORY), last))
        changes = self.runner.run(take(self.store.watch(self.versions[seen]), last - seen))
        assert [told(change) for change in self.site.in_order(changes)] == self.log[seen + 1 :]

    @rule()
    def watch_from_the_beginning(self) -> None:
        expected = sorted(self.model.values(), key=lambda document: document.resource_version)
        changes = self.runner.run(take(self.store.watch(), len(expected)))
        assert changes == [Change(document=document, deleted=False) for document in expected]

    @invariant()
    def every_document_is_there(self) -> None:
        for document in self.model.values():
            found = self.runner.run(self.store.get(document.kind, document.name))
            assert found == document
        if self.versions:
            latest = self.runner.run(self.store.latest_version())
            assert latest == self.versions[-1] or (self.site.is_cluster and latest > 0)
            assert self.versions == sorted(set(self.versions))


def test_any_sequence_of_operations_agrees_with_a_model(sites: Sites) -> None:
    class Machine(StoreAgainstModel):
        make_site = staticmethod(sites)

    Machine.TestCase.settings = settings(
        max_examples=10 if sites().is_cluster else 25,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    case = Machine.TestCase()
    case.runTest()
