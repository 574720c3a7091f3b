"""Standard input, output and error as a function has them.

What is written is in the pipe when the call returns: nothing is lost when the process is killed,
nothing is held back when the answer is sent, and the order among Python, C code and subprocesses
is kept. AWS's client flushes after every write for the same reason.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def own(kept: Collection[int]) -> None:
    """Give this process (and all its forks) write-through streams and /dev/null to read from.

    Of the other descriptors only those `kept` stay: whoever started us may have left some open that
    are no function's business, such as the platform's own terminal.
    """
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - names, and one of them is already gone
        if int(name) > 2 and int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    write_through()


def write_through() -> None:
    """Let nothing that is written wait in this process."""
    sys.stdout = sys.__stdout__ = _stream(1, "strict")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, "backslashreplace")  # type: ignore[misc]


def _stream(descriptor: int, errors: str) -> io.TextIOWrapper:
    # TextIOWrapper is declared for buffered streams; over a raw one it is what `python -u` makes.
    raw = io.FileIO(descriptor, "wb", closefd=False)
    stream = io.TextIOWrapper(
        raw,  # type: ignore[type-var, unused-ignore]
        encoding="utf-8",
        errors=errors,
        write_through=True,
    )
    stream.mode = "w"  # type: ignore[misc, unused-ignore]
    return stream


def redirect(output: int) -> None:
    """Make `output` this process's standard output and error."""
    os.set_blocking(output, True)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
