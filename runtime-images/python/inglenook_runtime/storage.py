"""The /tmp of environments, each a file system in memory that cannot grow over its size.

It belongs to the spawner, not to the process that uses it: after a timeout the next process of the
environment finds it as it was. Made together with a child, before anybody waits, at Lambda's least
size; the child gives it its real one. All lie in one folder, which only the spawner's mount
namespace shows: a child takes its own from there, and goes on from the namespace *without* them,
as it takes a copy of all that is mounted. Where that cannot be, on old kernels, it copies all and
forgets the others, at a cost that grows with how many there are.

Memory that files take is charged to the control group of who writes them. So the agent is told when
something is first put into one: until then it need not allow for it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct

from inglenook_runtime import kernel

OWN = "/var/task/.tmp"
"""Where a child finds its own, until it is its /tmp."""
SIZE_MB = 512
FOLDER = "/var/task/.storage"
"""Where the spawner sees all of them, each by its number."""
_FILES_PER_MB = 256

_IN_CREATE = 0x100
_IN_ONESHOT = 0x80000000
_IN_IGNORED = 0x8000
_EVENT = struct.Struct("=iIII")


def lay(*, is_apart: bool) -> int | None:
    """Make the folders, in the template.

    If they are to be `apart`, return a descriptor of the mount namespace without them.
    """
    os.mkdir(OWN, 0o711)  # noqa: PTH102
    os.mkdir(FOLDER, 0o711)  # noqa: PTH102
    without = None
    if is_apart:
        without = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        kernel.unshare(kernel.NEW_MOUNTS)
    kernel.mount_tmpfs(FOLDER, "size=4m,nr_inodes=65536,mode=711", is_plain=True)
    return without


def make(number: int) -> None:
    folder = _place(number)
    os.mkdir(folder, 0o755)  # noqa: PTH102
    kernel.mount_tmpfs(folder, f"{_options(SIZE_MB)},mode=1777", is_plain=True)


def take(number: int, without: int | None) -> None:
    """Have one of them as `OWN`, and none of the others, in a mount namespace of one's own."""
    if without is None:
        kernel.unshare(kernel.NEW_MOUNTS)
        kernel.bind(_place(number), OWN)
        kernel.unmount(FOLDER)
        return
    own = kernel.copy_mount(_place(number))
    kernel.enter_mounts(without)
    kernel.unshare(kernel.NEW_MOUNTS)
    kernel.put_mount(own, OWN)
    os.close(own)
    os.close(without)


def resize(size_mb: int) -> None:
    """Give one's own its size."""
    if size_mb != SIZE_MB:
        kernel.resize_tmpfs(OWN, _options(size_mb))


def remove(number: int) -> None:
    """Let go of one; what processes still have of it goes with them."""
    folder = _place(number)
    with contextlib.suppress(OSError):
        kernel.unmount(folder)
    with contextlib.suppress(OSError):
        os.rmdir(folder)  # noqa: PTH106


class Watch:
    """Tells which have been used: something was made in them."""

    def __init__(self) -> None:
        self._descriptor = kernel.call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)
        self._numbers: dict[int, int] = {}

    def fileno(self) -> int:
        return self._descriptor

    def add(self, number: int) -> None:
        watch = kernel.call(
            "inotify_add_watch",
            self._descriptor,
            _place(number).encode(),
            ctypes.c_uint32(_IN_CREATE | _IN_ONESHOT),
        )
        self._numbers[watch] = number

    def receive(self) -> list[int]:
        """Return the numbers of those in which something was made, each once."""
        used = []
        try:
            data = os.read(self._descriptor, 65536)
        except BlockingIOError:
            return []
        while data:
            watch, mask, _, length = _EVENT.unpack_from(data)
            data = data[_EVENT.size + length :]
            number = self._numbers.pop(watch, None) if mask & (_IN_CREATE | _IN_IGNORED) else None
            if number is not None and mask & _IN_CREATE:
                used.append(number)
        return used

    def close(self) -> None:
        os.close(self._descriptor)


def _place(number: int) -> str:
    return f"{FOLDER}/{number}"


def _options(size_mb: int) -> str:
    """Return the mount options for a size: also files without content are bounded."""
    return f"size={size_mb}m,nr_inodes={size_mb * _FILES_PER_MB}"
