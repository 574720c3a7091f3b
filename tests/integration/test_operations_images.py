"""Functions whose code is a container image, through the operations of the Lambda API."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support import operations_stand
from support.operations_stand import ROLE, Stand, package

from inglenook import errors
from inglenook.model import images

DIGEST = "0123456789abcdef" * 4
URI = "000000000000.dkr.ecr.us-east-1.amazonaws.com/app:1"
PINNED = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/app@sha256:{DIGEST}"
CONFIG = {"EntryPoint": ["/app", "--serve"], "Command": ["app.handler"], "WorkingDirectory": "/srv"}
REFUSED = errors.InvalidParameterValueError


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with operations_stand.stand(tmp_path, runs_images=True) as stand, stand.activating():
        yield stand


async def create(stand: Stand, **params: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "FunctionName": "f",
        "Role": ROLE,
        "PackageType": "Image",
        "Code": {"ImageUri": URI},
    }
    return await stand.call("CreateFunction", **(given | params))


async def test_a_function_of_an_image_is_shown_as_one(stand: Stand) -> None:
    created = await create(stand, ImageConfig=CONFIG, Timeout=7)
    assert created["PackageType"] == "Image"
    assert created["ImageConfigResponse"] == {"ImageConfig": CONFIG}
    assert created["CodeSize"] == 0
    assert created["CodeSha256"] == images.sha256(URI)
    assert created["State"] == "Pending"
    assert not created.keys() & {"Runtime", "Handler", "Layers", "RuntimeVersionConfig"}
    assert (await stand.settled())["State"] == "Active"

    found = await stand.call("GetFunction", FunctionName="f")
    assert found["Code"] == {"RepositoryType": "ECR", "ImageUri": URI, "ResolvedImageUri": URI}
    [listed] = (await stand.call("ListFunctions"))["Functions"]
    assert listed["PackageType"] == "Image"
    assert listed["ImageConfigResponse"] == {"ImageConfig": CONFIG}


async def test_without_an_image_config_none_is_shown(stand: Stand) -> None:
    created = await create(stand, Layers=[], ImageConfig={})
    assert "ImageConfigResponse" not in created


async def test_a_digest_is_the_codes_hash(stand: Stand) -> None:
    created = await create(stand, Code={"ImageUri": PINNED})
    assert created["CodeSha256"] == DIGEST


async def test_it_is_active_once_the_runtime_of_its_image_is_there(stand: Stand) -> None:
    stand.runtimes.missing.add(images.runtime_name(URI))
    await create(stand)
    shown = await stand.settled()
    assert (shown["State"], shown["StateReasonCode"]) == ("Failed", "InvalidRuntime")


async def test_its_code_and_its_configuration_are_updated_and_versions_keep_theirs(
    stand: Stand,
) -> None:
    await create(stand, ImageConfig=CONFIG, Publish=True)
    await stand.settled()
    assert (await stand.settled(qualifier="1"))["CodeSha256"] == images.sha256(URI)

    updated = await stand.call("UpdateFunctionCode", FunctionName="f", ImageUri=PINNED)
    assert updated["CodeSha256"] == DIGEST
    assert updated["ImageConfigResponse"] == {"ImageConfig": CONFIG}
    await stand.settled()

    changed = {"Command": ["other.handler"]}
    updated = await stand.call(
        "UpdateFunctionConfiguration", FunctionName="f", ImageConfig=changed, MemorySize=256
    )
    assert updated["ImageConfigResponse"] == {"ImageConfig": changed}
    await stand.settled()
    kept = await stand.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    assert kept["ImageConfigResponse"] == {"ImageConfig": changed}
    await stand.settled()
    cleared = await stand.call("UpdateFunctionConfiguration", FunctionName="f", ImageConfig={})
    assert "ImageConfigResponse" not in cleared
    await stand.settled()

    published = await stand.call("PublishVersion", FunctionName="f", CodeSha256=DIGEST)
    assert published["Version"] == "2"
    first = await stand.call("GetFunction", FunctionName="f", Qualifier="1")
    assert first["Code"]["ImageUri"] == URI
    assert first["Configuration"]["ImageConfigResponse"] == {"ImageConfig": CONFIG}
    with pytest.raises(REFUSED, match="is different from current CodeSHA256"):
        await stand.call("PublishVersion", FunctionName="f", CodeSha256=images.sha256(URI))


async def test_a_dry_run_changes_nothing(stand: Stand) -> None:
    await create(stand)
    await stand.settled()
    shown = await stand.call("UpdateFunctionCode", FunctionName="f", ImageUri=PINNED, DryRun=True)
    assert shown["CodeSha256"] == DIGEST
    found = await stand.call("GetFunction", FunctionName="f")
    assert found["Code"]["ImageUri"] == URI


NOT_FOR_IMAGES = (
    "^Please don't provide Handler or Runtime or Layer when the intended function PackageType is "
    r"Image\.$"
)
LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:a:1"


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"Runtime": "python3.12"}, NOT_FOR_IMAGES),
        ({"Handler": "app.handler"}, NOT_FOR_IMAGES),
        ({"Layers": [LAYER]}, NOT_FOR_IMAGES),
        ({"Code": {"ZipFile": package()}}, "^Please provide ImageUri when creating a function"),
        ({"Code": {"ImageUri": URI, "ZipFile": package()}}, "^Please do not provide other Functi"),
        ({"Code": {"ImageUri": "No Such"}}, r"^Source image No Such is not valid\. Provide a va"),
        (
            {"PackageType": "Zip", "Runtime": "python3.12", "Handler": "app.handler"},
            "^Please don't provide ImageUri when creating a function with packageType Zip",
        ),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "^PackageType Image is not supported"),
    ],
)
async def test_what_does_not_go_together_is_refused_and_leaves_nothing(
    stand: Stand, params: dict[str, Any], match: str
) -> None:
    with pytest.raises(REFUSED, match=match):
        await create(stand, **params)
    with pytest.raises(errors.ResourceNotFoundError):
        await stand.call("GetFunction", FunctionName="f")


async def test_a_function_keeps_its_package_type(stand: Stand) -> None:
    await create(stand)
    await stand.settled()
    with pytest.raises(REFUSED, match=r"^Please provide ImageUri when updating a function with"):
        await stand.call("UpdateFunctionCode", FunctionName="f", ZipFile=package())
    with pytest.raises(REFUSED, match=r"^Please do not provide other FunctionCode parameters"):
        await stand.call("UpdateFunctionCode", FunctionName="f", ImageUri=URI, ZipFile=package())
    for params in ({"Runtime": "python3.12"}, {"Handler": "a.b"}, {"Layers": [LAYER]}):
        with pytest.raises(REFUSED, match=NOT_FOR_IMAGES):
            await stand.call("UpdateFunctionConfiguration", FunctionName="f", **params)

    await stand.created("zipped")
    with pytest.raises(REFUSED, match=r"^Please don't provide ImageUri when updating a function"):
        await stand.call("UpdateFunctionCode", FunctionName="zipped", ImageUri=URI)
    with pytest.raises(REFUSED, match=r"^Please don't provide ImageConfig"):
        await stand.call("UpdateFunctionConfiguration", FunctionName="zipped", ImageConfig=CONFIG)
    with pytest.raises(REFUSED, match=r"^Please don't provide ImageConfig"):
        await stand.create("zipped-too", ImageConfig=CONFIG)


async def test_where_no_images_run_they_are_refused(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path / "other") as stand:
        with pytest.raises(REFUSED, match=r"^PackageType Image needs Inglenook on Kubernetes"):
            await create(stand)
