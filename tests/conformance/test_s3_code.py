"""Code from a bucket: api/API_FunctionCode.html, against what stands in for S3 (moto's server)."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import platform_process
import pytest
from moto.server import ThreadedMotoServer
from platform_process import package, refused, wait_active, wait_updated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

pytestmark = [
    pytest.mark.aws("api/API_FunctionCode.html"),
    pytest.mark.ours("it needs buckets that both this test and the platform can reach"),
]

BUCKET = "hearth-code"
INVALID = (400, "InvalidParameterValueException")


def source(answer: int) -> bytes:
    return package(f"def handler(event, context):\n    return {answer}\n")


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture(scope="module")
def s3(s3_endpoint: str) -> "S3Client":
    client = boto3.client(
        "s3",
        endpoint_url=s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, s3_endpoint: str
) -> Iterator[platform_process.Platform]:
    """A platform that is told where S3 is."""
    variables = platform_process.CREDENTIALS | {"INGLENOOK_AWS_ENDPOINT_URL": s3_endpoint}
    folder = tmp_path_factory.mktemp("platform")
    with platform_process.running(folder, variables=variables) as running:
        yield running


@pytest.fixture(scope="module")
def client(platform: platform_process.Platform) -> "LambdaClient":
    return platform.client()


def create(client: "LambdaClient", name: str, code: dict[str, Any], **members: Any) -> Any:
    created = client.create_function(
        FunctionName=name, Runtime=platform_process.RUNTIME, Role=platform_process.ROLE,
        Handler="app.handler", Code=code, **members,
    )  # type: ignore[arg-type] # fmt: skip
    wait_active(client, name)
    return created


def invoked(client: "LambdaClient", name: str, **members: Any) -> object:
    return json.loads(client.invoke(FunctionName=name, **members)["Payload"].read())


def test_a_function_is_created_from_a_bucket(
    client: "LambdaClient", s3: "S3Client", name: str
) -> None:
    code = source(1)
    s3.put_object(Bucket=BUCKET, Key="folder/a b.zip", Body=code)
    created = create(client, name, {"S3Bucket": BUCKET, "S3Key": "folder/a b.zip"})
    assert created["CodeSize"] == len(code)
    assert invoked(client, name) == 1


@pytest.mark.aws("model:FunctionCode.S3ObjectVersion")
def test_an_older_version_of_the_object_is_taken(
    client: "LambdaClient", s3: "S3Client", name: str
) -> None:
    first = s3.put_object(Bucket=BUCKET, Key="versioned.zip", Body=source(1))["VersionId"]
    s3.put_object(Bucket=BUCKET, Key="versioned.zip", Body=source(2))
    code = {"S3Bucket": BUCKET, "S3Key": "versioned.zip"}
    create(client, name, code | {"S3ObjectVersion": first})
    assert invoked(client, name) == 1
    client.update_function_code(FunctionName=name, **code)  # type: ignore[arg-type]
    wait_updated(client, name)
    assert invoked(client, name) == 2


@pytest.mark.aws("api/API_UpdateFunctionCode.html")
def test_the_code_stays_as_it_was_taken(client: "LambdaClient", s3: "S3Client", name: str) -> None:
    s3.put_object(Bucket=BUCKET, Key="taken.zip", Body=source(1))
    create(client, name, {"S3Bucket": BUCKET, "S3Key": "taken.zip"})
    s3.put_object(Bucket=BUCKET, Key="taken.zip", Body=source(2))
    client.update_function_configuration(FunctionName=name, Timeout=9)
    wait_updated(client, name)
    assert invoked(client, name) == 1


@pytest.mark.aws("model:UpdateFunctionCodeRequest.DryRun")
def test_a_dry_run_reads_the_object_and_keeps_the_code(
    client: "LambdaClient", s3: "S3Client", name: str
) -> None:
    s3.put_object(Bucket=BUCKET, Key="dry.zip", Body=source(2))
    create(client, name, {"ZipFile": source(1)})
    before = client.get_function_configuration(FunctionName=name)
    dry = client.update_function_code(
        FunctionName=name, S3Bucket=BUCKET, S3Key="dry.zip", DryRun=True
    )
    assert dry["CodeSha256"] != before["CodeSha256"]
    after = client.get_function_configuration(FunctionName=name)
    assert (after["CodeSha256"], after["RevisionId"]) == (
        before["CodeSha256"], before["RevisionId"],
    )  # fmt: skip


@pytest.mark.aws("model:UpdateFunctionCodeRequest.Publish")
def test_code_from_a_bucket_is_published_at_once(
    client: "LambdaClient", s3: "S3Client", name: str
) -> None:
    s3.put_object(Bucket=BUCKET, Key="published.zip", Body=source(3))
    create(client, name, {"ZipFile": source(1)})
    published = client.update_function_code(
        FunctionName=name, S3Bucket=BUCKET, S3Key="published.zip", Publish=True
    )
    assert published["Version"] == "1"
    platform_process.wait_published(client, name, "1")
    assert invoked(client, name, Qualifier="1") == 3


@pytest.mark.aws("api/API_PublishLayerVersion.html")
def test_a_layer_comes_from_a_bucket_too(client: "LambdaClient", s3: "S3Client", name: str) -> None:
    content = package({"python/warm.py": "WARMTH = 40\n"})
    s3.put_object(Bucket=BUCKET, Key="layer.zip", Body=content)
    layer = client.publish_layer_version(
        LayerName=name[:40], Content={"S3Bucket": BUCKET, "S3Key": "layer.zip"}
    )
    assert layer["Content"]["CodeSize"] == len(content)
    code = {
        "ZipFile": package("import warm\ndef handler(event, context):\n    return warm.WARMTH\n")
    }
    create(client, name, code, Layers=[layer["LayerVersionArn"]])
    assert invoked(client, name) == 40


@pytest.mark.parametrize(
    ("code", "error"),
    [
        pytest.param({"S3Bucket": BUCKET, "S3Key": "nothing.zip"},
            "NoSuchKey. S3 Error Message: The specified key does not exist.", id="key"),
        pytest.param({"S3Bucket": "no-such-hearth", "S3Key": "nothing.zip"},
            "NoSuchBucket. S3 Error Message: The specified bucket does not exist", id="bucket"),
    ],
)  # fmt: skip
def test_an_object_that_is_not_there_is_told_as_s3_tells_it(
    client: "LambdaClient", s3: "S3Client", name: str, code: Any, error: str
) -> None:
    status, kind, message = refused(create, client=client, name=name, code=code)
    assert (status, kind) == INVALID
    assert message == f"Error occurred while GetObject. S3 Error Code: {error}"
    assert refused(client.get_function, FunctionName=name)[0] == 404


def test_a_version_that_is_not_there_is_told_as_s3_tells_it(
    client: "LambdaClient", s3: "S3Client", name: str
) -> None:
    s3.put_object(Bucket=BUCKET, Key="once.zip", Body=source(1))
    gone = s3.put_object(Bucket=BUCKET, Key="once.zip", Body=source(2))["VersionId"]
    s3.delete_object(Bucket=BUCKET, Key="once.zip", VersionId=gone)
    code = {"S3Bucket": BUCKET, "S3Key": "once.zip", "S3ObjectVersion": gone}
    status, kind, message = refused(create, client=client, name=name, code=code)
    assert (status, kind) == INVALID
    assert message.startswith("Error occurred while GetObject. S3 Error Code: ")


def test_an_object_that_is_no_zip_is_refused(
    client: "LambdaClient", s3: "S3Client", name: str
) -> None:
    s3.put_object(Bucket=BUCKET, Key="text.zip", Body=b"not a zip")
    code = {"S3Bucket": BUCKET, "S3Key": "text.zip"}
    status, kind, message = refused(create, client=client, name=name, code=code)
    assert (status, kind) == INVALID
    assert message == (
        "Could not unzip uploaded file. Please check your file, then try to upload again."
    )


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_package_may_be_larger_than_one_that_is_sent_directly(
    client: "LambdaClient", s3: "S3Client", name: str
) -> None:
    # Beyond the 50 MB of a direct upload; stored, so that the zip is as large as its content.

    buffer = io.BytesIO(source(1))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("ballast", bytes(53_000_000))
    s3.put_object(Bucket=BUCKET, Key="large.zip", Body=buffer.getvalue())
    created = create(client, name, {"S3Bucket": BUCKET, "S3Key": "large.zip"})
    assert created["CodeSize"] > 52_428_800
    assert invoked(client, name) == 1
