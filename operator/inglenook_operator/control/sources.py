"""Finds the code that a Function or a LayerVersion declares, wherever it is.

What comes out is the part of a request that carries code: the zip itself, where in S3 the gateway
is to read it, or an image's URI. Which package was made of which declaration stands in the status,
so that one that has not changed is not fetched again.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from inglenook import errors
from inglenook_operator.cluster import api
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.reconcile import packages
from inglenook_operator.reconcile.packages import BadSourceError

Spec = Mapping[str, Any]


class NotThereYetError(Exception):
    """The source is something that has not been made yet."""


class Blobs(Protocol):
    """Packages that the platform has, by their SHA-256."""

    async def read(self, sha256: str) -> bytes:
        """Return a zip, verified. Raises ApiError if it cannot be had."""


class Sources:
    """Look declarations of code up."""

    def __init__(
        self,
        around: Surroundings,
        *,
        blobs: Blobs,
        fetch: Callable[[str], Awaitable[bytes]],
    ) -> None:
        self._around = around
        self._blobs = blobs
        self._fetch = fetch

    async def members(self, code: Spec) -> dict[str, Any]:
        """Return the members of a request that carry the code.

        Raises NotThereYetError, and BadSourceError for what cannot be used.
        """
        if place := code.get("s3"):
            members = {"S3Bucket": place["bucket"], "S3Key": place["key"]}
            if version := place.get("objectVersion"):
                members["S3ObjectVersion"] = version
            return members
        if uri := code.get("imageUri"):
            return {"ImageUri": uri}
        return {"ZipFile": await self._zip(code)}

    async def _zip(self, code: Spec) -> bytes:
        match code:
            case {"inline": files}:
                return await _zipped({path: text.encode() for path, text in files.items()})
            case {"configMap": {"name": name}}:
                return await _zipped(await self._config_map(name))
            case {"zip": {"url": url} as place}:
                content = await self._fetch(url)
                return await asyncio.to_thread(packages.verified, content, place.get("sha256"))
            case {"sha256": sha256}:
                return await self._stored(sha256)
            case _:
                raise BadSourceError("NoSource", "The code has no source that is known here.")

    async def _stored(self, sha256: str) -> bytes:
        try:
            return await self._blobs.read(sha256)
        except errors.ApiError as exc:
            raise BadSourceError("PackageMissing", str(exc)) from exc

    async def _config_map(self, name: str) -> dict[str, bytes]:
        found = await self._around.api.get(api.core("configmaps", self._around.namespace, name))
        if found is None:
            raise NotThereYetError(f"There is no ConfigMap {name}.")
        files = {key: text.encode() for key, text in (found.get("data") or {}).items()}
        for key, text in (found.get("binaryData") or {}).items():
            try:
                files[key] = base64.b64decode(text, validate=True)
            except binascii.Error as exc:
                raise BadSourceError("InvalidConfigMap", f"{key} is not base64.") from exc
        return files


async def _zipped(files: Mapping[str, bytes]) -> bytes:
    return packages.verified(await asyncio.to_thread(packages.zipped, files), None)
