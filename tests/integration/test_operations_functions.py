"""The life of a function: created, active, updated, deleted, and refused."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support import operations_stand
from support.operations_stand import Stand, package

from inglenook import errors
from inglenook.upkeep import recovery

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


async def test_a_new_function_is_answered_as_pending_with_all_that_is_always_there(
    idle: Stand,
) -> None:
    shown = await idle.create()
    zipped = package()
    assert shown.pop("RevisionId")
    assert shown.pop("LastModified").endswith("+0000")
    assert shown.pop("RuntimeVersionConfig")["RuntimeVersionArn"].startswith("arn:aws:lambda:")
    assert shown == {
        "FunctionName": "f",
        "FunctionArn": ARN,
        "Runtime": "python3.12",
        "Role": operations_stand.ROLE,
        "Handler": "app.handler",
        "CodeSize": len(zipped),
        "CodeSha256": base64.b64encode(hashlib.sha256(zipped).digest()).decode(),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
    }


async def test_a_function_becomes_active_with_another_revision(stand: Stand) -> None:
    first = await stand.create(Environment={"Variables": {}})
    shown = await stand.settled()
    assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Successful")
    assert not {"StateReason", "StateReasonCode", "LastUpdateStatusReason"} & shown.keys()
    assert shown["RevisionId"] != first["RevisionId"]
    assert shown["Environment"] == {"Variables": {}}


async def test_a_function_whose_runtime_is_not_here_fails_and_an_update_mends_it(
    stand: Stand,
) -> None:
    stand.runtimes.missing.add("java21")
    shown = await stand.created(Runtime="java21")
    assert (shown["State"], shown["StateReasonCode"]) == ("Failed", "InvalidRuntime")
    with pytest.raises(errors.InvalidRuntimeError, match="java21 is not installed here"):
        stand.catalog.resolve(stand.account.ref("f"), stand.rng)
    await stand.call("UpdateFunctionConfiguration", FunctionName="f", Runtime="python3.12")
    assert (await stand.settled())["State"] == "Active"


async def test_a_function_whose_runtime_comes_later_becomes_active_by_itself(idle: Stand) -> None:
    async with idle.activating(retry_s=0.01):
        idle.runtimes.missing.add("java21")
        assert (await idle.created(Runtime="java21"))["State"] == "Failed"
        await idle.created("g")
        await idle.call("UpdateFunctionConfiguration", FunctionName="g", Runtime="java21")
        assert (await idle.settled("g"))["LastUpdateStatus"] == "Failed"
        version = await idle.store.latest_version()

        idle.runtimes.missing.clear()
        mended = set()
        async with asyncio.timeout(10):
            async for change in idle.store.watch(version):
                mended.add(change.document.name)
                if mended == {"f", "g"}:
                    break
    for name in mended:
        shown = await idle.call("GetFunctionConfiguration", FunctionName=name)
        assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Successful")
        assert "LastUpdateStatusReasonCode" not in shown
        target = idle.catalog.resolve(idle.account.ref(name), idle.rng)
        assert target.spec.runtime == "java21"


async def test_what_has_failed_is_not_written_again_while_it_fails(idle: Stand) -> None:
    asked = asyncio.Queue[str]()

    class Counted(operations_stand.Runtimes):
        async def available(self, runtime: str) -> str | None:
            asked.put_nowait(runtime)
            return await super().available(runtime)

    idle.runtimes = Counted()
    idle.runtimes.missing.add("java21")
    async with idle.activating(retry_s=0.01):
        failed = await idle.created(Runtime="java21")
        async with asyncio.timeout(10):
            for _ in range(5):
                await asked.get()
        shown = await idle.call("GetFunctionConfiguration", FunctionName="f")
    assert shown["RevisionId"] == failed["RevisionId"]


async def test_an_update_is_in_progress_and_refuses_the_next_until_it_is_done(
    idle: Stand,
) -> None:
    async with idle.activating():
        before = await idle.created()
    shown = await idle.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    assert shown["Timeout"] == 9
    assert shown["State"] == "Active"
    assert shown["LastUpdateStatus"] == "InProgress"
    assert shown["LastUpdateStatusReason"] == "The function is being created."
    assert shown["LastUpdateStatusReasonCode"] == "Creating"
    assert shown["RevisionId"] != before["RevisionId"]
    for operation, params in (
        ("UpdateFunctionConfiguration", {"Timeout": 10}),
        ("UpdateFunctionCode", {"ZipFile": package("x = 1")}),
        ("PublishVersion", {}),
        ("PutRuntimeManagementConfig", {"UpdateRuntimeOn": "Auto"}),
        ("TagResource", {"Tags": {"a": "b"}}),
    ):
        named = {"Resource": ARN} if operation == "TagResource" else {"FunctionName": "f"}
        with pytest.raises(
            errors.ResourceConflictError, match=f"An update is in progress for resource: {ARN}$"
        ):
            await idle.call(operation, **named, **params)
    async with idle.activating():
        after = await idle.settled()
    assert after["LastUpdateStatus"] == "Successful"
    assert after["RevisionId"] not in (shown["RevisionId"], before["RevisionId"])


async def test_a_pending_function_can_be_deleted_but_neither_updated_nor_invoked(
    idle: Stand,
) -> None:
    await idle.create()
    with pytest.raises(errors.ResourceConflictError, match="state: Pending"):
        await idle.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    with pytest.raises(errors.ResourceConflictError, match="state: Pending"):
        idle.catalog.resolve(idle.account.ref("f"), idle.rng)
    await idle.call("DeleteFunction", FunctionName="f")
    with pytest.raises(errors.ResourceNotFoundError, match=f"Function not found: {ARN}$"):
        await idle.call("GetFunction", FunctionName="f")


async def test_what_a_caller_has_seen_active_can_be_invoked_at_once(stand: Stand) -> None:
    await stand.created()
    old = stand.catalog.resolve(stand.account.ref("f"), stand.rng)
    await stand.call("UpdateFunctionCode", FunctionName="f", ZipFile=package("x = 1"))
    await stand.settled()
    new = stand.catalog.resolve(stand.account.ref("f"), stand.rng)
    assert new.id.generation == old.id.generation + 1
    assert new.spec.code != old.spec.code
    assert new.executed_version == "$LATEST"
    assert new.invoked_arn("prod") == f"{ARN}:prod"


async def test_until_an_update_succeeds_what_ran_before_serves(idle: Stand) -> None:
    async with idle.activating():
        await idle.created()
    old = idle.catalog.resolve(idle.account.ref("f"), idle.rng)
    shown = await idle.call("UpdateFunctionCode", FunctionName="f", ZipFile=package("x = 1"))
    during = idle.catalog.resolve(idle.account.ref("f"), idle.rng)
    assert (during.id, during.spec) == (old.id, old.spec)
    # The code that serves is needed as much as the code that will.
    assert {old.spec.code.sha256} < await recovery.code_in_use(idle.store)
    async with idle.activating():
        assert (await idle.settled())["CodeSha256"] == shown["CodeSha256"]
    after = idle.catalog.resolve(idle.account.ref("f"), idle.rng)
    assert after.id.generation == old.id.generation + 1
    assert await recovery.code_in_use(idle.store) == {after.spec.code.sha256}


async def test_a_failed_update_leaves_what_ran_before_and_the_next_one_mends_it(
    stand: Stand,
) -> None:
    await stand.created()
    old = stand.catalog.resolve(stand.account.ref("f"), stand.rng)
    stand.runtimes.missing.add("java21")
    for _ in range(2):
        await stand.call("UpdateFunctionConfiguration", FunctionName="f", Runtime="java21")
        shown = await stand.settled()
        assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Failed")
        assert shown["LastUpdateStatusReasonCode"] == "InvalidRuntime"
        assert "StateReason" not in shown
        now = stand.catalog.resolve(stand.account.ref("f"), stand.rng)
        assert (now.id, now.spec) == (old.id, old.spec)
    await stand.call(
        "UpdateFunctionConfiguration", FunctionName="f", Runtime="python3.12", Timeout=9
    )
    assert (await stand.settled())["LastUpdateStatus"] == "Successful"
    mended = stand.catalog.resolve(stand.account.ref("f"), stand.rng)
    assert mended.spec.timeout_s == 9
    assert mended.id.generation > old.id.generation


async def test_an_update_that_changes_nothing_keeps_the_environments(stand: Stand) -> None:
    shown = await stand.created()
    generation = stand.catalog.resolve(stand.account.ref("f"), stand.rng).id.generation
    again = await stand.call("UpdateFunctionCode", FunctionName="f", ZipFile=package())
    assert again["LastUpdateStatus"] == "InProgress"
    assert again["RevisionId"] != shown["RevisionId"]
    assert stand.catalog.resolve(stand.account.ref("f"), stand.rng).id.generation == generation


async def test_a_stale_revision_is_a_failed_precondition(stand: Stand) -> None:
    shown = await stand.created()
    with pytest.raises(errors.PreconditionFailedError, match="Call the GetFunction/GetAlias API"):
        await stand.call(
            "UpdateFunctionConfiguration", FunctionName="f", Timeout=9, RevisionId="old"
        )
    await stand.call(
        "UpdateFunctionConfiguration", FunctionName="f", RevisionId=shown["RevisionId"]
    )


async def test_a_dry_run_of_new_code_shows_it_and_changes_nothing(stand: Stand) -> None:
    before = await stand.created()
    zipped = package("x = 1")
    shown = await stand.call("UpdateFunctionCode", FunctionName="f", ZipFile=zipped, DryRun=True)
    assert shown["CodeSize"] == len(zipped)
    assert shown["CodeSha256"] != before["CodeSha256"]
    assert await stand.settled() == before
    assert len(await stand.codes.list()) == 1


async def test_a_function_is_created_once(idle: Stand) -> None:
    outcomes = await asyncio.gather(*(idle.create() for _ in range(5)), return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, errors.ResourceConflictError)]
    assert len(refused) == 4
    assert {one.message for one in refused} == {"Function already exist: f"}


async def test_a_deleted_function_can_be_created_anew(stand: Stand) -> None:
    await stand.created()
    await stand.call("PublishVersion", FunctionName="f")
    await stand.call("DeleteFunction", FunctionName="f")
    await stand.created()
    assert (await stand.call("PublishVersion", FunctionName="f"))["Version"] == "1"


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        ({"Runtime": "cobol85"}, errors.ApiError, "Member must satisfy enum value set"),
        ({"FunctionName": "n" * 65}, errors.InvalidParameterValueError, "less than or equal to 64"),
        ({"Code": {}}, errors.InvalidParameterValueError, "provide a source for function code"),
        ({"Code": {"ZipFile": b"no zip"}}, errors.InvalidParameterValueError, "Could not unzip"),
        ({"MemorySize": 10_241}, errors.ValidationError, "'memorySize' .* or equal to 10240"),
        ({"Timeout": 901}, errors.ValidationError, "'timeout' .* or equal to 900"),
        ({"EphemeralStorage": {"Size": 10_241}}, errors.ValidationError, "'ephemeralStorage.size'"),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x", "AWS_ACCESS_KEY": "y", "OK": ""}}},
            errors.InvalidParameterValueError,
            "Reserved keys used in this request: AWS_ACCESS_KEY, AWS_REGION$",
        ),
        (
            {"Environment": {"Variables": {"LARGE": "x" * 4100}}},
            errors.InvalidParameterValueError,
            'exceeded the 4KB limit. String measured: {"LARGE":"xxx',
        ),
        (
            {"LoggingConfig": {"LogFormat": "Text", "SystemLogLevel": "INFO"}},
            errors.InvalidParameterValueError,
            "JSON",
        ),
        ({"Tags": {str(n): "" for n in range(51)}}, errors.InvalidParameterValueError, "tag limit"),
        ({"Layers": ["arn:x"]}, errors.ApiError, "Layers|layers"),
        (
            {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}},
            errors.InvalidParameterValueError,
            "^TenancyConfig is not built yet in Inglenook$",
        ),
        (
            {"Code": {"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/r:latest"}},
            errors.InvalidParameterValueError,
            "^Please don't provide ImageUri",
        ),
        (
            {"Code": {"S3Bucket": "bucket", "S3Key": "key", "S3ObjectStorageMode": "REFERENCE"}},
            errors.InvalidParameterValueError,
            "^Code.S3ObjectStorageMode is not built yet",
        ),
        (
            {"PackageType": "Image"},
            errors.InvalidParameterValueError,
            "^PackageType Image needs",
        ),
    ],
)
async def test_what_cannot_be_created_is_refused_and_leaves_nothing(
    idle: Stand, params: dict[str, object], error: type[errors.ApiError], match: str
) -> None:
    with pytest.raises(error, match=match):
        await idle.create(**params)
    assert (await idle.call("ListFunctions"))["Functions"] == []


@pytest.mark.parametrize("member", ["Runtime", "Handler"])
async def test_a_zip_needs_a_runtime_and_a_handler(idle: Stand, member: str) -> None:
    params = {"Role": operations_stand.ROLE, "Runtime": "python3.12", "Handler": "app.handler"}
    del params[member]
    with pytest.raises(
        errors.InvalidParameterValueError, match=r"^Runtime and Handler are mandatory parameters"
    ):
        await idle.call("CreateFunction", FunctionName="f", Code={"ZipFile": package()}, **params)


async def test_harmless_members_that_tools_send_are_taken(idle: Stand) -> None:
    await idle.create(
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        SnapStart={"ApplyOn": "None"},
        PackageType="Zip",
        Layers=[],
        KMSKeyArn="",
        DeadLetterConfig={"TargetArn": ""},
        FileSystemConfigs=[],
    )
