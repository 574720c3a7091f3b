"""What is shown of functions beside their life: code, tags, shares of the account, listings."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from support import operations_stand
from support.operations_stand import Stand, package

from inglenook import errors
from inglenook.model import limits
from inglenook.model.account import Account
from inglenook_gateway.operations import code_location

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


@pytest.fixture
async def idle(tmp_path: Path) -> AsyncIterator[Stand]:
    """A stand where nothing is ever activated."""
    async with operations_stand.stand(tmp_path) as stand:
        yield stand


@pytest.fixture
async def stand(idle: Stand) -> AsyncIterator[Stand]:
    async with idle.activating():
        yield idle


async def test_json_logs_have_levels(stand: Stand) -> None:
    shown = await stand.created(LoggingConfig={"LogFormat": "JSON", "LogGroup": "mine"})
    assert shown["LoggingConfig"] == {
        "LogFormat": "JSON",
        "LogGroup": "mine",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "INFO",
    }
    shown = await stand.call(
        "UpdateFunctionConfiguration", FunctionName="f", LoggingConfig={"LogFormat": "Text"}
    )
    assert shown["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "mine"}


async def test_the_code_location_gives_the_very_zip_for_ten_minutes(stand: Stand) -> None:
    await stand.created()
    shown = await stand.call("GetFunction", FunctionName="f")
    assert shown.keys() == {"Configuration", "Code"}
    assert shown["Code"]["RepositoryType"] == "S3"
    server = web.Server(stand.locations.serve)
    runner = web.ServerRunner(server)
    await runner.setup()
    try:
        await web.TCPSite(runner, "localhost", 0).start()
        port = runner.addresses[0][1]
        url = shown["Code"]["Location"].replace("localhost:9000", f"localhost:{port}")
        assert code_location.PREFIX in url
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as answer:
                assert answer.status == 200
                assert await answer.read() == package()
            for wrong in (url[:-1], url.replace("expires=1", "expires=2"), url.split("?")[0]):
                async with session.get(wrong) as answer:
                    assert answer.status == 403
    finally:
        await runner.cleanup()


async def test_tags_are_kept_and_shown(stand: Stand) -> None:
    await stand.created(Tags={"a": "1"})
    await stand.call("TagResource", Resource=ARN, Tags={"b": "2"})
    await stand.call("UntagResource", Resource=ARN, TagKeys=["a"])
    assert (await stand.call("ListTags", Resource=ARN)) == {"Tags": {"b": "2"}}
    assert (await stand.call("GetFunction", FunctionName="f"))["Tags"] == {"b": "2"}
    with pytest.raises(
        errors.InvalidParameterValueError, match="aliases and versions are not supported"
    ):
        await stand.call("ListTags", Resource=f"{ARN}:1")
    with pytest.raises(
        errors.ResourceNotFoundError, match="The resource you requested does not exist"
    ):
        await stand.call("ListTags", Resource=f"{ARN}2")


async def test_reserved_concurrency_leaves_a_hundred_to_the_others(stand: Stand) -> None:
    await stand.created()
    await stand.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=900)
    settings = await stand.call("GetAccountSettings")
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    assert [one.reserved_concurrency for one in stand.catalog.functions()] == [900]
    shown = await stand.call("GetFunction", FunctionName="f")
    assert shown["Concurrency"] == {"ReservedConcurrentExecutions": 900}
    with pytest.raises(errors.InvalidParameterValueError, match=r"its minimum value of \[100\]"):
        await stand.call(
            "PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=901
        )
    await stand.call("DeleteFunctionConcurrency", FunctionName="f")
    assert await stand.call("GetFunctionConcurrency", FunctionName="f") == {}


async def test_account_settings_count_every_package(stand: Stand) -> None:
    await stand.created()
    await stand.call("PublishVersion", FunctionName="f")
    settings = await stand.call("GetAccountSettings")
    assert settings["AccountUsage"] == {"TotalCodeSize": 2 * len(package()), "FunctionCount": 1}
    assert settings["AccountLimit"]["CodeSizeUnzipped"] == limits.UNZIPPED_BYTES_MAX


async def test_code_beyond_the_accounts_storage_is_refused(tmp_path: Path) -> None:
    account = Account(code_storage_bytes=len(package()) + 1)
    async with operations_stand.stand(tmp_path, account=account) as stand:
        await stand.create()
        with pytest.raises(errors.CodeStorageExceededError):
            await stand.create("g")


async def test_functions_are_listed_in_pages_without_states(stand: Stand) -> None:
    for name in ("a", "a-b", "b", "c"):
        await stand.created(name)
    await stand.call("PublishVersion", FunctionName="a")
    names, marker = [], {}
    while True:
        answer = await stand.call("ListFunctions", MaxItems=2, **marker)
        names += [one["FunctionName"] for one in answer["Functions"]]
        assert not {"State", "LastUpdateStatus", "RuntimeVersionConfig"} & set().union(
            *answer["Functions"]
        )
        if "NextMarker" not in answer:
            break
        marker = {"Marker": answer["NextMarker"]}
    assert names == ["a", "a-b", "b", "c"]
    everything = await stand.call("ListFunctions", FunctionVersion="ALL")
    assert [one["FunctionArn"].removeprefix(ARN[:-1]) for one in everything["Functions"]] == [
        "a:$LATEST",
        "a:1",
        "a-b:$LATEST",
        "b:$LATEST",
        "c:$LATEST",
    ]
    with pytest.raises(errors.InvalidParameterValueError, match="Marker"):
        await stand.call("ListFunctions", Marker="é")


async def test_a_page_has_fifty_items_at_most(idle: Stand) -> None:
    await asyncio.gather(*(idle.create(f"f{n}") for n in range(51)))
    answer = await idle.call("ListFunctions", MaxItems=10_000)
    assert len(answer["Functions"]) == 50
    rest = await idle.call("ListFunctions", Marker=answer["NextMarker"])
    assert len(rest["Functions"]) == 1


async def test_strict_runtimes_refuse_what_aws_refuses(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path, strict_runtimes=True) as stand:
        with pytest.raises(
            errors.InvalidParameterValueError, match=r"python3\.7 is no longer supported"
        ):
            await stand.create(Runtime="python3.7")
