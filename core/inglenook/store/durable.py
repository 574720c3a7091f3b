"""Files that survive a loss of power once they are written.

A file is complete under its name or not there at all. All of this blocks: to be used in a thread.
"""

import errno
import fcntl
import os
import tempfile
from pathlib import Path

PARTIAL_PREFIX = ".partial-"
"""What a file or folder is called while it is being made; whoever finds one may remove it."""

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# On macOS fsync leaves the data in the drive's cache; this command does not.
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


def is_no_space(error: OSError) -> bool:
    """Say whether the disk, a quota or the allowed size of a file was used up."""
    return error.errno in _NO_SPACE


def sync(fd: int) -> None:
    """Wait until what was written to `fd` is on the disk."""
    if _FULL_SYNC is None:
        os.fsync(fd)
    else:
        fcntl.fcntl(fd, _FULL_SYNC)


def sync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync(fd)
    finally:
        os.close(fd)


def write_file(path: Path, data: bytes) -> None:
    """Put `data` at `path`, replacing what is there, at once and durably."""
    fd, partial = tempfile.mkstemp(prefix=PARTIAL_PREFIX, dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            sync(file.fileno())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
