"""Linux's calls that Python has no name for: mounts, namespaces, privileges.

Through the C library, each raising OSError that says what was refused. What they are for is
`sandbox`'s and `privileges`' business.
"""

from __future__ import annotations

import ctypes
import functools
import os

NEW_MOUNTS = 0x00020000
NEW_USERS = 0x10000000

_MS_RDONLY = 1
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_SLAVE = 1 << 19
_MNT_DETACH = 2

_MOUNT_SETATTR = 442
"""The same number on every architecture; the C library names it only since 2.36."""
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522

_KEPT_FLAGS = (
    (os.ST_NOSUID, 2),
    (getattr(os, "ST_NODEV", 4), 4),
    (getattr(os, "ST_NOEXEC", 8), 8),
    (getattr(os, "ST_NOATIME", 1024), 1024),
    (getattr(os, "ST_NODIRATIME", 2048), 2048),
    (getattr(os, "ST_RELATIME", 4096), 1 << 21),
)
"""What statvfs says and what mount calls it: in a user namespace these may not be dropped."""


def unshare(what: int) -> None:
    call("unshare", what)


def mount_tmpfs(target: str, options: str) -> None:
    _mount("inglenook", target, "tmpfs", 0, options)


def bind(source: str, target: str) -> None:
    _mount(source, target, "", _MS_BIND | _MS_REC, "")


def set_read_only(target: str, *, is_read_only: bool) -> None:
    """Let a mount be written or not, whatever the one was that it has been bound from."""
    present = os.statvfs(target).f_flag
    flags = sum(flag for seen, flag in _KEPT_FLAGS if present & seen)
    flags |= _MS_RDONLY if is_read_only else 0
    _mount("none", target, "", _MS_REMOUNT | _MS_BIND | flags, "")


def set_all_read_only() -> None:
    """Make every mount of this namespace read-only. Since Linux 5.12."""
    only = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY, 0, 0, 0)
    call(
        "syscall",
        ctypes.c_long(_MOUNT_SETATTR),
        ctypes.c_long(_AT_FDCWD),
        b"/",
        ctypes.c_long(_AT_RECURSIVE),
        only,
        ctypes.c_long(ctypes.sizeof(only)),
    )


def follow_host() -> None:
    """Let what the host mounts later arrive here, and nothing of ours there."""
    _mount("none", "/", "", _MS_REC | _MS_SLAVE, "")


def unmount(target: str) -> None:
    call("umount2", target.encode(), _MNT_DETACH)


def die_with_parent(signal: int) -> None:
    call("prctl", _PR_SET_PDEATHSIG, signal, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def close_memory() -> None:
    """Let no other process of this user look into this one, until it executes something."""
    call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)


def drop_capabilities() -> None:
    """Give up every privilege of root's, for whatever is executed later too."""
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    call("capset", header, (ctypes.c_uint32 * 6)())


def call(name: str, *arguments: object) -> None:
    if getattr(_libc(), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    try:
        call(
            "mount",
            os.fsencode(source),
            os.fsencode(target),
            kind.encode(),
            ctypes.c_ulong(flags),
            options.encode(),
        )
    except OSError as error:
        raise OSError(error.errno, f"cannot mount on {target}: {error.strerror}") from error


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
