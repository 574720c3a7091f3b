import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support import operations_stand
from support.operations_stand import Stand, package

from inglenook import errors

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        yield stand


async def _publish(stand: Stand, text: str | None = None, **params: Any) -> str:
    if text is not None:
        await stand.call("UpdateFunctionCode", FunctionName="f", ZipFile=package(text))
        await stand.settled()
    number: str = (await stand.call("PublishVersion", FunctionName="f", **params))["Version"]
    await stand.settled(qualifier=number)
    return number


async def test_a_version_is_published_pending_and_becomes_active(stand: Stand) -> None:
    before = await stand.settled()
    shown = await stand.call("PublishVersion", FunctionName="f", Description="first")
    assert (shown["Version"], shown["FunctionArn"]) == ("1", f"{ARN}:1")
    assert (shown["State"], shown["StateReasonCode"]) == ("Pending", "Creating")
    assert shown["Description"] == "first"
    assert "LastUpdateStatus" not in shown
    after = await stand.settled(qualifier="1")
    assert (after["State"], after["LastUpdateStatus"]) == ("Active", "Successful")
    latest = await stand.settled()
    assert latest["RevisionId"] != before["RevisionId"]
    assert latest["Description"] == ""


async def test_publishing_with_nothing_changed_answers_the_same_version(stand: Stand) -> None:
    await _publish(stand)
    first = await stand.settled(qualifier="1")
    revision = (await stand.settled())["RevisionId"]
    again = await stand.call("PublishVersion", FunctionName="f")
    assert again == first
    assert (await stand.settled())["RevisionId"] == revision
    assert await _publish(stand, "x = 1") == "2"


async def test_numbers_of_deleted_versions_are_not_used_again(stand: Stand) -> None:
    await _publish(stand)
    await stand.call("DeleteFunction", FunctionName="f", Qualifier="1")
    with pytest.raises(errors.ResourceNotFoundError, match=f"Function not found: {ARN}:1$"):
        await stand.call("GetFunction", FunctionName="f:1")
    assert await _publish(stand) == "2"


async def test_simultaneous_publications_of_the_same_are_one(stand: Stand) -> None:
    answers = await asyncio.gather(
        *(stand.call("PublishVersion", FunctionName="f") for _ in range(8))
    )
    assert {answer["Version"] for answer in answers} == {"1"}


async def test_new_code_can_be_published_in_one_step(stand: Stand) -> None:
    shown = await stand.call(
        "UpdateFunctionCode", FunctionName="f", ZipFile=package("x = 1"), Publish=True
    )
    assert (shown["Version"], shown["State"]) == ("1", "Pending")
    assert shown["FunctionArn"] == f"{ARN}:1"
    latest = await stand.settled()
    assert latest["CodeSha256"] == shown["CodeSha256"]
    assert (await stand.settled(qualifier="1"))["State"] == "Active"
    created = await stand.create("g", Publish=True)
    assert (created["Version"], created["State"]) == ("1", "Pending")
    await stand.settled("g")
    assert (await stand.call("PublishVersion", FunctionName="g"))["Version"] == "1"


async def test_the_code_expected_must_be_the_code_there_is(stand: Stand) -> None:
    current = (await stand.settled())["CodeSha256"]
    with pytest.raises(errors.InvalidParameterValueError) as caught:
        await stand.call("PublishVersion", FunctionName="f", CodeSha256="other")
    assert caught.value.message.startswith(
        f"CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({current})."
    )
    await stand.call("PublishVersion", FunctionName="f", CodeSha256=current)


async def test_versions_are_listed_with_latest_first(stand: Stand) -> None:
    await _publish(stand)
    await _publish(stand, "x = 1")
    first = await stand.call("ListVersionsByFunction", FunctionName="f", MaxItems=2)
    rest = await stand.call("ListVersionsByFunction", FunctionName="f", Marker=first["NextMarker"])
    listed = first["Versions"] + rest["Versions"]
    assert [one["FunctionArn"] for one in listed] == [f"{ARN}:$LATEST", f"{ARN}:1", f"{ARN}:2"]
    assert listed[0]["RevisionId"] == (await stand.settled())["RevisionId"]
    assert all("State" not in one for one in listed)


async def test_latest_and_aliases_are_not_deleted_by_qualifier(stand: Stand) -> None:
    for qualifier, text in (
        ("$LATEST", r"^\$LATEST version cannot be deleted without deleting the function\.$"),
        ("prod", r"^Deletion of aliases is not currently supported\.$"),
    ):
        with pytest.raises(errors.InvalidParameterValueError, match=text):
            await stand.call("DeleteFunction", FunctionName="f", Qualifier=qualifier)
    with pytest.raises(errors.ResourceNotFoundError, match=f"{ARN}:7$"):
        await stand.call("DeleteFunction", FunctionName="f", Qualifier="7")


async def test_an_alias_lives(stand: Stand) -> None:
    await _publish(stand)
    await _publish(stand, "x = 1")
    made = await stand.call(
        "CreateAlias", FunctionName="f", Name="prod", FunctionVersion="1", Description="d"
    )
    assert made.pop("RevisionId")
    assert made == {
        "AliasArn": f"{ARN}:prod",
        "Name": "prod",
        "FunctionVersion": "1",
        "Description": "d",
    }
    with pytest.raises(errors.ResourceConflictError, match=f"Alias already exists: {ARN}:prod$"):
        await stand.call("CreateAlias", FunctionName="f", Name="prod", FunctionVersion="1")
    split = await stand.call(
        "UpdateAlias",
        FunctionName="f",
        Name="prod",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.6}},
    )
    assert split["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.6}}
    assert split == await stand.call("GetAlias", FunctionName="f", Name="prod")
    with pytest.raises(errors.PreconditionFailedError):
        await stand.call("UpdateAlias", FunctionName="f", Name="prod", RevisionId="old")
    plain = await stand.call(
        "UpdateAlias", FunctionName="f", Name="prod", RoutingConfig={}, FunctionVersion="2"
    )
    assert "RoutingConfig" not in plain
    shown = await stand.call("GetFunction", FunctionName="f", Qualifier="prod")
    assert shown["Configuration"]["FunctionArn"] == f"{ARN}:prod"
    assert shown["Configuration"]["Version"] == "2"
    assert (await stand.call("ListAliases", FunctionName="f", FunctionVersion="2"))["Aliases"] == [
        plain
    ]
    assert (await stand.call("ListAliases", FunctionName="f", FunctionVersion="1"))["Aliases"] == []
    with pytest.raises(errors.ResourceConflictError, match="prod"):
        await stand.call("DeleteFunction", FunctionName="f", Qualifier="2")
    for _ in range(2):
        await stand.call("DeleteAlias", FunctionName="f", Name="prod")
    with pytest.raises(errors.ResourceNotFoundError, match=f"Cannot find alias arn: {ARN}:prod$"):
        await stand.call("GetAlias", FunctionName="f", Name="prod")
    await stand.call("DeleteFunction", FunctionName="f", Qualifier="2")


@pytest.mark.parametrize(
    ("version", "weights", "error", "text"),
    [
        ("9", {}, errors.ResourceNotFoundError, f"Function not found: {ARN}:9$"),
        ("1", {"9": 0.5}, errors.ResourceNotFoundError, f"Function not found: {ARN}:9$"),
        ("$LATEST", {"1": 0.5}, errors.InvalidParameterValueError, r"^\$LATEST is not supported"),
        ("1", {"1": 0.5}, errors.InvalidParameterValueError, "already included in routing"),
        ("1", {"2": 0.1, "3": 0.1}, errors.InvalidParameterValueError, "cannot be greater than 1"),
        ("1", {"2": 1.5}, errors.ValidationError, "routingConfig"),
    ],
)
async def test_an_alias_keeps_the_rules(
    stand: Stand,
    version: str,
    weights: dict[str, float],
    error: type[errors.ApiError],
    text: str,
) -> None:
    await _publish(stand)
    with pytest.raises(error, match=text):
        await stand.call(
            "CreateAlias",
            FunctionName="f",
            Name="prod",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )


async def test_an_invocation_is_aimed_by_qualifier(stand: Stand) -> None:
    await _publish(stand)
    await _publish(stand, "x = 1")
    await stand.call(
        "CreateAlias",
        FunctionName="f",
        Name="prod",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.6}},
    )

    def aimed(qualifier: str | None) -> str:
        return stand.catalog.resolve(stand.account.ref("f", qualifier), stand.rng).executed_version

    assert aimed(None) == aimed("$LATEST") == "$LATEST"
    assert aimed("1") == "1"
    assert abs(sum(aimed("prod") == "2" for _ in range(10_000)) - 6000) <= 100
    for name, qualifier, arn in (
        ("f", "9", f"{ARN}:9"),
        ("f", "none", f"{ARN}:none"),
        ("g", None, f"{ARN[:-1]}g:$LATEST"),
    ):
        with pytest.raises(errors.ResourceNotFoundError) as caught:
            stand.catalog.resolve(stand.account.ref(name, qualifier), stand.rng)
        assert caught.value.message == f"Function not found: {arn}"


async def test_environments_are_retired_when_nobody_will_ask_for_them(stand: Stand) -> None:
    retired: list[Any] = []
    await _publish(stand)
    old = stand.catalog.resolve(stand.account.ref("f"), stand.rng).id
    version = stand.catalog.resolve(stand.account.ref("f", "1"), stand.rng).id
    stand.catalog.subscribe(retired.append)
    await stand.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=5)
    await stand.settled()
    new = stand.catalog.resolve(stand.account.ref("f"), stand.rng).id
    (update,) = retired
    assert [update.covers(one) for one in (old, new, version)] == [True, False, False]
    await stand.call("DeleteFunction", FunctionName="f", Qualifier="1")
    assert [retired[-1].covers(one) for one in (old, new, version)] == [False, False, True]
    await stand.call("DeleteFunction", FunctionName="f")
    assert any(one.covers(new) for one in retired)
    assert not any(one.covers(new) for one in retired[:2])
