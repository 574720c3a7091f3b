"""Read a process's output pipe without ever waiting for it."""

import array
import asyncio
import contextlib
import fcntl
import os
import termios
from collections.abc import Callable

from inglenook_agent.environment.splitter import Splitter

_CHUNK_BYTES = 64 * 1024
# At the answer the pipe is read until it is empty, or this often: a process that writes without end
# must not hold the answer, nor the loop, for ever.
_DRAIN_READS_MAX = 64


class Output:
    """One pipe and the events cut from it."""

    __slots__ = ("_fd", "_is_open", "_loop", "_on_events", "_splitter")

    # What one call of the kernel's writes into; there is one thread.
    _count = array.array("i", [0])

    def __init__(self, fd: int, mark: bytes, on_events: Callable[[list[str]], None]) -> None:
        self._fd = fd
        self._splitter = Splitter(mark)
        self._on_events = on_events
        self._loop = asyncio.get_running_loop()
        self._is_open = True
        self._loop.add_reader(fd, self._read)

    def drain(self) -> list[str]:
        """Return the events of all that has been written, an unfinished line included."""
        if not self._has_more():
            return self._splitter.flush()
        events: list[str] = []
        for _ in range(_DRAIN_READS_MAX):
            chunk = self._chunk()
            if not chunk:
                break
            events += self._splitter.feed(chunk)
        return events + self._splitter.flush()

    def close(self) -> None:
        """Read no more. What still writes to the pipe is told by SIGPIPE. Safe to repeat."""
        self._stop()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _has_more(self) -> bool:
        """Whether anything waits in the pipe: most functions have nothing to say.

        A quarter of what it costs to be told by an exception.
        """
        if not self._is_open:
            return False
        fcntl.ioctl(self._fd, termios.FIONREAD, self._count)
        return self._count[0] > 0

    def _read(self) -> None:
        chunk = self._chunk()
        if chunk and (events := self._splitter.feed(chunk)):
            self._on_events(events)

    def _chunk(self) -> bytes:
        if not self._is_open:
            return b""
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self._fd, _CHUNK_BYTES)
            if not chunk:
                self._stop()
            return chunk
        return b""

    def _stop(self) -> None:
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._fd)
