"""URLs that give a function's package by a plain GET, as GetFunction's `Code.Location` promises.

They stand in for S3's presigned URLs: whoever has one needs no credentials, it is good for ten
minutes and for one package. The signature is keyed by a secret of this installation.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlencode

from aiohttp import web

from inglenook.aio import clock
from inglenook.model import limits

PREFIX = "/_inglenook/code/"
_DIGITS = 64


class Blobs(Protocol):
    """Where packages are kept, as files."""

    async def read(self, sha256: str) -> bytes:
        """Return a package, verified. Raises ApiError if it cannot be had."""


class CodeLocations:
    """Make the URLs, and serve what they point to."""

    def __init__(
        self, *, blobs: Blobs, endpoint: Callable[[], str], secret: bytes, clock: clock.Clock
    ) -> None:
        """Point to `endpoint()`, which is this server's own URL without a path."""
        self._blobs = blobs
        self._endpoint = endpoint
        self._secret = secret
        self._clock = clock

    def url(self, sha256: str) -> str:
        expires = int(self._clock.now()) + limits.CODE_LOCATION_VALID_S
        query = urlencode({"expires": expires, "token": self._token(sha256, expires)})
        return f"{self._endpoint()}{PREFIX}{sha256}?{query}"

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a GET of such a URL."""
        sha256 = request.path.removeprefix(PREFIX)
        expires = request.query.get("expires", "")
        if request.method not in ("GET", "HEAD") or not self._is_allowed(
            sha256, expires, request.query.get("token", "")
        ):
            return web.Response(status=403, text="Request has expired or is not signed")
        content = await self._blobs.read(sha256)
        return web.Response(body=content, content_type="application/zip")

    def _is_allowed(self, sha256: str, expires: str, token: str) -> bool:
        if len(sha256) != _DIGITS or not (expires.isascii() and expires.isdigit()):
            return False
        if int(expires[:16]) < self._clock.now():
            return False
        # As bytes: comparing text raises for what is not ASCII.
        expected = self._token(sha256, int(expires[:16])).encode()
        return hmac.compare_digest(expected, token.encode())

    def _token(self, sha256: str, expires: int) -> str:
        message = f"{sha256} {expires}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
