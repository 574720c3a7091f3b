"""Make ready for files before there are any: whoever opens the first of a file system waits for us.

It is the kernel that has them wait (fanotify), so it does not matter how busy we are. Who waits can
be killed; when this process ends, nobody waits any more. Only opening counts: folders, links and
sockets are made without. For root only, and not on every kernel.
"""

import asyncio
import contextlib
import ctypes
import os
import struct
from collections.abc import Callable

_CLOEXEC = 0x1
_NONBLOCK = 0x2
_CLASS_CONTENT = 0x4
_UNLIMITED_QUEUE = 0x10
_UNLIMITED_MARKS = 0x20
_ADD = 0x1
_REMOVE = 0x2
_FILE_SYSTEM = 0x100
_OPEN_PERMISSION = 0x10000
_ALLOW = 1
_EVENT = struct.Struct("=IBBHQii")
_ANSWER = struct.Struct("=iI")
_NO_EVENT = -1


class Openings:
    """Tells of the first opening in each file system under watch, before it happens."""

    def __init__(self) -> None:
        """Raise OSError where the kernel refuses."""
        try:
            library = ctypes.CDLL(None, use_errno=True)
            init, self._fanotify_mark = library.fanotify_init, library.fanotify_mark
        except AttributeError as exc:
            raise OSError("fanotify is Linux's") from exc
        init.argtypes = (ctypes.c_uint, ctypes.c_uint)
        self._fanotify_mark.argtypes = (
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint64,
            ctypes.c_int,
            ctypes.c_char_p,
        )
        # The descriptors that come with events are opened, too: a pipe must not have us wait.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        self._descriptor: int = init(
            _CLASS_CONTENT | _CLOEXEC | _NONBLOCK | _UNLIMITED_QUEUE | _UNLIMITED_MARKS, flags
        )
        if self._descriptor < 0:
            raise _failure()
        # Without a free descriptor for it an opening would be refused, not only not told of.
        self._reserve = os.dup(self._descriptor)
        self._watched: dict[int, Callable[[], None]] = {}
        """By number of device. The kernel uses one again when its file system is gone: so this does
        not grow beyond how many there have been at a time."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._answer)

    def watch(self, folder: int, name: str, on_first: Callable[[], None]) -> None:
        """Call `on_first` before anything is first opened in a file system.

        Its root is `name` in a folder that is given by a descriptor. Raises OSError.
        """
        device = os.stat(name, dir_fd=folder).st_dev
        self._mark(_ADD, folder, name.encode())
        self._watched[device] = on_first

    def close(self) -> None:
        """Watch no longer; who waits goes on. Safe to repeat."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
            self._free_reserve()

    def _answer(self) -> None:
        """Let one go on that waits; the first, when all is ready for it."""
        self._free_reserve()
        opened = self._next()
        try:
            if opened == _NO_EVENT:
                return
            on_first = self._watched.pop(os.fstat(opened).st_dev, None)
            with contextlib.suppress(OSError):  # it is gone already
                self._mark(_REMOVE, opened, None)
            if on_first is not None:
                on_first()
        finally:
            if opened != _NO_EVENT:
                # Not after the answer: a pipe must have no reader that it is not meant to have.
                os.close(opened)
                with contextlib.suppress(OSError):  # it was killed meanwhile
                    os.write(self._descriptor, _ANSWER.pack(opened, _ALLOW))
            with contextlib.suppress(OSError):  # somebody was quicker
                self._reserve = os.dup(self._descriptor)

    def _free_reserve(self) -> None:
        if self._reserve >= 0:
            os.close(self._reserve)
            self._reserve = -1

    def _next(self) -> int:
        try:
            event = os.read(self._descriptor, _EVENT.size)
        except OSError:
            return _NO_EVENT  # it was killed meanwhile, or it is nothing that can be opened
        opened: int = _EVENT.unpack(event)[5]
        return opened

    def _mark(self, what: int, folder: int, path: bytes | None) -> None:
        if self._fanotify_mark(
            self._descriptor, what | _FILE_SYSTEM, _OPEN_PERMISSION, folder, path
        ):
            raise _failure()


def _failure() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
