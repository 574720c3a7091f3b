"""The spawner's end of its socket to the agent: JSON messages, with descriptors beside them."""

from __future__ import annotations

import array
import collections
import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Message = tuple[dict[str, Any], list[int]]

_LENGTH = 4
_DESCRIPTORS_MAX = 64
_INT = array.array("i").itemsize
_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_WANTED = {"fork": 2}


class Orders:
    """Messages of the agent, each with the descriptors that it needs.

    Descriptors arrive no later than the bytes they belong to and in the same order, so a queue of
    them is enough, however the stream is cut.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._buffer = bytearray()
        self._descriptors: collections.deque[int] = collections.deque()

    def fileno(self) -> int:
        return self._channel.fileno()

    def close(self) -> None:
        self._channel.close()

    def send(self, message: dict[str, Any], descriptors: Iterable[int] = ()) -> None:
        """Say something; the descriptors stay the caller's."""
        body = json.dumps(message).encode()
        frame = len(body).to_bytes(_LENGTH, "big") + body
        rights = array.array("i", descriptors)
        if rights:
            sent = self._channel.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            frame = frame[sent:]
        self._channel.sendall(frame)

    def receive(self) -> list[Message] | None:
        """Read once and return the complete messages; `None` at the end of the stream."""
        room = socket.CMSG_SPACE(_DESCRIPTORS_MAX * _INT)
        data, ancillary, _, _ = self._channel.recvmsg(65536, room, _CLOEXEC)
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(payload[: len(payload) - len(payload) % _INT])
                self._descriptors.extend(numbers)
        if not data:
            return None
        self._buffer += data
        messages: list[Message] = []
        while len(self._buffer) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._buffer[:_LENGTH], "big")
            if len(self._buffer) < end:
                break
            message = json.loads(bytes(self._buffer[_LENGTH:end]))
            del self._buffer[:end]
            wanted = _WANTED.get(message["op"], 0)
            messages.append((message, [self._descriptors.popleft() for _ in range(wanted)]))
        return messages
