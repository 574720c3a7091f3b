"""Targets of a gateway that has not been told yet what another one has written."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support import gated_store, operations_stand
from support.operations_stand import Stand

from inglenook import errors
from inglenook.catalog.catalog import Catalog
from inglenook.catalog.targets import Targets
from inglenook.model.arn import FunctionRef
from inglenook.store import documents

LATEST = FunctionRef("f", None)


class Counting:
    """A store that counts what is read of it."""

    def __init__(self, store: documents.Store) -> None:
        self._store = store
        self.read = 0

    def __getattr__(self, name: str) -> Any:
        self.read += name == "get"
        return getattr(self._store, name)


class Away:
    """A store that cannot be read, for one of the reasons that there are."""

    def __init__(self, why: Exception) -> None:
        self._why = why

    async def get(self, *_: object) -> None:
        raise self._why


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[Stand]:
    """The other gateway."""
    async with operations_stand.stand(tmp_path) as made, made.activating():
        yield made


def behind(store: Any) -> Targets:
    """Return the targets of one that was told of nothing, and can ask."""
    return Targets(Catalog(operations_stand.Account()), random.Random(1), store)


async def test_what_another_gateway_has_made_ready_can_be_invoked(elsewhere: Stand) -> None:
    await elsewhere.created()
    found = await behind(elsewhere.store).find(LATEST)
    assert found.id == elsewhere.catalog.resolve(LATEST, elsewhere.rng).id


async def test_what_is_known_as_pending_is_read_before_it_is_refused(elsewhere: Stand) -> None:
    elsewhere.runtimes.missing.add("python3.12")
    await elsewhere.created()
    targets = behind(elsewhere.store)
    with pytest.raises(errors.InvalidRuntimeError):
        await targets.find(LATEST)
    elsewhere.runtimes.missing.clear()
    await elsewhere.call("UpdateFunctionConfiguration", FunctionName="f", MemorySize=256)
    await elsewhere.settled()
    assert (await targets.find(LATEST)).spec.memory_mb == 256


@pytest.mark.parametrize("weights", [{}, {"2": 1.0}])
async def test_an_alias_and_the_versions_that_it_names_are_read(
    elsewhere: Stand, weights: dict[str, float]
) -> None:
    await elsewhere.created(Publish=True)
    await elsewhere.call("UpdateFunctionConfiguration", FunctionName="f", MemorySize=256)
    await elsewhere.settled()
    await elsewhere.call("PublishVersion", FunctionName="f")
    for version in "12":
        await elsewhere.settled(qualifier=version)
    await elsewhere.call(
        "CreateAlias", FunctionName="f", Name="prod", FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": weights},
    )  # fmt: skip
    found = await behind(elsewhere.store).find(FunctionRef("f", "prod"))
    assert found.executed_version == ("2" if weights else "1")
    found = await behind(elsewhere.store).find(FunctionRef("f", "2"))
    assert found.executed_version == "2"


async def test_an_alias_of_latest_is_found(elsewhere: Stand) -> None:
    await elsewhere.created()
    await elsewhere.call("CreateAlias", FunctionName="f", Name="dev", FunctionVersion="$LATEST")
    found = await behind(elsewhere.store).find(FunctionRef("f", "dev"))
    assert found.executed_version == "$LATEST"


@pytest.mark.parametrize("qualifier", [None, "$LATEST", "1", "prod"])
async def test_what_is_nowhere_is_not_found(elsewhere: Stand, qualifier: str | None) -> None:
    with pytest.raises(errors.ResourceNotFoundError):
        await behind(elsewhere.store).find(FunctionRef("nobody", qualifier))


async def test_what_is_known_to_be_active_is_not_read(elsewhere: Stand) -> None:
    await elsewhere.created()
    store = Counting(elsewhere.store)
    targets = behind(store)
    await targets.find(LATEST)
    assert store.read == 1
    await targets.find(LATEST)
    assert store.read == 1


async def test_the_only_gateway_there_is_reads_nothing(elsewhere: Stand) -> None:
    targets = Targets(elsewhere.catalog, random.Random(1))
    with pytest.raises(errors.ResourceNotFoundError):
        await targets.find(LATEST)
    await targets.read(LATEST)
    await elsewhere.created()
    assert (await targets.find(LATEST)).function_name == "f"


async def test_callers_at_once_share_a_reading(elsewhere: Stand) -> None:
    await elsewhere.created()
    store = Counting(elsewhere.store)
    targets = behind(store)
    found = await asyncio.gather(*(targets.find(LATEST) for _ in range(100)))
    assert len(found) == 100
    assert store.read == 1


async def test_who_comes_during_a_reading_sees_what_was_written_since(elsewhere: Stand) -> None:
    """A reading that has begun may have seen what was there before its caller was told."""
    store = gated_store.Gated(elsewhere.store, 0)
    targets = behind(store)
    early = asyncio.create_task(targets.find(LATEST))
    await store.reached.wait()
    await elsewhere.created()
    late = asyncio.create_task(targets.find(LATEST))
    assert (await late).function_name == "f"
    assert not early.done()
    store.go.set()
    assert (await early).function_name == "f"


async def test_who_gives_up_takes_nothing_from_the_others(elsewhere: Stand) -> None:
    await elsewhere.created()
    store = gated_store.Gated(elsewhere.store, 0)
    targets = behind(store)
    one, other = (asyncio.create_task(targets.find(LATEST)) for _ in range(2))
    await store.reached.wait()
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    store.go.set()
    assert (await other).function_name == "f"


@pytest.mark.parametrize(
    "why", [errors.ServiceError("away"), documents.ClosedError("closed")], ids=repr
)
async def test_without_the_store_it_cannot_be_told(why: Exception) -> None:
    """404 would say for sure that it is not there, and an event for it would be dropped."""
    with pytest.raises(errors.ServiceError):
        await behind(Away(why)).find(LATEST)


async def test_a_store_that_does_not_answer_is_not_waited_for_for_ever(
    elsewhere: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inglenook.catalog.targets._TIMEOUT_S", 0.05)
    store = gated_store.Gated(elsewhere.store, 0)
    targets = behind(store)
    with pytest.raises(errors.ServiceError, match="does not answer"):
        await targets.find(LATEST)
    await targets.close()


async def test_who_waits_when_it_is_closed_is_told(elsewhere: Stand) -> None:
    store = gated_store.Gated(elsewhere.store, 0)
    targets = behind(store)
    waiting = asyncio.create_task(targets.find(LATEST))
    await store.reached.wait()
    await targets.close()
    with pytest.raises(errors.ServiceError):
        await waiting


async def test_no_more_are_waited_for_than_there_is_room(
    elsewhere: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inglenook.catalog.targets._WAITING_MAX", 2)
    targets = behind(elsewhere.store)
    found = await asyncio.gather(
        *(targets.find(FunctionRef(f"f{n}", None)) for n in range(3)), return_exceptions=True
    )
    assert [type(each) for each in found] == [
        errors.ResourceNotFoundError,
        errors.ResourceNotFoundError,
        errors.ServiceError,
    ]
