"""The lock on a data folder: one process at a time works in it.

It is an advisory `flock` on a file in the folder. The kernel releases it when the holder dies,
however it dies, so there is never a stale lock to remove. The file names the holder for people and
is never deleted: deleting it would let two processes hold locks on two files of one name.
"""

import errno
import fcntl
import os
from pathlib import Path

from inglenook.store import documents

FILE_NAME = "inglenook.lock"


class FolderInUseError(documents.StoreError):
    """Another process works in this data folder."""

    def __init__(self, folder: Path, holder_pid: int | None) -> None:
        self.folder = folder
        self.holder_pid = holder_pid
        holder = "another process" if holder_pid is None else f"process {holder_pid}"
        super().__init__(
            f"The data folder {folder} is in use by {holder}. Stop it first, or choose another "
            "folder."
        )


class FolderLock:
    """Hold a data folder until `release`. Blocks on files: to be used in a thread."""

    def __init__(self, folder: Path) -> None:
        """Take the lock. Raises FolderInUseError."""
        self._fd = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            holder = os.pread(self._fd, 32, 0).strip()
            os.close(self._fd)
            if exc.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            raise FolderInUseError(folder, int(holder) if holder.isdigit() else None) from None
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)
        except OSError:
            # Only people read it, and a full disk must not keep anybody from what is on it.
            pass

    def release(self) -> None:
        """Let others in. Safe to repeat."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            # Explicitly, because a forked child that still has the file open would keep the lock.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = -1
