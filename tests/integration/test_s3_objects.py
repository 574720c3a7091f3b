"""Reading objects out of buckets, against moto's server and against endpoints that fail."""

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer
from support import ports

from inglenook import errors, settings
from inglenook.aio import clock
from inglenook_gateway.operations import objects

BODY = bytes(range(256)) * 8192


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        s3 = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="object", Body=BODY)
        yield url
    finally:
        server.stop()


def reader(endpoint: str) -> objects.S3Objects:
    return objects.S3Objects(
        settings.Aws(endpoint_url=endpoint), region="us-east-1", time=clock.SystemClock()
    )


async def test_an_object_is_read_whole_and_as_often_as_asked(endpoint: str) -> None:
    found = reader(endpoint)
    for _ in range(3):
        assert await found.read("bucket", "object", None, bytes_max=len(BODY)) == BODY


async def test_an_object_beyond_the_bound_is_not_read(endpoint: str) -> None:
    with pytest.raises(objects.TooLargeError):
        await reader(endpoint).read("bucket", "object", None, bytes_max=len(BODY) - 1)


async def test_an_endpoint_that_is_not_there_is_the_platforms_failure() -> None:
    [port] = ports.free()
    url = f"http://127.0.0.1:{port}"
    with pytest.raises(errors.ServiceError, match=f"S3 at {url} cannot be read"):
        await reader(url).read("bucket", "object", None, bytes_max=10)


async def test_without_credentials_the_error_says_so(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(errors.ServiceError, match="credentials"):
        await reader(endpoint).read("bucket", "object", None, bytes_max=10)


async def test_a_bucket_that_can_have_no_such_name_is_the_callers_mistake(endpoint: str) -> None:
    with pytest.raises(errors.InvalidParameterValueError, match="GetObject"):
        await reader(endpoint).read("_no_", "object", None, bytes_max=10)
