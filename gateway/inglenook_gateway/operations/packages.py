"""Deployment packages on their way in: looked into, measured against the limits, stored."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from inglenook import errors
from inglenook.catalog.catalog import Catalog
from inglenook.model import function, limits
from inglenook_gateway.operations import objects


class CodeStore(Protocol):
    """Where packages are kept, by their content."""

    async def put(self, zip_bytes: bytes) -> function.Code: ...


class Inspected(Protocol):
    """What has been found out of a package."""

    @property
    def unzipped_bytes(self) -> int: ...


class Inspect(Protocol):
    """Raise InvalidParameterValueError unless these bytes are a package that can be unpacked."""

    def __call__(self, source: bytes, /) -> Inspected: ...


class Packages:
    """Take the zip of a request in, for a function or a layer.

    It stands in the request (`ZipFile`), or in a bucket that the request names (`S3Bucket`,
    `S3Key`, `S3ObjectVersion`).
    """

    def __init__(
        self,
        *,
        store: CodeStore,
        objects: objects.Objects,
        inspect: Inspect,
        catalog: Catalog,
        storage_bytes: int,
    ) -> None:
        self._store = store
        self._objects = objects
        self._inspect = inspect
        self._catalog = catalog
        self._storage_bytes = storage_bytes

    async def check(self, params: Mapping[str, Any]) -> function.Code:
        """Return what the request's package is, without keeping it.

        Raises InvalidParameterValueError, or RequestEntityTooLargeError.
        """
        zip_bytes, unzipped_bytes = await self._checked(params)
        sha256 = (await asyncio.to_thread(hashlib.sha256, zip_bytes)).hexdigest()
        return function.Code(
            sha256=sha256, size_bytes=len(zip_bytes), unzipped_bytes=unzipped_bytes
        )

    async def take(self, params: Mapping[str, Any]) -> function.Code:
        """Keep the request's package, after the same checks.

        Raises CodeStorageExceededError besides.
        """
        zip_bytes, unzipped_bytes = await self._checked(params)
        if self._catalog.code_bytes + len(zip_bytes) > self._storage_bytes:
            raise errors.CodeStorageExceededError
        stored = await self._store.put(zip_bytes)
        return msgspec.structs.replace(stored, unzipped_bytes=unzipped_bytes)

    async def _checked(self, params: Mapping[str, Any]) -> tuple[bytes, int]:
        """Return the package, and what it unpacks to."""
        bucket, key = params.get("S3Bucket"), params.get("S3Key")
        if params.get("ZipFile"):
            if bucket or key:
                raise errors.InvalidParameterValueError(
                    "Please do not provide other FunctionCode parameters when providing a ZipFile."
                )
            whole = _direct(params["ZipFile"])
        elif bucket and key:
            whole = await self._read(bucket, key, params.get("S3ObjectVersion"))
        else:
            raise errors.InvalidParameterValueError("Please provide a source for function code.")
        inspected = await asyncio.to_thread(self._inspect, whole)
        return whole, inspected.unzipped_bytes

    async def _read(self, bucket: str, key: str, version: str | None) -> bytes:
        # A package from S3 is bounded by what it unpacks to alone; a larger zip unpacks to more.
        most = limits.UNZIPPED_BYTES_MAX
        try:
            return await self._objects.read(bucket, key, version, bytes_max=most)
        except objects.TooLargeError as exc:
            raise errors.InvalidParameterValueError(
                f"Unzipped size must be smaller than {most} bytes"
            ) from exc


def _direct(zip_bytes: bytes) -> bytes:
    if len(zip_bytes) > limits.ZIPPED_BYTES_MAX:
        raise errors.RequestEntityTooLargeError(
            f"Zipped size must be smaller than {limits.ZIPPED_BYTES_MAX} bytes"
        )
    return bytes(zip_bytes)
