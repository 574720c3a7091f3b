"""Requests to the Kubernetes API, with a bound on their time, their number and their failures.

What a request asks for and is refused comes as `RefusedError` with Kubernetes' own reason. A server
that is away, overloaded or broken is a `ServiceError`, which a caller of the Lambda API is told as
it is; `refusals_told` makes one of refusals that nobody expects. Nothing is tried twice here.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
import msgspec

from inglenook import errors
from inglenook_cluster.kube.client import Client

REQUESTS_MAX = 32
"""How many requests of one process may be under way at once; more wait their turn."""
WAITING_MAX = 10_000
"""How many may wait; further ones are refused."""

_CONNECT_S = 5.0
TIMEOUT_S = 20.0
"""For a request and its answer; connecting alone may take a part of it."""
_BROKEN = frozenset({401, 408, 429})
"""Statuses that are not about what was asked for, beside those from 500 on."""

MERGE_PATCH = "application/merge-patch+json"


class RefusedError(Exception):
    """The Kubernetes API refused a request."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"The Kubernetes API refuses: {status} {reason}: {message}")
        self.status = status
        """Of HTTP: 403, 404, 409, 410, 422 …"""
        self.reason = reason
        """As Kubernetes names it: NotFound, AlreadyExists, Conflict, Expired, Invalid …"""


@contextmanager
def refusals_told() -> Iterator[None]:
    """Make a failure of the platform of a refusal that was not to be expected."""
    try:
        yield
    except RefusedError as refusal:
        raise errors.ServiceError(str(refusal)) from refusal


class _Failure(msgspec.Struct, frozen=True):
    reason: str = ""
    message: str = ""


class Requests:
    """Sends requests over a client that somebody else closes."""

    def __init__(self, client: Client, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._limits = aiohttp.ClientTimeout(
            total=timeout_s, connect=_CONNECT_S, sock_connect=_CONNECT_S
        )
        self._turns = asyncio.Semaphore(REQUESTS_MAX)
        self._waiting = 0

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """Return the body of the answer. Raises RefusedError and ServiceError."""
        if self._waiting >= WAITING_MAX:
            raise errors.ServiceError("Too many requests wait for the Kubernetes API.")
        self._waiting += 1
        try:
            async with self._turns:
                return await self._send(method, path, query, body, content_type)
        finally:
            self._waiting -= 1

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        content_type: str,
    ) -> bytes:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        with _away_told():
            answer = await self._client.request(
                method,
                path,
                query=query or {},
                headers=headers,
                body=None if body is None else msgspec.json.encode(body),
                limits=self._limits,
            )
            try:
                content = await answer.read()
            finally:
                answer.release()
        if answer.status >= 400:
            raise _refusal(answer.status, content)
        return content

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], silence_s: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield the lines of an answer without end, as long as none takes more than `silence_s`.

        Takes nobody's turn. Raises RefusedError and ServiceError.
        """
        limits = aiohttp.ClientTimeout(
            connect=_CONNECT_S, sock_connect=_CONNECT_S, sock_read=silence_s
        )
        headers = {"Accept": "application/json"}
        with _away_told():
            answer = await self._client.request(
                "GET", path, query=query, headers=headers, body=None, limits=limits
            )
            try:
                if answer.status >= 400:
                    raise _refusal(answer.status, await answer.read())
                yield _lines(answer)
            finally:
                answer.close()


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield lines of any length; what breaks off without an end of its line is none."""
    begun = bytearray()
    async for piece in answer.content.iter_any():
        *ends, rest = piece.split(b"\n")
        for end in ends:
            yield bytes(begun) + end + b"\n"
            begun.clear()
        begun += rest


def _refusal(status: int, content: bytes) -> Exception:
    try:
        failure = msgspec.json.decode(content, type=_Failure)
    except msgspec.DecodeError:
        failure = _Failure(message=content[:200].decode(errors="replace"))
    if status in _BROKEN or status >= 500:
        return errors.ServiceError(
            f"The Kubernetes API cannot serve: {status} {failure.reason} {failure.message}"
        )
    return RefusedError(status, failure.reason, failure.message)


@contextmanager
def _away_told() -> Iterator[None]:
    """Tell a server that does not answer from one that refuses."""
    try:
        yield
    except TimeoutError as exc:
        raise errors.ServiceError("The Kubernetes API does not answer in time.") from exc
    except (aiohttp.ClientError, OSError) as exc:
        raise errors.ServiceError(f"The Kubernetes API cannot be reached: {exc}") from exc
