"""How much lies in the /tmp of a function's container, for the agent, which cannot look itself.

What a function keeps to itself only its own user may see. So this is a process of that user, forked
before anything is loaded, which keeps it small; a large tree keeps nobody waiting but who has
asked. On its socket a message is the path of a folder, the answer eight bytes: how many bytes are
in use, big-endian. It ends with the other end.

Files count as they fill a disk: without holes, once however many names they have, and also those
without any that a process of the container still has open. What a function has closed to itself,
too, counts nothing: the volume's own limit is for those who hide.
"""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH_BYTES_MAX = 4096
_ANSWER_BYTES = 8
_BLOCK_BYTES = 512
_PAGE_BYTES = 4096


class Meter:
    """The process. To be made early, and only where there are no threads."""

    def __init__(self) -> None:
        spawner = os.getpid()
        self.asking, answering = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if not self.pid:
            try:
                self.asking.close()
                _answer(answering, spawner)
            finally:
                os._exit(0)
        answering.close()


def _answer(channel: socket.socket, spawner: int) -> None:
    while asked := channel.recv(_PATH_BYTES_MAX):
        used = used_bytes(os.fsdecode(asked), spawner)
        channel.send(used.to_bytes(_ANSWER_BYTES, "big"))


def used_bytes(folder: str, spawner: int) -> int:
    """Return what lies in a folder, and what descendants of `spawner` have open of its disk."""
    try:
        device = os.stat(folder).st_dev  # noqa: PTH116
    except OSError:
        return 0
    files: dict[int, int] = {}
    used = 0
    for status in _inside(folder):
        if status.st_dev != device:
            continue
        if stat.S_ISREG(status.st_mode):
            files[status.st_ino] = _size(status)
        else:
            used += status.st_blocks * _BLOCK_BYTES
    for status in _opened(_descendants(spawner)):
        if status.st_dev == device and not status.st_nlink and stat.S_ISREG(status.st_mode):
            files[status.st_ino] = _size(status)
    return used + sum(files.values())


def _size(status: os.stat_result) -> int:
    """Return what a file takes, but for what its file system has merely put aside for it."""
    whole = -(-status.st_size // _PAGE_BYTES) * _PAGE_BYTES
    return min(status.st_blocks * _BLOCK_BYTES, whole)


def _inside(folder: str) -> Iterator[os.stat_result]:
    folders = [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    try:
                        yield entry.stat(follow_symlinks=False)
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                    except OSError:
                        continue  # it has gone in between
        except OSError:
            continue


def _descendants(ancestor: int) -> set[int]:
    """Return all processes that come of one; it adopts its orphans, so none is missing."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    text = file.read()
                parents[int(name)] = int(text[text.rindex(b")") + 2 :].split()[1])
            except OSError:
                continue
    found, seeking = set(), [ancestor]
    while seeking:
        one = seeking.pop()
        children = [pid for pid, parent in parents.items() if parent == one]
        found.update(children)
        seeking += children
    return found


def _opened(pids: set[int]) -> Iterator[os.stat_result]:
    for pid in pids:
        try:
            names = os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208
        except OSError:
            continue
        for name in names:
            try:
                yield os.stat(f"/proc/{pid}/fd/{name}")  # noqa: PTH116
            except OSError:
                continue
