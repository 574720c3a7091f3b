"""Our end of the socket to a spawner: JSON messages and, beside them, descriptors, both ways.

(Protocol: `inglenook_runtime`.) A message is a 4-byte length and JSON. What does not fit into the
socket at once waits for the event loop. Nothing here waits, and nothing raises but OSError in the
constructor.
"""

import array
import asyncio
import collections
import os
import socket
from collections.abc import Callable, Mapping

import msgspec

_LENGTH_BYTES = 4
_READ_BYTES = 64 * 1024
_MESSAGE_BYTES_MAX = 1024 * 1024
_DESCRIPTORS_MAX = 16
_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Said(msgspec.Struct):
    """Any message of a spawner."""

    op: str
    id: int = 0
    pid: int = 0
    status: int = 0
    max_rss_kb: int = 0
    python: str = ""
    sandbox: bool = False
    walls: dict[str, str] = {}
    modes: tuple[str, ...] = ("python", "exec", "wrapper")
    """What its children can become (`setup.Mode`)."""
    packages: str | None = None
    storage_folder: str | None = None
    """Where it sees the storages, by their numbers, if it has any."""
    descriptors: list[str] = []
    """Names of those that came with it."""
    error: str = ""


Heard = Callable[[Said, Mapping[str, int]], None]
"""Take a message, and its descriptors by their names; they are the hearer's from now on."""


class Orders:
    """One socket, connected, from now to its end. `lost` is called once, unless `close` was."""

    def __init__(self, channel: socket.socket, heard: Heard, lost: Callable[[], None]) -> None:
        self._channel: socket.socket | None = channel
        self._heard = heard
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._descriptors: collections.deque[int] = collections.deque()
        self._decoder = msgspec.json.Decoder(Said)
        self._outbox: collections.deque[tuple[bytes, tuple[int, ...]]] = collections.deque()
        channel.setblocking(False)
        self._loop.add_reader(channel, self._read)

    def send(self, order: dict[str, object], *descriptors: int) -> None:
        """Give an order; the descriptors are closed here once they have gone."""
        text = msgspec.json.encode(order)
        self._outbox.append((len(text).to_bytes(_LENGTH_BYTES, "big") + text, descriptors))
        self._flush()

    def close(self) -> None:
        """Close our end. Safe to repeat."""
        channel, self._channel = self._channel, None
        if channel is not None:
            self._loop.remove_reader(channel)
            self._loop.remove_writer(channel)
            channel.close()
        for _, descriptors in self._outbox:
            _close_all(descriptors)
        self._outbox.clear()
        _close_all(self._descriptors)
        self._descriptors.clear()

    def _flush(self) -> None:
        """Send what waits, as far as it goes without blocking."""
        channel = self._channel
        if channel is None:
            for _, descriptors in self._outbox:
                _close_all(descriptors)
            self._outbox.clear()
            return
        while self._outbox:
            message, descriptors = self._outbox[0]
            rights = array.array("i", descriptors)
            beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
            try:
                # So far smaller than the socket's buffer that it goes whole or not at all.
                channel.sendmsg([message], beside)
            except BlockingIOError:
                self._loop.add_writer(channel, self._flush)
                return
            except OSError:
                return  # it has died; the reader hears it and cleans up
            self._outbox.popleft()
            _close_all(descriptors)
        self._loop.remove_writer(channel)

    def _read(self) -> None:
        channel = self._channel
        if channel is None:
            return
        room = socket.CMSG_SPACE(_DESCRIPTORS_MAX * array.array("i").itemsize)
        try:
            data, beside, _, _ = channel.recvmsg(_READ_BYTES, room, _CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            self._end()
            return
        for level, kind, payload in beside:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                rights = array.array("i")
                rights.frombytes(payload[: len(payload) - len(payload) % rights.itemsize])
                self._descriptors.extend(rights)
        if not data or not self._take(data):
            self._end()

    def _take(self, data: bytes) -> bool:
        """Hand over what is complete; answer whether it makes sense."""
        buffer = self._buffer
        buffer += data
        while self._channel is not None and len(buffer) >= _LENGTH_BYTES:
            length = int.from_bytes(buffer[:_LENGTH_BYTES], "big")
            if length > _MESSAGE_BYTES_MAX:
                return False
            if len(buffer) < _LENGTH_BYTES + length:
                break
            try:
                said = self._decoder.decode(bytes(buffer[_LENGTH_BYTES : _LENGTH_BYTES + length]))
            except msgspec.MsgspecError:
                return False
            del buffer[: _LENGTH_BYTES + length]
            if len(said.descriptors) > len(self._descriptors):
                return False
            self._heard(said, {name: self._descriptors.popleft() for name in said.descriptors})
        return True

    def _end(self) -> None:
        if self._channel is not None:
            self.close()
            self._lost()


def _close_all(descriptors: "collections.deque[int] | tuple[int, ...]") -> None:
    for descriptor in descriptors:
        os.close(descriptor)
