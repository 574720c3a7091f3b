"""The descriptors through which forked functions find shared libraries (`inglenook_runtime`)."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

_SLOTS = 8
"""Lambda's own LD_LIBRARY_PATH has three folders that are a function's; it may name others."""


@contextlib.contextmanager
def slots(folder: Path) -> Iterator[list[int]]:
    """Open a folder that holds no shared library as often as a spawner wants it, for its start."""
    opened: list[int] = []
    try:
        if sys.platform.startswith("linux"):
            opened += (os.open(folder, os.O_PATH | os.O_DIRECTORY) for _ in range(_SLOTS))
        yield opened
    finally:
        for descriptor in opened:
            os.close(descriptor)


def variables(descriptors: Sequence[int]) -> dict[str, str]:
    """Return what tells the spawner and its dynamic loader of them."""
    if not descriptors:
        return {}
    places = (f"/proc/self/fd/{descriptor}" for descriptor in descriptors)
    return {"LD_LIBRARY_PATH": ":".join(places)}
