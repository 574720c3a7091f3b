"""Event source mappings under concurrency, between two gateways, and over restarts."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support import operations_stand
from support.operations_stand import Stand

from inglenook import errors
from inglenook.aio import clock
from inglenook.catalog.catalog import Catalog
from inglenook.store import kinds
from inglenook_gateway.operations import event_source_mappings, resources

QUEUE = "arn:aws:sqs:us-east-1:000000000000:embers"


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with operations_stand.stand(tmp_path) as made, made.activating():
        await made.created()
        yield made


async def _create(stand: Stand, **params: Any) -> dict[str, Any]:
    return await stand.call(
        "CreateEventSourceMapping", **{"FunctionName": "f", "EventSourceArn": QUEUE} | params
    )


def _second_gateway(stand: Stand) -> Stand:
    known = resources.Resources(
        store=stand.store, catalog=Catalog(stand.account), account=stand.account,
        clock=clock.SystemClock(),
    )  # fmt: skip
    return operations_stand.beside(stand, known)


async def test_of_many_that_are_made_at_once_one_is(stand: Stand) -> None:
    outcomes = await asyncio.gather(*(_create(stand) for _ in range(20)), return_exceptions=True)
    made = [one for one in outcomes if isinstance(one, dict)]
    refused = [one for one in outcomes if isinstance(one, errors.ResourceConflictError)]
    assert (len(made), len(refused)) == (1, 19)
    assert all(one.message.endswith(made[0]["UUID"]) for one in refused)
    listed = await stand.call("ListEventSourceMappings")
    assert [one["UUID"] for one in listed["EventSourceMappings"]] == [made[0]["UUID"]]


async def test_two_gateways_change_different_members_and_lose_none(stand: Stand) -> None:
    uuid = (await _create(stand))["UUID"]
    other = _second_gateway(stand)
    update = "UpdateEventSourceMapping"
    for number in range(1, 11):
        await asyncio.gather(
            stand.call(update, UUID=uuid, BatchSize=number),
            other.call(update, UUID=uuid, ScalingConfig={"MaximumConcurrency": number + 1}),
        )
        shown = await stand.call("GetEventSourceMapping", UUID=uuid)
        assert shown["BatchSize"] == number
        assert shown["ScalingConfig"] == {"MaximumConcurrency": number + 1}


async def test_what_one_gateway_deletes_another_does_not_bring_back(stand: Stand) -> None:
    other = _second_gateway(stand)
    for number in range(10):
        uuid = (await _create(stand))["UUID"]
        updated, deleted = await asyncio.gather(
            stand.call("UpdateEventSourceMapping", UUID=uuid, BatchSize=number + 1),
            other.call("DeleteEventSourceMapping", UUID=uuid),
            return_exceptions=True,
        )
        assert isinstance(deleted, dict)
        assert isinstance(updated, dict | errors.ResourceNotFoundError)
        with pytest.raises(errors.ResourceNotFoundError):
            await stand.call("GetEventSourceMapping", UUID=uuid)


async def test_who_asks_for_polling_is_warned_once(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    def warned() -> list[str]:
        texts = [
            record.getMessage()
            for record in caplog.records
            if record.name == event_source_mappings.__name__ and record.levelno == logging.WARNING
        ]
        caplog.clear()
        return texts

    text = "event sources are not polled yet: a mapping is kept, and invokes nothing"
    uuid = (await _create(stand))["UUID"]
    assert warned() == [text]
    await stand.call("UpdateEventSourceMapping", UUID=uuid, BatchSize=1)
    await stand.call("UpdateEventSourceMapping", UUID=uuid, Enabled=False)
    await stand.call("UpdateEventSourceMapping", UUID=uuid, BatchSize=2)
    await _create(stand, EventSourceArn=QUEUE + "-2", Enabled=False)
    assert warned() == []
    await stand.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    assert warned() == [text]


async def test_mappings_are_there_after_a_restart_their_function_or_not(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        made = await _create(stand, Enabled=True, Tags={"team": "hearth"})
        await stand.call("DeleteFunction", FunctionName="f")
    async with operations_stand.stand(tmp_path) as stand:
        shown = await stand.call("GetEventSourceMapping", UUID=made["UUID"])
        assert shown["FunctionArn"] == made["FunctionArn"]
        arn = made["EventSourceMappingArn"]
        assert (await stand.call("ListTags", Resource=arn))["Tags"] == {"team": "hearth"}
        (document,) = await stand.store.list(kinds.EVENT_SOURCE)
        assert document.name == made["UUID"]
        assert document.value.enabled
