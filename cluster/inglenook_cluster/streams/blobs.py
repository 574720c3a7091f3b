"""Deployment packages in an object store of JetStream, each under its SHA-256.

The layout is that of NATS' own object stores, so `nats object ls` shows what is there: the pieces
of an upload on one subject, and a description on another, which names the upload. A description is
only ever written or deleted by somebody who has seen the last one, so what is stored anew while
somebody deletes it stays. An upload that was cut off leaves pieces that nobody reads; they are
removed at a later start.

What was read and found to be right is kept in memory, up to `CACHE_BYTES`. Methods are safe for
many tasks of one event loop; cancelling one does no harm.
"""

import asyncio
import base64
import contextlib
import hashlib
import logging
import math
import secrets
import weakref
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from inglenook.model import function
from inglenook.store import code
from inglenook_cluster.streams.cache import BytesCache
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.failures import ConflictError
from inglenook_cluster.streams.stream import Message, Stored, Stream

logger = logging.getLogger(__name__)

CACHE_BYTES = 128 * 1024 * 1024
_PIECE_BYTES = 512 * 1024
"""Below the 1 MiB that servers take in a message by default."""
_CUT_OFF_S = 3600.0
"""An upload that has not been described after this is not going to be."""


class _Description(msgspec.Struct, frozen=True, kw_only=True):
    """What NATS calls the info of an object."""

    name: str
    bucket: str
    nuid: str
    """Of the upload."""
    size: int
    chunks: int
    digest: str
    mtime: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class _Described:
    description: _Description
    sequence: int
    at: float
    """When it was stored last, by the server's clock."""


class JetStreamBlobs:
    """A `blobs.Blobs` in JetStream; the connection is its owner's."""

    def __init__(self, stream: Stream, bucket: str) -> None:
        """Take what `open` has made."""
        self._stream = stream
        self._bucket = bucket
        self._cache = BytesCache(CACHE_BYTES)
        self._reading: weakref.WeakValueDictionary[str, asyncio.Lock]
        self._reading = weakref.WeakValueDictionary()

    @classmethod
    async def open(
        cls, connection: Connection, *, bucket: str = "inglenook-code"
    ) -> "JetStreamBlobs":
        """Open the object store, made if absent. Raises EngineError."""
        stream = Stream(connection, f"OBJ_{bucket}")
        await stream.ensure(
            {
                "subjects": [f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"],
                "discard": "new",
                "allow_rollup_hdrs": True,
                "description": "Deployment packages by their SHA-256",
            }
        )
        opened = cls(stream, bucket)
        await opened._remove_cut_off()
        return opened

    async def put(self, zip_bytes: bytes) -> function.Code:
        """Store a package; what is damaged is healed. Raises EngineError."""
        digest = await asyncio.to_thread(hashlib.sha256, zip_bytes)
        sha256 = digest.hexdigest()
        while True:
            there = await self._described(sha256)
            with contextlib.suppress(ConflictError):
                if there is not None and await self._is_whole(there, sha256):
                    # As if it were new, for who deletes what has not been stored for long.
                    await self._describe(sha256, there.description, there.sequence)
                else:
                    await self._upload(sha256, zip_bytes, there)
                return function.Code(sha256=sha256, size_bytes=len(zip_bytes))

    async def read(self, sha256: str) -> bytes:
        """Return a package, verified. Raises CodeMissingError, CodeDamagedError and EngineError."""
        code.checked(sha256)
        lock = self._reading.setdefault(sha256, asyncio.Lock())
        async with lock:
            content = self._cache.get(sha256)
            if content is None:
                content = await self._read(sha256)
                self._cache.put(sha256, content)
            return content

    async def delete(self, sha256: str, *, stored_before: float = math.inf) -> bool:
        """Remove a package, unless it was last stored at or after `stored_before`.

        Raises EngineError.
        """
        code.checked(sha256)
        while (there := await self._described(sha256)) is not None:
            if there.at >= stored_before:
                return False
            # It is found by its sequence: described anew since, it is not.
            await self._stream.delete(there.sequence)
            await self._stream.purge(self._pieces(there.description.nuid))
        self._cache.forget(sha256)
        return True

    async def list(self) -> set[str]:
        """Return the SHA-256 of every package. Raises EngineError."""
        prefix = self._subject("")
        names = await self._stream.subjects(f"{prefix}>")
        return {base64.urlsafe_b64decode(one.removeprefix(prefix)).decode() for one in names}

    async def _read(self, sha256: str) -> bytes:
        there = await self._described(sha256)
        while there is not None:
            content = await self._content(there)
            if await asyncio.to_thread(_digest, content) == sha256:
                return content
            again = await self._described(sha256)
            if again is not None and again.description.nuid == there.description.nuid:
                raise code.CodeDamagedError(
                    f"The code {sha256} is damaged: its content is not what was stored."
                )
            there = again
        raise code.CodeMissingError(f"The code {sha256} is missing.")

    async def _is_whole(self, there: _Described, sha256: str) -> bool:
        content = await self._content(there)
        return await asyncio.to_thread(_digest, content) == sha256

    async def _content(self, there: _Described) -> bytes:
        """Return what there is of a package; it may be damaged."""
        subject = self._pieces(there.description.nuid)
        pieces: list[bytes] = []
        after = 0
        for _ in range(there.description.chunks):
            stored = await self._stream.following(subject, after)
            if stored is None:
                break
            pieces.append(stored.body)
            after = stored.sequence
        return b"".join(pieces)

    async def _upload(self, sha256: str, content: bytes, there: _Described | None) -> None:
        """Raise ConflictError if somebody else was first."""
        upload = secrets.token_hex(11)
        subject = self._pieces(upload)
        starts = range(0, len(content), _PIECE_BYTES)
        try:
            for number, start in enumerate(starts):
                # Known by its id, a piece that is sent twice is stored once.
                name = {"Nats-Msg-Id": f"{upload}.{number}"}
                piece = content[start : start + _PIECE_BYTES]
                await self._stream.write([Message(subject=subject, body=piece, headers=name)])
            digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode()
            description = _Description(
                name=sha256,
                bucket=self._bucket,
                nuid=upload,
                size=len(content),
                chunks=len(starts),
                digest=f"SHA-256={digest}",
                mtime="",
            )
            await self._describe(sha256, description, 0 if there is None else there.sequence)
        except ConflictError:
            await self._stream.purge(subject)
            raise
        if there is not None:
            await self._stream.purge(self._pieces(there.description.nuid))

    async def _describe(self, sha256: str, description: _Description, expected: int) -> None:
        now = datetime.now(UTC).isoformat()
        body = msgspec.json.encode(msgspec.structs.replace(description, mtime=now))
        headers = {"Nats-Rollup": "sub"}
        subject = self._subject(sha256)
        await self._stream.write(
            [Message(subject=subject, body=body, headers=headers, expected=expected)]
        )

    async def _described(self, sha256: str) -> _Described | None:
        stored = await self._stream.latest(self._subject(sha256))
        return None if stored is None else _decoded(stored)

    async def _remove_cut_off(self) -> None:
        """Remove the pieces of uploads that were never described."""
        prefix = self._pieces("")
        uploads = await self._stream.subjects(f"{prefix}>")
        if not uploads:
            return
        described = await asyncio.gather(*(self._described(one) for one in await self.list()))
        used = {self._pieces(one.description.nuid) for one in described if one is not None}
        for subject in uploads - used:
            last = await self._stream.latest(subject)
            if last is not None and datetime.now(UTC).timestamp() - last.at > _CUT_OFF_S:
                logger.info("an upload that was cut off is removed", extra={"subject": subject})
                await self._stream.purge(subject)

    def _subject(self, sha256: str) -> str:
        return f"$O.{self._bucket}.M.{base64.urlsafe_b64encode(sha256.encode()).decode()}"

    def _pieces(self, upload: str) -> str:
        return f"$O.{self._bucket}.C.{upload}"


def _decoded(stored: Stored) -> _Described | None:
    description = msgspec.json.decode(stored.body, type=_Description)
    if description.deleted:
        return None
    return _Described(description, stored.sequence, stored.at)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
