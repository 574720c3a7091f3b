"""Zips that can be no package, of a function or of a layer, and what is said of each."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from platform_process import package

UNSOUND = "Could not unzip uploaded file. Please check your file, then try to upload again."
EMPTY = "Uploaded file must be a non-empty zip"
LARGE = "Unzipped size must be smaller than 262144000 bytes"
# More than anybody's package has; AWS states no such bound.
CROWD = 100_001


def zipped(*entries: tuple[str, bytes, int]) -> bytes:
    """Zip entries of a name, a content and a Unix mode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def file(name: str, content: bytes = b"x") -> tuple[str, bytes, int]:
    return name, content, stat.S_IFREG | 0o644


def link(name: str, target: str) -> tuple[str, bytes, int]:
    return name, target.encode(), stat.S_IFLNK | 0o777


def bomb() -> bytes:
    """Zip one byte more than is allowed, in some hundred KB."""
    return zipped(file("zeros", bytes(262_144_001)))


def _lying_bomb() -> bytes:
    """Say that a file has one byte, and let it have 300 million."""
    honest = zipped(file("app.py", bytes(300_000_000)))
    return honest.replace(struct.pack("<I", 300_000_000), struct.pack("<I", 1))


def _crowd() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(CROWD):
            archive.writestr(str(number), b"")
    return buffer.getvalue()


Case = tuple[Callable[[], bytes], str]

REFUSED: dict[str, Case] = {
    "no zip": (lambda: b"def handler(event, context): ...", UNSOUND),
    "truncated": (lambda: package({"x": "x" * 1000})[:-30], UNSOUND),
    "without entries": (zipped, EMPTY),
    "too large unpacked": (bomb, LARGE),
}
"""What AWS is known to refuse."""

UNSAFE: dict[str, Case] = {
    "only the end": (lambda: package({"x": "x" * 1000})[-22:], UNSOUND),
    "more than it says": (_lying_bomb, UNSOUND),
    "an absolute path": (lambda: zipped(file("app.py"), file("/etc/inglenook-evil")), UNSOUND),
    "dots": (lambda: zipped(file("app.py"), file("../../evil")), UNSOUND),
    "hidden dots": (lambda: zipped(file("a/../../evil")), UNSOUND),
    "a link out": (lambda: zipped(link("out", "/etc/passwd")), UNSOUND),
    "a relative link out": (lambda: zipped(link("a/out", "../../../etc/passwd")), UNSOUND),
    "a file through a link": (lambda: zipped(link("out", "/tmp"), file("out/evil")), UNSOUND),
    "a device": (lambda: zipped(("app.py", b"", stat.S_IFCHR | 0o600)), UNSOUND),
    "a file as folder": (lambda: zipped(file("a"), file("a/b")), UNSOUND),
    "too many entries": (_crowd, UNSOUND),
}
"""What our own platform does not unpack."""


def cases() -> list[Any]:
    """Return a make and a message for each kind, as parameters of a case."""
    ours = pytest.mark.ours("what is safe to unpack; AWS does not say what else it refuses")
    return [
        *(pytest.param(*case, id=kind) for kind, case in REFUSED.items()),
        *(pytest.param(*case, id=kind, marks=ours) for kind, case in UNSAFE.items()),
    ]
