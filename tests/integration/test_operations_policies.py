"""Policies and event invoke configs under concurrency, and across a crash."""

import asyncio
import json
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
from inglenook_gateway.operations import resources

INVOKE = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with operations_stand.stand(tmp_path) as made, made.activating():
        await made.created()
        yield made


async def _sids(stand: Stand, **params: Any) -> list[str]:
    shown = await stand.call("GetPolicy", FunctionName="f", **params)
    return [one["Sid"] for one in json.loads(shown["Policy"])["Statement"]]


async def _add(stand: Stand, sid: str, **params: Any) -> None:
    await stand.call("AddPermission", FunctionName="f", StatementId=sid, **INVOKE, **params)


def _second_gateway(stand: Stand) -> Stand:
    known = resources.Resources(
        store=stand.store, catalog=Catalog(stand.account), account=stand.account,
        clock=clock.SystemClock(),
    )  # fmt: skip
    return operations_stand.beside(stand, known)


async def test_statements_added_at_once_are_all_there(stand: Stand) -> None:
    other = _second_gateway(stand)
    sids = [f"s{number}" for number in range(20)]
    await asyncio.gather(*(_add((stand, other)[at % 2], sid) for at, sid in enumerate(sids)))
    assert sorted(await _sids(stand)) == sorted(sids)


async def test_a_last_statement_removed_takes_none_along_that_was_just_added(stand: Stand) -> None:
    other = _second_gateway(stand)
    for number in range(20):
        await _add(stand, "last")
        await asyncio.gather(
            stand.call("RemovePermission", FunctionName="f", StatementId="last"),
            _add(other, f"s{number}"),
        )
        assert await _sids(other) == [f"s{number}"]
        await other.call("RemovePermission", FunctionName="f", StatementId=f"s{number}")


async def test_of_those_with_one_revision_one_wins(stand: Stand) -> None:
    revision = (await stand.call("GetFunction", FunctionName="f"))["Configuration"]["RevisionId"]
    answers = await asyncio.gather(
        *(_add(stand, f"s{number}", RevisionId=revision) for number in range(8)),
        return_exceptions=True,
    )
    lost = [one for one in answers if isinstance(one, errors.PreconditionFailedError)]
    assert len(lost) == 7
    assert len(await _sids(stand)) == 1


async def test_adding_while_the_function_is_updated_disturbs_neither(stand: Stand) -> None:
    await stand.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    await _add(stand, "s")
    shown = await stand.settled()
    assert (shown["Timeout"], shown["LastUpdateStatus"]) == (9, "Successful")
    assert await _sids(stand) == ["s"]


class KilledError(Exception):
    """The process ends here."""


class _Mortal:
    """A store that lives for one write."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._left = 1

    def __getattr__(self, name: str) -> Any:
        if name in ("create", "replace", "delete"):
            if self._left == 0:
                raise KilledError
            self._left -= 1
        return getattr(self._store, name)


@pytest.mark.parametrize("qualifier", [None, "1", "live"])
async def test_a_kill_between_the_writes_leaves_the_policy_as_it_was(
    tmp_path: Path, qualifier: str | None
) -> None:
    params = {"Qualifier": qualifier} if qualifier else {}
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        await stand.call("PublishVersion", FunctionName="f")
        await stand.settled(qualifier="1")
        await stand.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        await _add(stand, "before", **params)
        stand.resources._store = _Mortal(stand.store)  # type: ignore[assignment]
        with pytest.raises(KilledError):
            await _add(stand, "lost", **params)
    async with operations_stand.stand(tmp_path) as stand:
        assert await _sids(stand, **params) == ["before"]
        await _add(stand, "after", **params)
        assert await _sids(stand, **params) == ["before", "after"]


async def test_a_start_sweeps_what_a_dead_function_left(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        await _add(stand, "s")
        await stand.call("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=1)
        (owner,) = await stand.store.list(kinds.FUNCTION)
        await stand.store.delete(owner)
    async with operations_stand.stand(tmp_path) as stand:
        for kind in (kinds.POLICY, kinds.EVENT_INVOKE):
            assert await stand.store.list(kind) == []


async def test_the_queue_reads_configs_from_the_catalog(stand: Stand) -> None:
    def known(qualifier: str) -> Any:
        return stand.catalog.qualified(kinds.EVENT_INVOKE, "f", qualifier)

    assert known("$LATEST") is None
    await stand.call("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=0)
    config = known("$LATEST")
    assert (config.retry_attempts, config.event_age_s) == (0, 21_600)
    await stand.call(
        "UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=60
    )
    assert known("$LATEST").event_age_s == 60
    await stand.call("DeleteFunctionEventInvokeConfig", FunctionName="f")
    assert known("$LATEST") is None


async def test_configs_set_at_once_leave_one(stand: Stand) -> None:
    other = _second_gateway(stand)
    await asyncio.gather(
        *(
            (stand, other)[number % 2].call(
                "PutFunctionEventInvokeConfig",
                FunctionName="f",
                MaximumEventAgeInSeconds=60 + number,
            )
            for number in range(10)
        )
    )
    listed = await stand.call("ListFunctionEventInvokeConfigs", FunctionName="f")
    assert len(listed["FunctionEventInvokeConfigs"]) == 1
