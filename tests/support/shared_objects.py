"""Shared libraries to put into packages: copies of one that every system has, under other names."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

_FOLDERS = ("/lib/*-linux-gnu", "/usr/lib/*-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib")
_SMALL = ("libz.so.1", "libbz2.so.1*", "liblzma.so.5", "libm.so.6")


def content() -> bytes:
    """Return a library's bytes. The loader tells libraries apart by file, so that any will do."""
    for name in _SMALL:
        for folder in _FOLDERS:
            for found in Path("/").glob(f"{folder[1:]}/{name}"):
                return found.read_bytes()
    pytest.skip("no shared library to copy")


def compiled(source: str, *arguments: str, beside: Mapping[str, bytes] | None = None) -> bytes:
    """Compile a library; `beside` are libraries that it is linked with, by file name."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "source.c").write_text(source)
        for name, library in (beside or {}).items():
            Path(folder, name).write_bytes(library)
        command = [compiler, "-shared", "-fPIC", "-o", "made.so", "source.c", "-L.", *arguments]
        subprocess.run(command, cwd=folder, check=True)
        return Path(folder, "made.so").read_bytes()
