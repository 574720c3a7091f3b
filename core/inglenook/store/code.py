"""Deployment packages on disk: zips by their content, and what is unpacked of them on a node.

A zip is stored under its SHA-256, so storing one again changes nothing, and reading one proves that
it is what was stored. Deciding which zips nobody needs any more is left to whoever knows the
functions. A node unpacks a zip once, for all environments of all functions that run it; what it has
unpacked is a cache, without any promise beyond the life of the process.

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
import shutil
import string
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from inglenook import errors
from inglenook.model import function
from inglenook.store import archive, durable

T = TypeVar("T")

_SHA256_DIGITS = 64
_HEX = frozenset(string.digits + "abcdef")


class CodeMissingError(errors.ServiceError):
    """The code of the function is not in the code store."""


class CodeDamagedError(errors.ServiceError):
    """The code of the function is damaged in the code store."""


def code_sha256_base64(sha256: str) -> str:
    """Return a SHA-256 given in hex as the API shows it (member `CodeSha256`)."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


class CodeStore:
    """Zips in a folder, each under its SHA-256."""

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
        if not _is_sha256(sha256):
            raise ValueError(f"not a SHA-256 in lowercase hex: {sha256!r}")
        return self._root / sha256

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
        self._folders: dict[str, asyncio.Future[Path]] = {}
        self._forgetting: dict[str, asyncio.Future[None]] = {}

    @classmethod
    async def open(cls, store: CodeStore, root: Path) -> "UnpackedCode":
        """Use `root`, made if absent, rid of what another process has unpacked: it is not trusted.

        What cannot be of our making is left alone, lest a mistyped path empties somebody's home.
        """
        await asyncio.to_thread(_make_empty, root)
        return cls(store, root)

    async def folder(self, sha256: str) -> Path:
        """Return the folder with what the zip contains, unpacked by the first who asks.

        All who ask meanwhile wait for the same unpacking and share its failure; the next one tries
        anew. Raises CodeMissingError, CodeDamagedError, InvalidZipFileError, and ServiceError when
        the disk is full.
        """
        while (forgetting := self._forgetting.get(sha256)) is not None:
            await asyncio.wait([forgetting])
        folder = self._folders.get(sha256)
        if folder is None:
            folder = _in_thread(functools.partial(self._unpack, self._store.path(sha256)))
            self._folders[sha256] = folder
            folder.add_done_callback(functools.partial(self._unpacked, sha256))
        return folder.result() if folder.done() else await asyncio.shield(folder)

    async def forget(self, sha256: str) -> None:
        """Remove the zip's folder. Nothing may run in it any more."""
        # After every wait, look anew: others ask for and forget the same folder meanwhile.
        while (busy := self._busy_with(sha256)) is not None:
            await asyncio.wait([busy])
        if self._folders.pop(sha256, None) is None:
            return
        forgetting = _in_thread(functools.partial(_remove, self._root / sha256))
        self._forgetting[sha256] = forgetting
        forgetting.add_done_callback(lambda _: self._forgetting.pop(sha256))
        await asyncio.shield(forgetting)

    def _busy_with(self, sha256: str) -> asyncio.Future[Any] | None:
        folder = self._folders.get(sha256)
        if folder is not None and not folder.done():
            return folder
        return self._forgetting.get(sha256)

    def _unpack(self, zip_path: Path) -> Path:
        data = read_verified(zip_path)
        folder = self._root / zip_path.name
        try:
            with _no_space_told(self._root):
                archive.unpack(data, folder)
        except errors.InvalidParameterValueError as exc:
            # Whoever invokes has not sent the zip.
            raise errors.InvalidZipFileError from exc
        return folder

    def _unpacked(self, sha256: str, folder: asyncio.Future[Path]) -> None:
        # Looking at the failure also says that it is known, should nobody wait for it any more.
        if folder.exception() is not None and self._folders.get(sha256) is folder:
            del self._folders[sha256]


def _in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    return asyncio.get_running_loop().run_in_executor(None, work)


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


def _make_empty(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for child in root.iterdir():
        if not (_is_sha256(child.name) or child.name.startswith(durable.PARTIAL_PREFIX)):
            continue
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()


def _remove(folder: Path) -> None:
    # Moved away first: from then on its name is free, and half of it is not mistaken for all.
    away = Path(tempfile.mkdtemp(prefix=durable.PARTIAL_PREFIX, dir=folder.parent))
    with contextlib.suppress(FileNotFoundError):
        folder.rename(away / folder.name)
    shutil.rmtree(away)
