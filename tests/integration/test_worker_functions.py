"""The functions as the worker of one machine sees them."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support import operations_stand
from support.operations_stand import Stand
from support.scripted_agents import Supply

from inglenook import settings
from inglenook.aio import clock
from inglenook.events import retrying, work
from inglenook_gateway.dispatch import dispatcher
from inglenook_worker import catalogued

QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with operations_stand.stand(tmp_path) as made, made.activating():
        yield made


def seen_by_worker(stand: Stand) -> catalogued.CataloguedFunctions:
    time = clock.SystemClock()
    runner = dispatcher.Dispatcher(
        supply=Supply(), time=time, limits=settings.Gateway(), region="r", account="a"
    )
    return catalogued.CataloguedFunctions(
        known=stand.catalog, runner=runner, owner=stand.account, time=time, rng=random.Random(1)
    )


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
