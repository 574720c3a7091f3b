"""Log groups as files: a folder per group, numbered segments of JSON lines in it.

For one writer thread (`append`) and any number of reading threads (`read`). A line is whole or
ignored: what `kill -9` tore is skipped when read and fenced off by a line break at the next append.
A group keeps at most `group_max_bytes`, oldest segments first to go. Nothing is synced to disk: a
log survives the death of the process, not that of the machine.

When to write, and who hears of it live, is the business of `inglenook_local.logs`.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
SLUG_MAX_CHARS = 100
_GROUPS_KEPT = 2000
"""Of how many groups the state is known; that of any other is read from its folder."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it stands in a file and is shown to people."""

    timestamp_ms: int
    stream: str
    message: str


class Mark(msgspec.Struct, frozen=True):
    """A segment, and how much of it there was to read."""

    path: Path
    size: int


class _Segment(NamedTuple):
    number: int
    size: int


def folder_name(group: str) -> str:
    """Name a group's folder: readable, safe on every file system, one per group.

    The digest keeps groups apart that differ only in case or in what is not safe.
    """
    slug = UNSAFE.sub(".", group).strip(".")[:SLUG_MAX_CHARS]
    return f"{slug}-{hashlib.sha256(group.encode()).hexdigest()[:12]}".lstrip("-")


class _Group:
    """The state of one group's folder, as its only writer knows it."""

    # There are as many as functions that have written lately: no Path is kept.
    __slots__ = ("_folder", "_is_torn", "_newest", "_older")

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = str(folder)
        self._older: tuple[_Segment, ...] = ()
        self._newest = _Segment(1, 0)
        if segments := [_Segment(int(mark.path.stem), mark.size) for mark in _marks(folder)]:
            *older, self._newest = segments
            self._older = tuple(older)
        self._is_torn = self._ends_torn()

    def marks(self) -> list[Mark]:
        return [
            Mark(Path(self._path(number)), size) for number, size in (*self._older, self._newest)
        ]

    def _path(self, number: int) -> str:
        return f"{self._folder}/{number:08d}.jsonl"

    def _ends_torn(self) -> bool:
        if not self._newest.size:
            return False
        with Path(self._path(self._newest.number)).open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) != b"\n"

    def append(self, lines: bytes) -> None:
        number, size = self._newest
        data = b"\n" + lines if self._is_torn else lines
        # Until it is known to have been written whole, a line may be torn by a full disk as well.
        self._is_torn = True
        with Path(self._path(number)).open("ab", buffering=0) as file:
            written = 0
            while written < len(data):
                written += file.write(data[written:])
        self._is_torn = False
        self._newest = _Segment(number, size + len(data))

    def rotate(self, segment_max_bytes: int, group_max_bytes: int) -> None:
        if self._newest.size < segment_max_bytes:
            return
        older = [*self._older, self._newest]
        while sum(each.size for each in older) > group_max_bytes - segment_max_bytes:
            Path(self._path(older.pop(0).number)).unlink(missing_ok=True)
        self._older = tuple(older)
        self._newest = _Segment(self._newest.number + 1, 0)


def _marks(folder: Path) -> list[Mark]:
    return [Mark(path, path.stat().st_size) for path in sorted(folder.glob("*.jsonl"))]


class Segments:
    """All groups below one folder."""

    def __init__(self, root: Path, *, segment_max_bytes: int, group_max_bytes: int) -> None:
        self._root = root
        self._segment_max_bytes = segment_max_bytes
        self._group_max_bytes = group_max_bytes
        self._groups: dict[str, _Group] = {}
        self._encoder = msgspec.json.Encoder()

    def append(self, group: str, entries: Sequence[Entry]) -> None:
        """Add entries to a group. Raises OSError."""
        state = self._groups.pop(group, None) or _Group(self._root / folder_name(group))
        # Who has written last stands last; who has not for the longest time is read anew.
        self._groups[group] = state
        if len(self._groups) > _GROUPS_KEPT:
            del self._groups[next(iter(self._groups))]
        state.append(self._encode(entries))
        state.rotate(self._segment_max_bytes, self._group_max_bytes)

    def _encode(self, entries: Sequence[Entry]) -> bytes:
        try:
            return self._encoder.encode_lines(entries)
        except UnicodeEncodeError:  # a lone surrogate has no UTF-8, and one line must not cost many
            return self._encoder.encode_lines(
                [
                    msgspec.structs.replace(
                        entry, message=entry.message.encode("utf-8", "replace").decode()
                    )
                    for entry in entries
                ]
            )

    def marks(self, group: str) -> list[Mark]:
        """Return what there is to read of a group now, oldest first. For the writer's thread."""
        state = self._groups.get(group)
        if state is not None:
            return state.marks()
        return _marks(self._root / folder_name(group))


def read(marks: Sequence[Mark], *, since_ms: int, limit: int | None) -> list[Entry]:
    """Return the entries from `since_ms` on, oldest first; with a limit the newest ones.

    Safe in any thread: it reads no further than the marks, and a segment that has been rotated away
    meanwhile is skipped.
    """
    newest_first: list[list[Entry]] = []
    wanted = limit
    for mark in reversed(marks):
        try:
            if mark.path.stat().st_mtime * 1000 < since_ms:
                break
            entries = [entry for entry in _lines(mark) if entry.timestamp_ms >= since_ms]
        except FileNotFoundError:
            continue
        if wanted is not None:
            entries = entries[max(0, len(entries) - wanted) :]
            wanted -= len(entries)
        newest_first.append(entries)
        if wanted == 0:
            break
    return [entry for entries in reversed(newest_first) for entry in entries]


def _lines(mark: Mark) -> Iterator[Entry]:
    decode = msgspec.json.Decoder(Entry).decode
    with mark.path.open("rb") as file:
        data = file.read(mark.size)
    for line in data.split(b"\n"):
        if line:
            try:
                yield decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):  # torn
                continue
