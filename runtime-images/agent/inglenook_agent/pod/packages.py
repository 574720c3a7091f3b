"""Code that comes over a connection, and its place in a pod (`inglenook_agent.maker.CodeSource`).

A package comes in pieces, in order, and counts once it is whole and is what its name says: its
SHA-256. Each sender has pieces of its own. A pod runs one version, so there is one folder for the
function's code and one for what its layers contain together; both are filled in place, because
containers have them mounted already. From then on the pod is marked as used.

Everybody may read the files, as the function is another user. Files and hashing go to threads.
"""

import asyncio
import contextlib
import hashlib
import itertools
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inglenook import errors
from inglenook.model import limits
from inglenook.store import archive, merging
from inglenook.wire import messages
from inglenook.wire.connection import Body, Connection

BYTES_MAX = 4 * limits.UNZIPPED_BYTES_MAX
"""Of all packages and pieces together; what a function and its layers are may be a fourth."""


_REHEARSAL = "def handler(event, context):\n    return event\n" * 10


class PackageError(Exception):
    """The piece is not what was to come."""


@dataclass(slots=True)
class _Pieces:
    """A package on its way from one sender."""

    path: Path
    total: int
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Pieces are taken in the order in which they come."""
    is_over: bool = False
    """Whether no more of them are taken."""


class Packages:
    """The packages of a pod."""

    def __init__(self, folder: Path, *, task: Path, opt: Path, mark: Path) -> None:
        """`folder` is for zips; `task` and `opt` are what the function sees, on one file system.

        `mark` is the file that says that the pod has been used, and lies beside them.
        """
        self._folder = folder
        self._task = task
        self._opt = opt
        self._mark = mark
        self._coming: dict[tuple[Connection, str], _Pieces] = {}
        self._stored: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._placing = asyncio.Lock()
        self._placed: dict[Path, tuple[str, ...]] = {}

    async def open(self) -> bool:
        """Make the folders; return whether the pod has been used before. Raises OSError."""
        return await asyncio.to_thread(self._open)

    async def rehearse(self) -> None:
        """Do once, with a package of nothing in it, what the first function would wait for.

        The first zip costs an interpreter several milliseconds more than the second. Raises
        OSError.
        """
        await asyncio.to_thread(self._rehearse)

    def _rehearse(self) -> None:
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            package, content = Path(folder) / "package.zip", Path(folder) / "content"
            with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as made:
                made.writestr("rehearsal.py", _REHEARSAL)
            _ = hashlib.sha256(package.read_bytes()).hexdigest()
            archive.unpack(package, content)

    def _open(self) -> bool:
        for folder in (self._folder, self._task, self._opt):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self._task, self._opt):
            with contextlib.suppress(PermissionError):  # the kubelet's, with a mode that will do
                folder.chmod(0o755)
        return self._mark.exists()

    async def store(self, sender: Connection, piece: messages.Package, body: Body) -> None:
        """Take a piece. Raises PackageError; then the package has to come anew."""
        if piece.sha256 in self._stored:
            return
        key = sender, piece.sha256
        pieces = self._coming.get(key)
        if pieces is None:
            pieces = self._coming[key] = self._begin(piece)
        async with pieces.turn:
            try:
                await asyncio.to_thread(self._take, pieces, piece, body)
            except (PackageError, OSError):
                self._give_up(key, pieces)
                raise
            if pieces.size < pieces.total:
                return
        self._stored[piece.sha256] = pieces.total
        if self._coming.get(key) is pieces:
            del self._coming[key]

    def _begin(self, piece: messages.Package) -> _Pieces:
        if piece.offset != 0:
            raise PackageError("The first piece of the package has not come.")
        if not 0 < piece.total <= limits.UNZIPPED_BYTES_MAX:
            raise PackageError(f"A package may not have {piece.total} bytes.")
        held = sum(self._stored.values()) + sum(each.total for each in self._coming.values())
        if held + piece.total > BYTES_MAX:
            raise PackageError("There is no room for more packages.")
        return _Pieces(self._folder / f"coming-{next(self._numbers)}", piece.total)

    def _give_up(self, key: tuple[Connection, str], pieces: _Pieces) -> None:
        pieces.is_over = True
        if self._coming.get(key) is pieces:
            del self._coming[key]
        with contextlib.suppress(OSError):
            pieces.path.unlink()

    def _take(self, pieces: _Pieces, piece: messages.Package, body: Body) -> None:
        _append(pieces, piece, body)
        if pieces.size == pieces.total:
            self._finish(pieces, piece.sha256)

    def _finish(self, pieces: _Pieces, sha256: str) -> None:
        if pieces.digest.hexdigest() != sha256:
            raise PackageError("The package is not what it is said to be.")
        pieces.path.rename(self._zip(sha256))

    def forget_pieces(self, sender: Connection) -> None:
        """Keep nothing unfinished of one who sends no more."""
        for key, pieces in list(self._coming.items()):
            if key[0] is sender:
                self._give_up(key, pieces)

    async def folder(self, sha256: str) -> Path:
        """Put a function's code in place and return the place. Raises an ApiError or OSError."""
        return await self._place(self._task, (sha256,))

    async def merged(self, layers: Sequence[str]) -> Path:
        """Put what several packages contain in place, later ones over earlier ones."""
        return await self._place(self._opt, tuple(layers))

    async def forget(self) -> None:
        """Keep no zip that is in place."""
        stored, self._stored = self._stored, {}
        for sha256 in stored:
            await asyncio.to_thread(self._zip(sha256).unlink, missing_ok=True)

    async def _place(self, place: Path, packages: tuple[str, ...]) -> Path:
        async with self._placing:
            if self._placed.get(place) != packages:
                self._placed.pop(place, None)
                await asyncio.to_thread(self._fill, place, packages)
                self._placed[place] = packages
        return place

    def _fill(self, place: Path, packages: tuple[str, ...]) -> None:
        work = Path(tempfile.mkdtemp(dir=self._mark.parent))
        try:
            folders = []
            for number, sha256 in enumerate(packages):
                if not (package := self._zip(sha256)).exists():
                    raise errors.ServiceError(f"The package {sha256} has not been sent.")
                archive.unpack(package, folder := work / str(number))
                folders.append(folder)
            whole = folders[0]
            if len(folders) > 1:
                merging.merge(folders, whole := work / "merged")
            self._mark.touch()
            for former in place.iterdir():
                _remove(former)
            for entry in whole.iterdir():
                entry.rename(place / entry.name)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _zip(self, sha256: str) -> Path:
        return self._folder / f"{hashlib.sha256(sha256.encode()).hexdigest()}.zip"


def _append(pieces: _Pieces, piece: messages.Package, body: Body) -> None:
    if pieces.is_over:
        raise PackageError("An earlier piece of the package was refused.")
    if piece.total != pieces.total or piece.offset != pieces.size:
        raise PackageError(f"The piece at {pieces.size} was to come, not that at {piece.offset}.")
    if not len(body) or pieces.size + len(body) > pieces.total:
        raise PackageError("The package is longer, or shorter, than it was said to be.")
    with pieces.path.open("ab" if pieces.size else "wb") as file:
        file.write(body)
    pieces.digest.update(body)
    pieces.size += len(body)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
