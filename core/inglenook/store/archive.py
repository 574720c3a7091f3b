"""Deployment packages: checking a zip, and unpacking it.

A zip is made by whoever calls the API and is not trusted. Every entry has to land inside the
destination and be a plain file, a folder or a relative symbolic link to somewhere inside. Sizes are
bounded as AWS bounds them, by what the zip declares and by what comes out of it. The messages are
AWS's. All of this blocks: to be used in a thread.

Of an entry's permissions only "executable" is kept: everybody may read everything, as on Lambda,
where a function runs as another user than the one who packed it.
"""

import contextlib
import io
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from inglenook import errors
from inglenook.model import limits
from inglenook.store import durable, entries, links
from inglenook.store.entries import Entry, EntryType, bad_zip

_ENTRY_SIGNATURE = b"PK\x01\x02"
_PIECE_BYTES = 1024 * 1024
# What zipfile and zlib raise for bytes that make no sense, as found by fuzzing them.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """A zip that has passed the checks, by its directory."""

    entries: tuple[Entry, ...]
    folders: tuple[str, ...]
    """Every folder that the entries name or need, parents first."""
    unzipped_bytes: int


def inspect(source: Path | bytes, *, contents: bool = False) -> Archive:
    """Check a zip by its directory, and with `contents` decompress and check all of it too.

    Raises InvalidParameterValueError.
    """
    with _opened(source) as (package, archive, infos):
        if contents:
            for info in infos.values():
                for _ in _pieces(package, info):
                    pass
    return archive


def unpack(source: Path | bytes, destination: Path) -> Archive:
    """Unpack a zip to `destination`, which must not exist while its parent must.

    It appears at once and whole or not at all. Raises InvalidParameterValueError for the zip's
    faults and OSError for the disk's.
    """
    with _opened(source) as (package, archive, infos):
        partial = Path(tempfile.mkdtemp(prefix=durable.PARTIAL_PREFIX, dir=destination.parent))
        try:
            _fill(partial, package, archive, infos)
            partial.chmod(0o755)
            partial.rename(destination)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return archive


def _fill(
    root: Path, package: zipfile.ZipFile, archive: Archive, infos: dict[str, zipfile.ZipInfo]
) -> None:
    base = f"{root}/"
    try:
        for folder in archive.folders:
            path = Path(base + folder)
            path.mkdir()
            path.chmod(0o755)
        for entry in archive.entries:
            if entry.type is not EntryType.FILE:
                continue
            # Created anew and never through a link: links come last.
            path = Path(base + entry.path)
            with path.open("xb") as file:
                for piece in _pieces(package, infos[entry.path]):
                    file.write(piece)
            path.chmod(0o755 if entry.is_executable else 0o644)
        for entry in archive.entries:
            if entry.type is EntryType.LINK:
                Path(base + entry.path).symlink_to(entry.target)
    except FileExistsError:
        # Distinct in the zip and one on this disk: names that differ in case, on macOS.
        raise bad_zip() from None


@contextlib.contextmanager
def _opened(
    source: Path | bytes,
) -> Iterator[tuple[zipfile.ZipFile, Archive, dict[str, zipfile.ZipInfo]]]:
    # A file is read piece by piece: it may be larger than the memory of who unpacks it.
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as data:
        if not data.read(1):
            raise _empty_zip()
        data.seek(0)
        # Before zipfile makes an object of each. Those of a zip stored inside this one count, too.
        if _signatures(data) > limits.ARCHIVE_ENTRIES_MAX:
            raise bad_zip()
        try:
            package = zipfile.ZipFile(data)
        except _BROKEN as exc:
            raise bad_zip() from exc
        with package:
            yield package, *_checked(package)


def _signatures(data: BinaryIO) -> int:
    """Count the beginnings of entries, piece by piece: no other thread runs while bytes count."""
    found, last = 0, b""
    while piece := data.read(_PIECE_BYTES):
        found += (piece := last + piece).count(_ENTRY_SIGNATURE)
        last = piece[1 - len(_ENTRY_SIGNATURE) :]
    return found


def _empty_zip() -> errors.InvalidParameterValueError:
    return errors.InvalidParameterValueError("Uploaded file must be a non-empty zip")


def _checked(package: zipfile.ZipFile) -> tuple[Archive, dict[str, zipfile.ZipInfo]]:
    found: dict[str, Entry] = {}
    infos: dict[str, zipfile.ZipInfo] = {}
    folders: set[str] = set()
    unzipped_bytes = 0
    for info in package.infolist():
        entries.require_readable(info)
        unzipped_bytes += info.file_size
        if unzipped_bytes >= limits.UNZIPPED_BYTES_MAX:
            raise errors.InvalidParameterValueError(
                f"Unzipped size must be smaller than {limits.UNZIPPED_BYTES_MAX} bytes"
            )
        entry = _entry(package, info)
        if entry.type is EntryType.FOLDER:
            # Naming a folder twice, or the root, does no harm and is seen in the wild.
            _add_folders(entry.path, folders)
        elif not entry.path or entry.path in found:
            raise bad_zip()
        else:
            _add_folders(entry.path.rpartition("/")[0], folders)
            found[entry.path] = entry
            infos[entry.path] = info
        # One entry may need many folders.
        if len(found) + len(folders) > limits.ARCHIVE_ENTRIES_MAX:
            raise bad_zip()
    if not found and not folders:
        raise _empty_zip()
    _require_consistent(found, folders)
    archive = Archive(
        entries=tuple(found.values()),
        folders=tuple(sorted(folders)),
        unzipped_bytes=unzipped_bytes,
    )
    return archive, infos


def _entry(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    kind = entries.type_of(info)
    if kind is EntryType.FOLDER and info.file_size:
        raise bad_zip()
    return Entry(
        path=entries.path_of(info),
        type=kind,
        size_bytes=info.file_size,
        is_executable=bool(info.external_attr >> 16 & 0o111),
        target=_target(package, info) if kind is EntryType.LINK else "",
    )


def _require_consistent(found: dict[str, Entry], folders: set[str]) -> None:
    if not folders.isdisjoint(found):
        raise bad_zip()
    targets = {entry.path: entry.target for entry in found.values() if entry.target}
    if not all(links.stays_inside(path, targets) for path in targets):
        raise bad_zip()


def _add_folders(path: str, folders: set[str]) -> None:
    while path and path not in folders:
        folders.add(path)
        path = path.rpartition("/")[0]


def _target(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    if not 0 < info.file_size <= entries.PATH_BYTES_MAX:
        raise bad_zip()
    try:
        target = b"".join(_pieces(package, info)).decode()
    except UnicodeDecodeError as exc:
        raise bad_zip() from exc
    if "\0" in target:
        raise bad_zip()
    return target


def _pieces(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Decompress an entry. Its checksum, and that it is as long as declared, is checked."""
    read_bytes = 0
    try:
        with package.open(info) as source:
            while piece := source.read(_PIECE_BYTES):
                read_bytes += len(piece)
                yield piece
    except _BROKEN as exc:
        raise bad_zip() from exc
    if read_bytes != info.file_size:
        raise bad_zip()
