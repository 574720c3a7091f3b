"""A /dev with the few devices that a function needs: none of the machine's disks or terminals.

Without it a function under root could read and write the disk itself: the device's file belongs to
root, and a mount that is read-only protects files, not devices. As on Lambda there is no /dev/shm.
"""

from __future__ import annotations

import os
from pathlib import Path

from inglenook_runtime import kernel

FOLDER = "/dev"

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}


def cover() -> None:
    """Put it in the place of the machine's, in this mount namespace."""
    below = os.open(FOLDER, os.O_PATH | os.O_DIRECTORY)
    present = [name for name in _DEVICES if Path(FOLDER, name).is_char_device()]
    kernel.mount_tmpfs(FOLDER, "size=64k,nr_inodes=32,mode=755")
    for name in present:
        Path(FOLDER, name).touch()
        kernel.bind(f"/proc/self/fd/{below}/{name}", f"{FOLDER}/{name}")
    for name, target in _LINKS.items():
        Path(FOLDER, name).symlink_to(target)
    os.close(below)
