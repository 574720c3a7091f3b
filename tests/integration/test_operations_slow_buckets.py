"""While a package is on its way from a slow bucket, everything else of the function goes on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support import operations_stand
from support.operations_stand import package

from inglenook import errors

_FROM_S3 = {"S3Bucket": "bucket", "S3Key": "key"}


class SlowBuckets:
    """Give a package once `go` is set; `asked` is set as soon as somebody waits for one."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def read(self, bucket: str, key: str, version: str | None, *, bytes_max: int) -> bytes:
        self.asked.set()
        await self.go.wait()
        return package(f"# {bucket} {key} {version} {bytes_max}")


async def test_a_function_can_be_seen_changed_and_published_while_its_code_comes(
    tmp_path: Path,
) -> None:
    buckets = SlowBuckets()
    async with operations_stand.stand(tmp_path, buckets=buckets) as stand, stand.activating():
        before = await stand.created()
        coming = asyncio.ensure_future(
            stand.call("UpdateFunctionCode", FunctionName="f", Publish=True, **_FROM_S3)
        )
        async with asyncio.timeout(10):
            await buckets.asked.wait()
            added = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}
            await stand.call("AddPermission", FunctionName="f", **added)
            await stand.call("GetPolicy", FunctionName="f")
            await stand.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
            await stand.settled()
            assert (await stand.call("PublishVersion", FunctionName="f"))["Version"] == "1"
        buckets.go.set()
        updated = await coming
        assert (updated["Version"], updated["Timeout"]) == ("2", 9)
        assert updated["CodeSha256"] != before["CodeSha256"]


@pytest.mark.parametrize("deletes", [True, False])
async def test_a_revision_that_has_gone_by_when_the_code_comes_is_refused(
    tmp_path: Path, deletes: bool
) -> None:
    buckets = SlowBuckets()
    async with operations_stand.stand(tmp_path, buckets=buckets) as stand, stand.activating():
        revision = (await stand.created())["RevisionId"]
        given: dict[str, Any] = {"FunctionName": "f", "RevisionId": revision, **_FROM_S3}
        coming = asyncio.ensure_future(stand.call("UpdateFunctionCode", **given))
        async with asyncio.timeout(10):
            await buckets.asked.wait()
            if deletes:
                await stand.call("DeleteFunction", FunctionName="f")
            else:
                await stand.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
                await stand.settled()
        buckets.go.set()
        refusal = errors.ResourceNotFoundError if deletes else errors.PreconditionFailedError
        with pytest.raises(refusal):
            await coming


async def test_the_first_of_two_creations_to_have_its_code_wins(tmp_path: Path) -> None:
    buckets = SlowBuckets()
    async with operations_stand.stand(tmp_path, buckets=buckets) as stand:
        coming = asyncio.ensure_future(stand.create(Code=_FROM_S3))
        async with asyncio.timeout(10):
            await buckets.asked.wait()
            await stand.create(Description="first")
        buckets.go.set()
        with pytest.raises(errors.ResourceConflictError, match="already exist"):
            await coming
        shown = await stand.call("GetFunctionConfiguration", FunctionName="f")
        assert shown["Description"] == "first"
