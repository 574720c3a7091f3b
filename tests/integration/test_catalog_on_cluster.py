"""A catalog over a Kubernetes API that goes away, forgets, and has what nobody can read."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from support import resources_api, sample_documents
from support.resources_api import ResourcesApi

from inglenook import errors
from inglenook.aio import tasks
from inglenook.catalog.catalog import Catalog
from inglenook.model import function, lifecycle
from inglenook.model.account import Account
from inglenook.store import kinds
from inglenook_cluster.resources.store import KubernetesStore

ACCOUNT = Account()


def put(api: ResourcesApi, name: str, *, memory_mb: int = 128, **status: object) -> None:
    plain = sample_documents.plain_function()
    value = msgspec.structs.replace(
        plain,
        name=name,
        uid=name,
        spec=msgspec.structs.replace(plain.spec, memory_mb=memory_mb),
        status=lifecycle.activated(plain.status, revision="r"),
    )
    api.put(kinds.FUNCTION, name, value, **status)


class Known:
    """A catalog that follows, and who waits for what it learns."""

    def __init__(self) -> None:
        self.catalog = Catalog(ACCOUNT)
        self.failed: list[str] = []
        self._learnt = asyncio.Event()
        self.catalog.observe(kinds.FUNCTION, lambda _old, _new: self._learnt.set())

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not is_so():
                self._learnt.clear()
                await self._learnt.wait()
        assert not self.failed

    def living(self, name: str) -> function.Function | None:
        return self.catalog.living(name)

    def resolves(self, name: str) -> bool:
        try:
            self.catalog.resolve(ACCOUNT.ref(name, None), random.Random(0))
        except errors.ResourceNotFoundError:
            return False
        return True


@asynccontextmanager
async def following(store: KubernetesStore) -> AsyncIterator[Known]:
    known = Known()
    background = tasks.Tasks(on_failure=known.failed.append)

    async def run() -> None:
        await known.catalog.follow(store, await known.catalog.load(store))

    background.start(run(), name="follow")
    try:
        yield known
    finally:
        await background.close()


async def test_what_has_happened_while_the_api_was_away_is_learnt() -> None:
    api = ResourcesApi()
    for name in ("kept", "changed", "deleted"):
        put(api, name)
    async with resources_api.serving(api) as store, following(store) as known:
        await known.until(lambda: known.living("deleted") is not None)

        api.go_away()
        await api.refused.wait()
        put(api, "changed", memory_mb=512)
        put(api, "new")
        api.delete(kinds.FUNCTION, "deleted")
        assert all(known.resolves(name) for name in ("kept", "changed", "deleted"))

        api.is_away = False
        await known.until(lambda: known.resolves("new") and not known.resolves("deleted"))
        changed = known.living("changed")
        assert changed is not None
        assert changed.spec.memory_mb == 512

        put(api, "after")
        await known.until(lambda: known.resolves("after"))


async def test_an_api_that_is_away_in_the_beginning_is_waited_for() -> None:
    api = ResourcesApi()
    put(api, "one")
    api.go_away()
    async with resources_api.serving(api) as store, following(store) as known:
        await api.refused.wait()
        assert not known.failed
        api.is_away = False
        await known.until(lambda: known.resolves("one"))


async def test_a_document_that_nobody_can_read_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = ResourcesApi()
    put(api, "bad")
    async with resources_api.serving(api) as store, following(store) as known:
        await known.until(lambda: known.resolves("bad"))
        put(api, "bad", applied='{"nothing": 1}')
        put(api, "good")
        await known.until(lambda: known.resolves("good"))
        assert known.resolves("bad")
        assert "cannot be read" in " ".join(
            str(record.__dict__.get("reason")) for record in caplog.records
        )
        with pytest.raises(errors.ServiceError, match="bad cannot be read"):
            await store.list(kinds.FUNCTION)

        # Gone, it can be read again by nobody: but it is not there.
        api.delete(kinds.FUNCTION, "bad")
        await known.until(lambda: not known.resolves("bad"))
