"""Deployment packages on disk: zips by their content, and what is unpacked of them on a node.

A zip is stored under its SHA-256, so storing one again changes nothing, and reading one proves that
it is what was stored. Deciding which zips nobody needs any more is left to whoever knows the
functions. A node unpacks a zip once, for all environments of all functions that run it, and merges
the layers of a function once for all functions with the same ones; what it has unpacked is a cache,
without any promise beyond the life of the process.

Methods are safe for many tasks of one event loop and never block it. Cancelling one stops the
waiting; the work is finished behind it, harmlessly.
"""
# ruff: noqa: A005 - imports are absolute here, and "code" is AWS's word for it

import asyncio
import base64
import contextlib
import functools
import hashlib
import math
import os
import string
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from inglenook import errors
from inglenook.model import function
from inglenook.store import archive, durable, folders, merging

_SHA256_DIGITS = 64
_HEX = frozenset(string.digits + "abcdef")


class CodeMissingError(errors.ServiceError):
    """The code of the function is not in the code store."""


class CodeDamagedError(errors.ServiceError):
    """The code of the function is damaged in the code store."""


def code_sha256_base64(sha256: str) -> str:
    """Return a SHA-256 given in hex as the API shows it (member `CodeSha256`)."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def shown_sha256(spec: function.Spec) -> str:
    """Return the API member `CodeSha256`: of a zip in base64, of an image in hex."""
    digest = spec.code.sha256
    return code_sha256_base64(digest) if spec.image is None else digest


def checked(sha256: str) -> str:
    """Return what was given. Raises ValueError for what is no SHA-256 in lowercase hex."""
    if not _is_sha256(sha256):
        raise ValueError(f"not a SHA-256 in lowercase hex: {sha256!r}")
    return sha256


class CodeStore:
    """Zips in a folder, each under its SHA-256: a `blobs.Blobs`."""

    def __init__(self, root: Path) -> None:
        """Use a folder that exists; `open` makes it."""
        self._root = root
        self._changing = threading.Lock()

    @classmethod
    async def open(cls, root: Path) -> "CodeStore":
        """Use `root`, made if absent, rid of what a crash has left half-written."""
        await asyncio.to_thread(_prepare, root)
        return cls(root)

    def path(self, sha256: str) -> Path:
        """Return where the zip is, if it is there. Raises ValueError for what is no SHA-256."""
        return self._root / checked(sha256)

    async def put(self, zip_bytes: bytes) -> function.Code:
        """Store a zip durably. Raises ServiceError when the disk is full."""
        return await asyncio.to_thread(self._put, zip_bytes)

    def _put(self, zip_bytes: bytes) -> function.Code:
        sha256 = hashlib.sha256(zip_bytes).hexdigest()
        path = self.path(sha256)
        with _no_space_told(self._root), self._changing:
            try:
                read_verified(path)
            except (CodeMissingError, CodeDamagedError):
                durable.write_file(path, zip_bytes)
            else:
                # As if it were new, for who deletes what has not been stored for long.
                os.utime(path)
                # Whoever wrote it may not have come to this yet.
                durable.sync_folder(self._root)
        return function.Code(sha256=sha256, size_bytes=len(zip_bytes))

    async def read(self, sha256: str) -> bytes:
        """Return a zip, verified. Raises CodeMissingError and CodeDamagedError."""
        return await asyncio.to_thread(read_verified, self.path(sha256))

    async def delete(self, sha256: str, *, stored_before: float = math.inf) -> bool:
        """Remove a zip, unless it was last stored at or after `stored_before` (epoch seconds).

        Return whether it is gone; one that is not there is removed already.
        """
        return await asyncio.to_thread(self._delete, self.path(sha256), stored_before)

    def _delete(self, path: Path, stored_before: float) -> bool:
        # Storing it again between the look and the deletion would lose what was just accepted.
        with self._changing:
            try:
                if path.stat().st_mtime >= stored_before:
                    return False
                path.unlink()
            except FileNotFoundError:
                pass
            return True

    async def list(self) -> set[str]:
        """Return the SHA-256 of every zip."""
        return set(await asyncio.to_thread(_sizes, self._root))

    async def total_bytes(self) -> int:
        """Return what all zips take together."""
        return sum((await asyncio.to_thread(_sizes, self._root)).values())


def unreferenced(stored: set[str], used: set[str]) -> set[str]:
    """Return the zips that no function uses."""
    return stored - used


def read_verified(path: Path) -> bytes:
    """Return the zip at `path`, whose name is its SHA-256. Blocks.

    Raises CodeMissingError and CodeDamagedError.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CodeMissingError(f"The code {path} is missing.") from None
    if hashlib.sha256(data).hexdigest() != path.name:
        raise CodeDamagedError(f"The code {path} is damaged: its content is not what was stored.")
    return data


class UnpackedCode:
    """Unpacked zips, each in a folder of its own that all who run it share and nobody changes."""

    def __init__(self, store: CodeStore, root: Path) -> None:
        """Use a folder that exists and has nothing of ours in it; `open` makes it so."""
        self._store = store
        self._root = root
        self._folders = folders.Folders(root)
        self._merged: dict[tuple[str, ...], int] = {}
        """How often each list has been asked for."""

    @classmethod
    async def open(cls, store: CodeStore, root: Path) -> "UnpackedCode":
        """Use `root`, made if absent, rid of what another process has unpacked: it is not trusted.

        What cannot be of our making is left alone, lest a mistyped path empties somebody's home.
        """
        await asyncio.to_thread(folders.clear, root, _is_sha256)
        return cls(store, root)

    async def folder(self, sha256: str) -> Path:
        """Return the folder with what the zip contains, unpacked by the first who asks.

        All who ask meanwhile wait for the same unpacking and share its failure; the next one tries
        anew. Raises CodeMissingError, CodeDamagedError, InvalidZipFileError, and ServiceError when
        the disk is full.
        """
        return await self._folders.get(sha256, self._unpack)

    async def merged(self, layers: Sequence[str]) -> Path:
        """Return the folder with what these zips (one at least) contain, later over earlier ones.

        There is one for each such list, made by the first who asks. Raises as `folder` does.
        """
        if len(layers) == 1:
            return await self.folder(layers[0])
        name, key = _list_name(layers), tuple(layers)
        if (ready := self._folders.ready(name)) is not None:
            self._merged[key] = self._merged.get(key, 0) + 1
            return ready
        sources = await asyncio.gather(*(self.folder(layer) for layer in layers))
        # After the wait, in which the list may have been forgotten.
        self._merged[key] = self._merged.get(key, 0) + 1
        return await self._folders.get(name, functools.partial(self._merge, sources))

    def merged_lists(self) -> dict[tuple[str, ...], int]:
        """Return the lists of zips that have been merged and not been forgotten.

        With each, how often it has been asked for: who sees the same number twice knows that nobody
        has begun to use it in between.
        """
        return dict(self._merged)

    async def forget(self, sha256: str) -> None:
        """Remove the zip's folder. Nothing may run in it any more."""
        await self._folders.forget(sha256)

    async def forget_merged(self, layers: tuple[str, ...]) -> None:
        """Remove the folder of zips that were merged. Nothing may run in it any more."""
        if self._merged.pop(layers, None) is not None:
            await self._folders.forget(_list_name(layers))

    def _unpack(self, folder: Path) -> None:
        data = read_verified(self._store.path(folder.name))
        try:
            with _no_space_told(self._root):
                archive.unpack(data, folder)
        except errors.InvalidParameterValueError as exc:
            # Whoever invokes has not sent the zip.
            raise errors.InvalidZipFileError from exc

    def _merge(self, sources: Sequence[Path], folder: Path) -> None:
        with _no_space_told(self._root):
            merging.merge(sources, folder)


@contextlib.contextmanager
def _no_space_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if durable.is_no_space(exc):
            raise errors.ServiceError(
                f"No space is left for code in {folder} ({exc.strerror})."
            ) from exc
        raise


def _list_name(layers: Sequence[str]) -> str:
    """Name a list of zips as if it were one: no zip's content is a list of hashes."""
    return hashlib.sha256("\n".join(layers).encode()).hexdigest()


def _is_sha256(name: str) -> bool:
    return len(name) == _SHA256_DIGITS and _HEX.issuperset(name)


def _prepare(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for partial in root.glob(f"{durable.PARTIAL_PREFIX}*"):
        partial.unlink()


def _sizes(root: Path) -> dict[str, int]:
    found = {}
    for path in root.iterdir():
        if _is_sha256(path.name):
            # Deleted since it was listed: not there.
            with contextlib.suppress(FileNotFoundError):
                found[path.name] = path.stat().st_size
    return found
