"""Small files of the kernel's: read from memory, so that there is nothing to wait for."""

import os
from pathlib import Path

FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
TO_WRITE = os.O_WRONLY | os.O_CLOEXEC
_CHUNK_BYTES = 16 * 1024


def read(path: str | Path, folder: int | None = None) -> bytes:
    """Return a file's content; the path may be relative to a folder's descriptor."""
    file = os.open(path, FLAGS, dir_fd=folder)
    try:
        text = b""
        while chunk := os.read(file, _CHUNK_BYTES):
            text += chunk
        return text
    finally:
        os.close(file)


def write(path: Path, text: str) -> None:
    """Write a value."""
    file = os.open(path, TO_WRITE)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def high_water_bytes(pid: int) -> int:
    """Return a living process's own peak of resident memory; 0 where the machine does not say."""
    try:
        return high_water(read(f"/proc/{pid}/status"))
    except OSError:
        return 0


def high_water(status: bytes) -> int:
    """Return the same from the text of a process's `status`."""
    start = status.find(b"VmHWM:")
    return 0 if start < 0 else int(status[start + 6 : status.index(b"kB", start)]) * 1024


def oom_kills(events: bytes) -> int:
    """Return the count of processes killed for want of memory, from the text of a group's file."""
    for line in events.splitlines():
        if line.startswith(b"oom_kill "):
            return int(line.split()[1])
    return 0
