"""Linux's calls that Python has no name for: mounts, namespaces, privileges.

Through the C library, each raising OSError that says what was refused. What they are for is
`sandbox`'s, `processes`' and `setup`'s business.
"""

from __future__ import annotations

import ctypes
import functools
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NEW_MOUNTS = 0x00020000
NEW_USERS = 0x10000000
NEW_PROCESSES = 0x20000000

_CLONE = {"x86_64": 56, "aarch64": 220}
_SIGCHLD = 17

_MS_RDONLY = 1
_MS_NOSUID = 2
_MS_NODEV = 4
_MS_NOEXEC = 8
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_SLAVE = 1 << 19
_MNT_DETACH = 2

_OPEN_TREE = 428
_MOVE_MOUNT = 429
_MOUNT_SETATTR = 442
"""The same numbers on every architecture; the C library names them only since 2.36."""
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522

# Types of the C library's, made once: each making takes as long as a call.
_Header = ctypes.c_uint32 * 2
_Capabilities = ctypes.c_uint32 * 6
_MountAttributes = ctypes.c_uint64 * 4

_KEPT_FLAGS = (
    (os.ST_NOSUID, _MS_NOSUID),
    (getattr(os, "ST_NODEV", 4), _MS_NODEV),
    (getattr(os, "ST_NOEXEC", 8), _MS_NOEXEC),
    (getattr(os, "ST_NOATIME", 1024), 1024),
    (getattr(os, "ST_NODIRATIME", 2048), 2048),
    (getattr(os, "ST_RELATIME", 4096), 1 << 21),
)
"""What statvfs says and what mount calls it: in a user namespace these may not be dropped."""


def unshare(what: int) -> None:
    call("unshare", what)


def cloner(what: int) -> Callable[[], int]:
    """Return a call that forks with new namespaces, and returns 0 in the child, -1 for an error.

    The C library has no fork that takes them. Neither it nor Python hears of this one: the child
    may wait and end, but it is no place for a function. All is made ready here, so that the call
    itself writes to as little memory as can be.
    """
    number = _CLONE.get(os.uname().machine)
    if number is None:
        raise OSError(f"processes cannot be cloned on {os.uname().machine}")
    zero = ctypes.c_long(0)
    flags = ctypes.c_ulong(what | _SIGCHLD)
    return functools.partial(_libc().syscall, ctypes.c_long(number), flags, zero, zero, zero, zero)


def enter_processes(descriptor: int) -> None:
    """Let children be born in that namespace of processes from now on."""
    call("setns", descriptor, NEW_PROCESSES)


def enter_mounts(descriptor: int) -> None:
    """Go to the root of that mount namespace."""
    call("setns", descriptor, NEW_MOUNTS)


def mount_tmpfs(target: str, options: str, *, is_plain: bool = False) -> None:
    """Mount a file system in memory; `is_plain` leaves out devices and set-user-id programs."""
    _mount("inglenook", target, "tmpfs", _MS_NOSUID | _MS_NODEV if is_plain else 0, options)


def resize_tmpfs(target: str, options: str) -> None:
    _mount("none", target, "", _MS_REMOUNT | _MS_NOSUID | _MS_NODEV, options)


def mount_proc(target: str) -> None:
    """Show the processes of the caller's own namespace."""
    _mount("proc", target, "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, "")


def bind(source: str, target: str) -> None:
    _mount(source, target, "", _MS_BIND | _MS_REC, "")


def copy_mount(source: str) -> int:
    """Return a descriptor of a copy of a mount, which is nowhere yet. Since Linux 5.2."""
    flags = ctypes.c_long(_OPEN_TREE_CLONE | os.O_CLOEXEC)
    here = ctypes.c_long(_AT_FDCWD)
    return call("syscall", ctypes.c_long(_OPEN_TREE), here, source.encode(), flags)


def put_mount(descriptor: int, target: str) -> None:
    """Mount what `copy_mount` has returned, in whatever namespace this is."""
    call(
        "syscall",
        ctypes.c_long(_MOVE_MOUNT),
        ctypes.c_long(descriptor),
        b"",
        ctypes.c_long(_AT_FDCWD),
        target.encode(),
        ctypes.c_long(_MOVE_MOUNT_F_EMPTY_PATH),
    )


def set_read_only(target: str, *, is_read_only: bool) -> None:
    """Let a mount be written or not, whatever the one was that it has been bound from."""
    present = os.statvfs(target).f_flag
    flags = sum(flag for seen, flag in _KEPT_FLAGS if present & seen)
    flags |= _MS_RDONLY if is_read_only else 0
    _mount("none", target, "", _MS_REMOUNT | _MS_BIND | flags, "")


def set_all_read_only() -> None:
    """Make every mount of this namespace read-only. Since Linux 5.12."""
    only = _MountAttributes(_MOUNT_ATTR_RDONLY, 0, 0, 0)
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


def gain_no_privileges() -> None:
    """Let no program that is executed have more privilege than this process."""
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def drop_capabilities() -> None:
    """Give up every privilege of root's."""
    header = _Header(_CAPABILITY_VERSION_3, 0)
    call("capset", header, _Capabilities())


def look_up() -> None:
    """Find ahead, for all children, what they will call."""
    for name in ("capset", "mount", "prctl", "setns", "syscall", "umount2", "unshare"):
        getattr(_libc(), name)


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library; return what it does, unless that is an error."""
    value = getattr(_libc(), name)(*arguments)
    if value < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return int(value)


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
def _libc() -> ctypes.PyDLL:
    # It keeps the interpreter's lock: nothing here takes long, and `clone` must not let go of it.
    return ctypes.PyDLL(None, use_errno=True)
