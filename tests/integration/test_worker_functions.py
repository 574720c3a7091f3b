"""The functions as the worker of one machine sees them."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support import operations_stand
from support.operations_stand import Stand
from support.scripted_agents import ScriptedAgent, Supply

from inglenook import settings
from inglenook.aio import clock
from inglenook.catalog import targets
from inglenook.catalog.catalog import Catalog
from inglenook.events import retrying, work
from inglenook.store import documents, sqlite
from inglenook.wire import messages
from inglenook_gateway.dispatch import dispatcher
from inglenook_worker import catalogued

QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with operations_stand.stand(tmp_path) as made, made.activating():
        yield made


def seen_by_worker(stand: Stand) -> catalogued.CataloguedFunctions:
    return worker_over(stand, stand.catalog, None)


def told_of_nothing(stand: Stand, store: documents.Store) -> catalogued.CataloguedFunctions:
    """Return what a worker sees that is behind, and can ask the store."""
    return worker_over(stand, Catalog(stand.account), store)


def worker_over(
    stand: Stand, catalog: Catalog, store: documents.Store | None
) -> catalogued.CataloguedFunctions:
    time = clock.SystemClock()
    supply = Supply()
    supply.prepare = answers
    runner = dispatcher.Dispatcher(
        supply=supply, time=time, limits=settings.Gateway(), region="r", account="a"
    )
    return catalogued.CataloguedFunctions(
        known=catalog,
        aims=targets.Targets(catalog, random.Random(1), store),
        runner=runner,
        owner=stand.account,
        time=time,
        rng=random.Random(1),
    )


def answers(agent: ScriptedAgent) -> None:
    agent.on[messages.Invoke] = lambda stream, _: agent.end.send(stream, messages.Result(), b"ran")


def event(stand: Stand) -> work.Invocation:
    owner = stand.catalog.living("f")
    assert owner is not None
    return work.Invocation(
        request_id="r", function_name="f", function_uid=owner.uid, qualifier=None, trace_id="t",
        accepted_at=0,
    )  # fmt: skip


async def test_a_function_made_later_gets_no_records_of_its_predecessors_events(
    stand: Stand,
) -> None:
    known = seen_by_worker(stand)
    await stand.created()
    old = event(stand)
    await stand.call("DeleteFunction", FunctionName="f")
    await stand.created(DeadLetterConfig={"TargetArn": QUEUE})
    assert known.policy(old) == retrying.Policy()
    assert known.policy(event(stand)).dead_letter_target == QUEUE
    assert isinstance(await known.run(old, b"{}"), retrying.Missing)


async def test_an_event_runs_though_the_worker_was_not_told_of_its_function(stand: Stand) -> None:
    await stand.created()
    ran = await told_of_nothing(stand, stand.store).run(event(stand), b"{}")
    assert isinstance(ran, retrying.Ran)
    assert ran.payload == b"ran"


async def test_an_event_waits_while_it_cannot_be_told_whether_its_function_is_there(
    stand: Stand, tmp_path: Path
) -> None:
    await stand.created()
    accepted = event(stand)
    store = await sqlite.SqliteStore.open(tmp_path / "other.db")
    await store.close()
    ran = await told_of_nothing(stand, store).run(accepted, b"{}")
    assert isinstance(ran, retrying.NotNow)


async def test_a_function_that_the_worker_was_not_told_of_is_a_destination(stand: Stand) -> None:
    await stand.created()
    known = told_of_nothing(stand, stand.store)
    cause = work.Delivery(
        target=stand.account.function_arn("f"), form=work.DeliveryForm.SUCCESS, request_id="r",
        function_name="g", function_arn="g:$LATEST", made_at=0, give_up_at=9,
    )  # fmt: skip
    accepted = await known.accept(cause.target, cause, now=1)
    assert accepted is not None
    assert accepted.function_uid == event(stand).function_uid
    assert await known.accept(stand.account.function_arn("nobody"), cause, now=1) is None
