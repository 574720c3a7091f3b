"""The files that a process may use, and whom it may signal, kept by the kernel's Landlock.

A second wall behind the sandbox's view of the file system, and the only one where there are no
namespaces. A rule names a folder (or file) and holds for all below it; what no rule allows is
refused. What was opened before stays open.
"""

from __future__ import annotations

import ctypes
import functools
import os
import stat
import struct
from typing import TYPE_CHECKING

from inglenook_runtime import kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""The same numbers on every architecture."""
_VERSION = 1
_PATH_BENEATH = 1

ABI_MIN = 2
"""Linux 5.19. Before, no file could be moved from one folder to another."""
_ABI_TRUNCATE = 3
_ABI_NETWORK = 4
_ABI_SCOPES = 6

_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
_TRUNCATE = 1 << 14
_ALL = (1 << 14) - 1
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE
_SCOPES = 3
"""No abstract sockets and no signals of and to processes outside."""


@functools.cache
def abi() -> int:
    """Return the version of Landlock that this kernel has; 0 for none."""
    try:
        return kernel.call("syscall", ctypes.c_long(_CREATE_RULESET), None, 0, _VERSION)
    except OSError:
        return 0


def rules(*, readable: Iterable[str], writable: Iterable[str], devices: Iterable[str]) -> int:
    """Return a descriptor of rules by which these only can be used.

    `readable` can be read and executed, `writable` everything besides, `devices` read and written.
    Paths that do not exist are left out. A rule is about what lies at its path now, wherever that
    is mounted later.
    """
    version = abi()
    handled = _ALL | (_TRUNCATE if version >= _ABI_TRUNCATE else 0)
    attributes = struct.pack("=QQQ", handled, 0, _SCOPES)
    size = 24 if version >= _ABI_SCOPES else 16 if version >= _ABI_NETWORK else 8
    ruleset = kernel.call("syscall", ctypes.c_long(_CREATE_RULESET), attributes, size, 0)
    try:
        for path in readable:
            _allow(ruleset, path, _EXECUTE | _READ | _LIST)
        for path in devices:
            _allow(ruleset, path, handled & (_READ | _LIST | _WRITE | _TRUNCATE))
        for path in writable:
            _allow(ruleset, path, handled)
    except BaseException:
        os.close(ruleset)
        raise
    return ruleset


def restrict(ruleset: int) -> None:
    """Hold this process and its children to rules, and close them. After `gain_no_privileges`."""
    try:
        kernel.call("syscall", ctypes.c_long(_RESTRICT_SELF), ruleset, 0)
    finally:
        os.close(ruleset)


def around(hidden: Iterable[str]) -> list[str]:
    """Return paths that together hold the whole file system but the folders `hidden`.

    Real paths. Of the folders that lead to a hidden one only what they hold besides is in.
    """
    wanted = [folder.rstrip("/") for folder in hidden]
    found = []
    left = ["/"]
    while left:
        folder = left.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            path = entry.path
            if path in wanted or entry.is_symlink():
                continue
            if any(place.startswith(f"{path}/") for place in wanted):
                left.append(path)
            else:
                found.append(path)
    return found


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            access &= _OF_FILES
        rule = struct.pack("=Qi", access, parent)
        kernel.call("syscall", ctypes.c_long(_ADD_RULE), ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(parent)
