"""Two gateways over one store change the same function, one in the middle of the other's change.

The first is held before each of its steps in turn, the second acts, the first goes on. Whatever the
answers, no alias is left without its version, and nothing without what it belongs to.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support import gated_store, operations_stand
from support.operations_stand import Stand, package

from inglenook import errors
from inglenook.aio import clock
from inglenook.catalog.catalog import Catalog
from inglenook.store import kinds
from inglenook_gateway.operations import resources

Request = tuple[str, dict[str, Any]]

_ADD = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}
_DELETE_FUNCTION: Request = ("DeleteFunction", {})
_DELETE_ALIAS: Request = ("DeleteAlias", {"Name": "prod"})
_DELETE_VERSION: Request = ("DeleteFunction", {"Qualifier": "2"})
_CREATE_ALIAS: Request = ("CreateAlias", {"Name": "new", "FunctionVersion": "2"})
_PROVISION: Request = (
    "PutProvisionedConcurrencyConfig",
    {"Qualifier": "prod", "ProvisionedConcurrentExecutions": 5},
)
_EVENTS: Request = (
    "PutFunctionEventInvokeConfig",
    {"Qualifier": "prod", "MaximumRetryAttempts": 1},
)
_URL: Request = ("CreateFunctionUrlConfig", {"Qualifier": "prod", "AuthType": "NONE"})

_STEPS_MAX = 40


@pytest.mark.parametrize(
    ("held", "between"),
    [
        (("AddPermission", _ADD), _DELETE_FUNCTION),
        (("AddPermission", _ADD | {"Qualifier": "prod"}), _DELETE_ALIAS),
        (("AddPermission", _ADD | {"Qualifier": "2"}), _DELETE_VERSION),
        (_PROVISION, _DELETE_ALIAS),
        (_URL, _DELETE_ALIAS),
        (_EVENTS, _DELETE_ALIAS),
        (_DELETE_ALIAS, _URL),
        (("UpdateAlias", {"Name": "prod", "FunctionVersion": "2"}), _DELETE_VERSION),
        (_CREATE_ALIAS, _DELETE_VERSION),
        (_DELETE_VERSION, _CREATE_ALIAS),
        (_DELETE_FUNCTION, _URL),
    ],
    ids=lambda request: f"{request[0]} {request[1].get('Qualifier', '')}",
)
async def test_nothing_is_left_of_what_another_gateway_deletes(
    tmp_path: Path, held: Request, between: Request
) -> None:
    for step in range(_STEPS_MAX):
        folder = tmp_path / str(step)
        folder.mkdir()
        async with operations_stand.stand(folder) as stand, stand.activating():
            await _furnished(stand)
            other = _second_gateway(stand)
            was_held = await _interleaved(stand, other, step, held, between)
            await _check_whole(stand)
        if not was_held:
            return
    raise AssertionError("it never ends")


async def test_one_of_two_creations_wins_and_has_its_version(tmp_path: Path) -> None:
    for step in range(_STEPS_MAX):
        folder = tmp_path / str(step)
        folder.mkdir()
        async with operations_stand.stand(folder) as stand:
            other = _second_gateway(stand)
            gate = gated_store.Gated(stand.store, step)
            stand.resources._store = gate
            async with asyncio.timeout(10):
                first = asyncio.ensure_future(stand.create(Publish=True))
                was_held = await _reached(gate, first)
                answers = [await _outcome(other.create(Publish=True, Description="other"))]
                gate.go.set()
                answers.append(await _outcome(first))
            (won,) = [answer for answer in answers if isinstance(answer, dict)]
            stand.resources._store = stand.store
            shown = await stand.call("GetFunctionConfiguration", FunctionName="f", Qualifier="1")
            assert shown["RevisionId"] == won["RevisionId"]
            assert shown["Description"] == won["Description"]
        if not was_held:
            return
    raise AssertionError("it never ends")


async def test_tags_set_at_once_are_all_there(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        arn = (await stand.created())["FunctionArn"]
        await asyncio.gather(
            *(stand.call("TagResource", Resource=arn, Tags={f"k{at}": "v"}) for at in range(40))
        )
        assert len((await stand.call("ListTags", Resource=arn))["Tags"]) == 40


async def _furnished(stand: Stand) -> None:
    await stand.created(Publish=True)
    await stand.settled(qualifier="1")
    await stand.call("CreateAlias", FunctionName="f", Name="prod", FunctionVersion="1")
    await stand.call("UpdateFunctionCode", FunctionName="f", ZipFile=package("2"), Publish=True)
    await stand.settled()
    await stand.settled(qualifier="2")


def _second_gateway(stand: Stand) -> Stand:
    known = resources.Resources(
        store=stand.store, catalog=Catalog(stand.account), account=stand.account,
        clock=clock.SystemClock(),
    )  # fmt: skip
    return operations_stand.beside(stand, known)


async def _interleaved(
    stand: Stand, other: Stand, step: int, held: Request, between: Request
) -> bool:
    """Return whether there was such a step."""
    gate = gated_store.Gated(stand.store, step)
    stand.resources._store = gate
    async with asyncio.timeout(10):
        first = asyncio.ensure_future(stand.call(held[0], FunctionName="f", **held[1]))
        was_held = await _reached(gate, first)
        await _outcome(other.call(between[0], FunctionName="f", **between[1]))
        gate.go.set()
        await _outcome(first)
    stand.resources._store = stand.store
    return was_held


async def _reached(gate: gated_store.Gated, call: "asyncio.Future[Any]") -> bool:
    reached = asyncio.ensure_future(gate.reached.wait())
    await asyncio.wait([reached, call], return_when=asyncio.FIRST_COMPLETED)
    reached.cancel()
    return gate.reached.is_set()


async def _outcome(call: Any) -> dict[str, Any] | errors.ApiError:
    """Return the answer or AWS's refusal; anything else is a failure of the test."""
    try:
        answer: dict[str, Any] = await call
    except errors.ApiError as refused:
        if refused.status >= 500:
            raise
        return refused
    return answer


async def _check_whole(stand: Stand) -> None:
    owners = {one.value.uid: one.value for one in await stand.store.list(kinds.FUNCTION)}
    for kind in kinds.QUALIFIED:
        assert {one.value.function_uid for one in await stand.store.list(kind)} <= set(owners)
    for owner in owners.values():
        versions = {str(one.value.number) for one in await stand.resources.versions(owner)}
        aliases = [one.value for one in await stand.resources.aliases(owner)]
        assert {alias.function_version for alias in aliases} <= versions
        known = {None, "$LATEST", *versions, *(alias.name for alias in aliases)}
        for kind in kinds.QUALIFIED:
            found = await stand.resources.all_qualified(kind, owner)
            assert {one.value.qualifier for one in found} <= known
