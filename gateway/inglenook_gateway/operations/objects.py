"""Code in object stores: `S3Bucket`, `S3Key` and `S3ObjectVersion` of a request, read.

From any endpoint that speaks S3, by boto3 in a thread: the one that the settings name, or AWS's
own. Credentials are found as AWS's tools find them. What is read is bounded in size and in time.
What S3 refuses is the caller's mistake, and worded as Lambda words it; an endpoint that cannot be
reached, and credentials that cannot be found, are the platform's.
"""

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Protocol

import boto3
import botocore.config
import botocore.exceptions

from inglenook import errors, settings
from inglenook.aio import clock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

logger = logging.getLogger(__name__)

_AT_ONCE = 4
"""How many objects are read at a time; each may take its whole size of memory."""
_CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 15.0
_TIMEOUT_S = 120.0
_PIECE_BYTES = 1024 * 1024


class TooLargeError(Exception):
    """The object has more bytes than were to be read."""


class Objects(Protocol):
    """Something that reads objects out of buckets."""

    async def read(self, bucket: str, key: str, version: str | None, *, bytes_max: int) -> bytes:
        """Return an object's content. Raises TooLargeError, and ApiError if it cannot be had."""


class S3Objects:
    """Objects of S3, or of what speaks as S3 does."""

    def __init__(self, options: settings.Aws, *, region: str, time: clock.Clock) -> None:
        self._endpoint = options.endpoint_url or None
        self._region = region
        self._clock = time
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._client: S3Client | None = None
        # boto3 makes clients in no thread-safe way; a made one may be used by all.
        self._making = threading.Lock()

    async def read(self, bucket: str, key: str, version: str | None, *, bytes_max: int) -> bytes:
        deadline = self._clock.monotonic() + _TIMEOUT_S
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._room:
                return await asyncio.to_thread(
                    self._read, bucket, key, version, bytes_max, deadline
                )
        except TimeoutError as exc:
            raise errors.ServiceError(
                f"{self._where} did not give s3://{bucket}/{key} within {_TIMEOUT_S:g} s."
            ) from exc

    def _read(
        self, bucket: str, key: str, version: str | None, bytes_max: int, deadline: float
    ) -> bytes:
        try:
            client = self._made_client()
            if version is None:
                found = client.get_object(Bucket=bucket, Key=key)
            else:
                found = client.get_object(Bucket=bucket, Key=key, VersionId=version)
            return self._content(found, bytes_max, deadline)
        except botocore.exceptions.ClientError as exc:
            error = exc.response["Error"]
            raise errors.InvalidParameterValueError(
                f"Error occurred while GetObject. S3 Error Code: {error['Code']}. "
                f"S3 Error Message: {error['Message']}"
            ) from exc
        except botocore.exceptions.ParamValidationError as exc:
            raise errors.InvalidParameterValueError(
                f"Error occurred while GetObject. {exc}"
            ) from exc
        except botocore.exceptions.BotoCoreError as exc:
            raise errors.ServiceError(f"{self._where} cannot be read: {exc}") from exc

    def _content(self, found: "GetObjectOutputTypeDef", bytes_max: int, deadline: float) -> bytes:
        body = found["Body"]
        try:
            content = bytearray()
            if found["ContentLength"] > bytes_max:
                raise TooLargeError
            for piece in body.iter_chunks(_PIECE_BYTES):
                content += piece
                if len(content) > bytes_max:
                    raise TooLargeError
                # Nobody waits any more; the thread must not go on for a peer that drips.
                if self._clock.monotonic() > deadline:
                    raise TimeoutError
            return bytes(content)
        finally:
            body.close()

    @property
    def _where(self) -> str:
        return f"S3 at {self._endpoint}" if self._endpoint else "S3"

    def _made_client(self) -> "S3Client":
        with self._making:
            if self._client is None:
                self._client = boto3.session.Session().client(
                    "s3",
                    region_name=self._region,
                    endpoint_url=self._endpoint,
                    config=botocore.config.Config(
                        connect_timeout=_CONNECT_TIMEOUT_S,
                        read_timeout=_READ_TIMEOUT_S,
                        retries={"total_max_attempts": 2, "mode": "standard"},
                        # A bucket's own host name is rarely known to a resolver but AWS's.
                        s3={"addressing_style": "path" if self._endpoint else "auto"},
                    ),
                )
            return self._client
