"""Layers by themselves: published, shown, listed, deleted."""

import base64
import hashlib
import re
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest
from platform_process import package, refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_PublishLayerVersion.html")

NOT_FOUND = (404, "ResourceNotFoundException", "The resource you requested does not exist.")


@pytest.fixture
def layer(client: "LambdaClient", name: str) -> Iterator[str]:
    """The name of a layer for this test alone, whose versions are deleted afterwards."""
    yield name
    while versions := client.list_layer_versions(LayerName=name)["LayerVersions"]:
        for version in versions:
            client.delete_layer_version(LayerName=name, VersionNumber=version["Version"])


def publish(client: "LambdaClient", layer: str, text: str = "x", **members: Any) -> Any:
    content = {"ZipFile": package({"data.txt": text})}
    return client.publish_layer_version(LayerName=layer, Content=content, **members)  # type: ignore[arg-type]


def numbers(client: "LambdaClient", layer: str, **filters: Any) -> list[int]:
    listed = client.list_layer_versions(LayerName=layer, **filters)["LayerVersions"]
    return [version["Version"] for version in listed]


def latest_matching(client: "LambdaClient", layer: str, **filters: Any) -> int | None:
    pages = client.get_paginator("list_layers").paginate(**filters)
    found = {item["LayerName"]: item for page in pages for item in page["Layers"]}
    return found[layer]["LatestMatchingVersion"]["Version"] if layer in found else None


# Published.


def test_a_published_version_says_all_of_itself(client: "LambdaClient", layer: str) -> None:
    zipped = package({"data.txt": "x"})
    made = client.publish_layer_version(
        LayerName=layer, Content={"ZipFile": zipped}, Description="d", LicenseInfo="MIT",
        CompatibleRuntimes=["python3.12", "python3.13"], CompatibleArchitectures=["arm64"],
    )  # fmt: skip
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["LayerVersionArn"] == f"{made['LayerArn']}:1"
    assert made["LayerArn"].endswith(f":layer:{layer}")
    assert f":lambda:{client.meta.region_name}:" in made["LayerArn"]
    assert (made["Version"], made["Description"], made["LicenseInfo"]) == (1, "d", "MIT")
    assert made["CompatibleRuntimes"] == ["python3.12", "python3.13"]
    assert made["CompatibleArchitectures"] == ["arm64"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made["CreatedDate"])
    assert made["Content"]["CodeSize"] == len(zipped)
    digest = base64.b64encode(hashlib.sha256(zipped).digest()).decode()
    assert made["Content"]["CodeSha256"] == digest


@pytest.mark.aws("model:LayerVersionContentOutput.Location")
def test_the_content_can_be_downloaded(client: "LambdaClient", layer: str) -> None:
    zipped = package({"data.txt": "to be read again"})
    made = client.publish_layer_version(LayerName=layer, Content={"ZipFile": zipped})
    shown = client.get_layer_version(LayerName=layer, VersionNumber=1)
    for content in (made["Content"], shown["Content"]):
        with urllib.request.urlopen(content["Location"]) as answer:
            assert answer.read() == zipped


def test_what_was_not_given_is_not_shown(client: "LambdaClient", layer: str) -> None:
    made = publish(client, layer)
    assert made["Description"] == ""
    assert not {"LicenseInfo", "CompatibleRuntimes", "CompatibleArchitectures"} & set(made)


@pytest.mark.aws("dg/creating-deleting-layers.html")
def test_each_publication_is_a_new_version(client: "LambdaClient", layer: str) -> None:
    assert [publish(client, layer)["Version"] for _ in range(3)] == [1, 2, 3]
    arn = publish(client, layer)["LayerArn"]
    assert publish(client, arn)["LayerVersionArn"] == f"{arn}:5"


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"LayerName": "a.b"}, "at 'layerName'"),
        ({"LayerName": "x" * 141}, "at 'layerName'"),
        ({"Description": "x" * 257}, "at 'description'"),
        ({"LicenseInfo": "x" * 513}, "at 'licenseInfo'"),
        ({"CompatibleRuntimes": ["python3.12"] * 16}, "at 'compatibleRuntimes'"),
        ({"CompatibleRuntimes": ["cobol"]}, "at 'compatibleRuntimes'"),
        ({"CompatibleArchitectures": ["x86_64", "arm64", "x86_64"]}, "'compatibleArchitectures'"),
        ({"CompatibleArchitectures": ["mips"]}, "at 'compatibleArchitectures'"),
    ],
)
def test_members_that_cannot_be_are_refused(
    client: "LambdaClient", layer: str, members: dict[str, Any], told: str
) -> None:
    request = {"LayerName": layer, "Content": {"ZipFile": package("")}} | members
    status, error, message = refused(client.publish_layer_version, **request)
    assert (status, error) == (400, "ValidationException")
    assert message.startswith("1 validation error detected: ")
    assert told in message
    assert numbers(client, layer) == []


@pytest.mark.aws("model:LayerVersionContentInput.ZipFile")
@pytest.mark.parametrize("content", [{}, {"ZipFile": b""}, {"S3Bucket": "bucket"}])
def test_a_layer_needs_a_source(
    client: "LambdaClient", layer: str, content: dict[str, Any]
) -> None:
    answer = refused(client.publish_layer_version, LayerName=layer, Content=content)
    assert answer[:2] == (400, "InvalidParameterValueException")
    assert numbers(client, layer) == []


# Shown.


@pytest.mark.aws("api/API_GetLayerVersion.html")
def test_a_version_is_found_by_name_and_by_arn(client: "LambdaClient", layer: str) -> None:
    made = publish(client, layer, "one", Description="first")
    publish(client, layer, "two", Description="second")
    by_name = client.get_layer_version(LayerName=layer, VersionNumber=1)
    by_layer_arn = client.get_layer_version(LayerName=made["LayerArn"], VersionNumber=1)
    by_arn = client.get_layer_version_by_arn(Arn=made["LayerVersionArn"])
    for found in (by_name, by_layer_arn, by_arn):
        for member in ("LayerArn", "LayerVersionArn", "Version", "Description", "CreatedDate"):
            assert found[member] == made[member]  # type: ignore[literal-required]
        assert found["Content"]["CodeSha256"] == made["Content"]["CodeSha256"]


@pytest.mark.aws("api/API_GetLayerVersion.html")
def test_a_version_that_is_not_there_is_not_found(client: "LambdaClient", layer: str) -> None:
    assert refused(client.get_layer_version, LayerName=layer, VersionNumber=1) == NOT_FOUND
    arn = publish(client, layer)["LayerArn"]
    assert refused(client.get_layer_version, LayerName=layer, VersionNumber=2) == NOT_FOUND
    assert refused(client.get_layer_version_by_arn, Arn=f"{arn}:2") == NOT_FOUND
    assert refused(client.get_layer_version_by_arn, Arn=f"{arn}x:1") == NOT_FOUND


@pytest.mark.aws("api/API_GetLayerVersion.html")
@pytest.mark.parametrize("operation", ["get_layer_version", "delete_layer_version"])
def test_versions_begin_at_one(client: "LambdaClient", layer: str, operation: str) -> None:
    assert refused(getattr(client, operation), LayerName=layer, VersionNumber=0) == (
        400, "InvalidParameterValueException", "Layer Version Cannot be less than 1",
    )  # fmt: skip


@pytest.mark.aws("model:GetLayerVersionByArnRequest.Arn")
def test_the_arn_of_no_version_is_no_version_arn(client: "LambdaClient", layer: str) -> None:
    arn = publish(client, layer)["LayerArn"]
    status, error, message = refused(client.get_layer_version_by_arn, Arn=arn)
    assert (status, error) == (400, "ValidationException")
    assert f"Value '{arn}' at 'arn' failed to satisfy constraint" in message


@pytest.mark.aws("api/API_GetLayerVersion.html")
def test_a_layer_of_another_account_has_to_be_shared(client: "LambdaClient", layer: str) -> None:
    arn = publish(client, layer)["LayerVersionArn"]
    parts = arn.split(":")
    parts[4] = f"{(int(parts[4]) + 1) % 10**12:012d}"
    foreign = ":".join(parts)
    status, error, message = refused(client.get_layer_version_by_arn, Arn=foreign)
    assert (status, error) == (403, "AccessDeniedException")
    assert f"lambda:GetLayerVersion on resource: {foreign}" in message


# Listed.


@pytest.mark.aws("api/API_ListLayerVersions.html")
def test_versions_are_listed_newest_first(client: "LambdaClient", layer: str) -> None:
    for text in ("one", "two", "three"):
        arn = publish(client, layer, text, Description=text)["LayerArn"]
    assert numbers(client, layer) == numbers(client, arn) == [3, 2, 1]
    listed = client.list_layer_versions(LayerName=layer)["LayerVersions"]
    assert [version["Description"] for version in listed] == ["three", "two", "one"]
    assert listed[0]["LayerVersionArn"] == f"{arn}:3"
    assert "Content" not in listed[0]


@pytest.mark.aws("api/API_ListLayerVersions.html")
def test_a_layer_that_is_not_there_has_no_versions(client: "LambdaClient", layer: str) -> None:
    answer = client.list_layer_versions(LayerName=layer)
    assert answer["LayerVersions"] == []
    assert "NextMarker" not in answer


@pytest.mark.aws("model:ListLayerVersionsRequest.Marker")
def test_pages_of_versions_have_each_once(client: "LambdaClient", layer: str) -> None:
    for _ in range(12):
        publish(client, layer)
    pages = list(
        client.get_paginator("list_layer_versions").paginate(
            LayerName=layer, PaginationConfig={"PageSize": 5}
        )
    )
    assert [len(page["LayerVersions"]) for page in pages] == [5, 5, 2]
    found = [version["Version"] for page in pages for version in page["LayerVersions"]]
    assert found == list(range(12, 0, -1))


@pytest.mark.aws("api/API_ListLayerVersions.html")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"CompatibleRuntime": "python3.12"}, [3, 1]),
        ({"CompatibleRuntime": "nodejs20.x"}, [2]),
        ({"CompatibleRuntime": "ruby3.3"}, []),
        ({"CompatibleArchitecture": "arm64"}, [3, 2]),
        ({"CompatibleRuntime": "python3.12", "CompatibleArchitecture": "x86_64"}, [1]),
    ],
)
def test_versions_are_filtered_by_what_they_say_they_suit(
    client: "LambdaClient", layer: str, filters: dict[str, Any], expected: list[int]
) -> None:
    publish(client, layer, CompatibleRuntimes=["python3.12"], CompatibleArchitectures=["x86_64"])
    publish(client, layer, CompatibleRuntimes=["nodejs20.x"], CompatibleArchitectures=["arm64"])
    publish(client, layer, CompatibleRuntimes=["python3.12"], CompatibleArchitectures=["arm64"])
    publish(client, layer)
    assert numbers(client, layer, **filters) == expected
    assert latest_matching(client, layer, **filters) == (expected[0] if expected else None)


@pytest.mark.aws("api/API_ListLayers.html")
def test_layers_are_listed_with_their_latest_version(client: "LambdaClient", layer: str) -> None:
    assert latest_matching(client, layer) is None
    publish(client, layer)
    made = publish(client, layer, Description="latest")
    pages = client.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 1})
    (item,) = (item for page in pages for item in page["Layers"] if item["LayerName"] == layer)
    assert item["LayerArn"] == made["LayerArn"]
    assert item["LatestMatchingVersion"]["LayerVersionArn"] == made["LayerVersionArn"]
    assert item["LatestMatchingVersion"]["Description"] == "latest"
    assert "Content" not in item["LatestMatchingVersion"]


@pytest.mark.aws("model:ListLayersRequest.CompatibleRuntime")
@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"CompatibleRuntime": "cobol"}, "at 'compatibleRuntime'"),
        ({"CompatibleArchitecture": "mips"}, "at 'compatibleArchitecture'"),
        ({"MaxItems": 51}, "at 'maxItems'"),
    ],
)
def test_filters_that_cannot_be_are_refused(
    client: "LambdaClient", filters: dict[str, Any], told: str
) -> None:
    status, error, message = refused(client.list_layers, **filters)
    assert (status, error) == (400, "ValidationException")
    assert told in message


# Deleted.


@pytest.mark.aws("api/API_DeleteLayerVersion.html")
def test_a_deleted_version_is_gone_and_its_number_with_it(
    client: "LambdaClient", layer: str
) -> None:
    publish(client, layer)
    publish(client, layer)
    for _ in range(2):
        answer = client.delete_layer_version(LayerName=layer, VersionNumber=2)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_layer_version, LayerName=layer, VersionNumber=2) == NOT_FOUND
    assert latest_matching(client, layer) == 1
    client.delete_layer_version(LayerName=layer, VersionNumber=1)
    assert latest_matching(client, layer) is None
    assert publish(client, layer)["Version"] == 3


@pytest.mark.aws("api/API_DeleteLayerVersion.html")
def test_deleting_what_never_was_is_no_error(client: "LambdaClient", layer: str) -> None:
    answer = client.delete_layer_version(LayerName=layer, VersionNumber=7)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(botocore.exceptions.ClientError):
        client.get_layer_version(LayerName=layer, VersionNumber=7)


@pytest.mark.ours("alone in its account")
@pytest.mark.aws("model:AccountUsage.TotalCodeSize")
def test_layers_count_for_the_accounts_storage(client: "LambdaClient", layer: str) -> None:
    def used() -> int:
        return client.get_account_settings()["AccountUsage"]["TotalCodeSize"]

    before = used()
    made = publish(client, layer, "some bytes")
    assert used() == before + made["Content"]["CodeSize"]
    client.delete_layer_version(LayerName=layer, VersionNumber=1)
    assert used() == before
