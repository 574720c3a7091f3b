"""Shared libraries of a function's own, found by their bare name as on Lambda.

The dynamic loader reads LD_LIBRARY_PATH once, when a program starts: in a forked function it has
been read by the zygote, long before there was a function. So the zygote's own names descriptors
(`/proc/self/fd/3:/proc/self/fd/4:…`), the *slots*, and a child puts into them the folders that its
function's LD_LIBRARY_PATH names. Until then a slot holds a folder without libraries, because the
loader never looks again into one that was not there when it first looked.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping, Sequence

VARIABLE = "LD_LIBRARY_PATH"
_PLACE = "/proc/self/fd/"


def take_slots(variables: MutableMapping[str, str]) -> tuple[int, ...]:
    """Return the slots that this program was started with, and leave no trace of them."""
    places = variables.pop(VARIABLE, "").split(":")
    return tuple(int(place[len(_PLACE) :]) for place in places if place.startswith(_PLACE))


def fill(slots: Sequence[int], variables: MutableMapping[str, str], own: Iterable[str]) -> None:
    """Put into the slots the folders of LD_LIBRARY_PATH that lie in `own`; close the others.

    Folders of the system are left to the loader, which looks there anyway, but afterwards.
    """
    roots = tuple(own)
    free = list(slots)
    for folder in variables.get(VARIABLE, "").split(":"):
        if not free:
            break
        if not any(folder == root or folder.startswith(f"{root}/") for root in roots):
            continue
        try:
            descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        os.dup2(descriptor, free.pop(0), inheritable=False)
        os.close(descriptor)
    for slot in free:
        os.close(slot)
