"""Deployment packages on their way in: looked into, measured against the limits, stored."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

from inglenook import errors
from inglenook.model import function, limits
from inglenook_gateway.catalog.catalog import Catalog


class CodeStore(Protocol):
    """Where packages are kept, by their content."""

    async def put(self, zip_bytes: bytes) -> function.Code: ...


class Inspect(Protocol):
    """Raise InvalidParameterValueError unless these bytes are a package that can be unpacked."""

    def __call__(self, source: bytes, /) -> object: ...


class Packages:
    """Take the zip of a request in, for a function that is created or changed."""

    def __init__(
        self, *, store: CodeStore, inspect: Inspect, catalog: Catalog, storage_bytes: int
    ) -> None:
        self._store = store
        self._inspect = inspect
        self._catalog = catalog
        self._storage_bytes = storage_bytes

    async def check(self, params: Mapping[str, Any]) -> function.Code:
        """Return what the request's `ZipFile` is, without keeping it.

        Raises InvalidParameterValueError, or RequestEntityTooLargeError.
        """
        zip_bytes = await self._checked(params)
        sha256 = (await asyncio.to_thread(hashlib.sha256, zip_bytes)).hexdigest()
        return function.Code(sha256=sha256, size_bytes=len(zip_bytes))

    async def take(self, params: Mapping[str, Any]) -> function.Code:
        """Keep the request's `ZipFile`, after the same checks.

        Raises CodeStorageExceededError besides.
        """
        zip_bytes = await self._checked(params)
        if self._catalog.code_bytes + len(zip_bytes) > self._storage_bytes:
            raise errors.CodeStorageExceededError
        return await self._store.put(zip_bytes)

    async def _checked(self, params: Mapping[str, Any]) -> bytes:
        zip_bytes = params.get("ZipFile")
        if not zip_bytes:
            raise errors.InvalidParameterValueError("Please provide a source for function code.")
        if len(zip_bytes) > limits.ZIPPED_BYTES_MAX:
            raise errors.RequestEntityTooLargeError(
                f"Zipped size must be smaller than {limits.ZIPPED_BYTES_MAX} bytes"
            )
        whole = bytes(zip_bytes)
        await asyncio.to_thread(self._inspect, whole)
        return whole
