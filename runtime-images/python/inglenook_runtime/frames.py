"""Frames on a child's control socket: a length, a kind, a payload.

Large ones pass without being copied together, and the buffer of a large one is given back.
"""

from __future__ import annotations

import socket
from typing import Optional

SETUP = ord("S")
EVENT = ord("E")
READY = ord("R")
INIT_ERROR = ord("I")
ANSWER = ord("A")
FAILURE = ord("F")

Frame = Optional[tuple[int, memoryview]]  # noqa: UP045 - evaluated, and Python 3.9 has no |

_HEAD = 5
_ORDINARY = 65536


class Control:
    """This child's end of its control socket. Blocking; for the main thread only."""

    def __init__(self, channel: socket.socket) -> None:
        channel.setblocking(True)
        self._channel = channel
        self._buffer = bytearray(_ORDINARY)
        self._view = memoryview(self._buffer)
        self._next = 0
        self._end = 0

    def is_waiting(self) -> bool:
        """Whether nothing has come yet."""
        try:
            self._channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        return False

    def receive(self) -> Frame:
        """Return kind and payload, valid until the next call; `None` when the agent is gone."""
        have = self._take_rest()
        view = self._view
        while have < _HEAD:
            count = self._channel.recv_into(view[have:])
            if not count:
                return None
            have += count
        size = _HEAD - 1 + int.from_bytes(view[:4], "big")
        if size > len(view):
            view = self._grow(size, have)
        while have < size:
            count = self._channel.recv_into(view[have:])
            if not count:
                return None
            have += count
        self._next, self._end = size, have
        return view[4], view[_HEAD:size]

    def send(self, kind: int, payload: bytes | bytearray) -> None:
        head = (len(payload) + 1).to_bytes(4, "big") + bytes((kind,))
        if len(payload) <= _ORDINARY:
            self._channel.sendall(head + payload)
            return
        sent = self._channel.sendmsg((head, payload))
        if sent < len(payload) + _HEAD:
            if sent < _HEAD:
                self._channel.sendall(head[sent:])
                sent = _HEAD
            self._channel.sendall(memoryview(payload)[sent - _HEAD :])

    def _take_rest(self) -> int:
        """Bring what came after the last frame to the front, and return how much it is."""
        rest = self._end - self._next
        if rest or len(self._buffer) > _ORDINARY:
            kept = self._view[self._next : self._end]
            self._buffer = bytearray(max(_ORDINARY, rest))
            self._buffer[:rest] = kept
            self._view = memoryview(self._buffer)
        self._next = self._end = 0
        return rest

    def _grow(self, size: int, have: int) -> memoryview:
        larger = bytearray(size)
        larger[:have] = self._view[:have]
        self._buffer = larger
        self._view = memoryview(larger)
        return self._view


def failure_payload(error_type: str, payload: bytes) -> bytes:
    """Lay out what `INIT_ERROR` and `FAILURE` carry."""
    name = error_type.encode("utf-8", "replace")[:255]
    name = name.decode("utf-8", "ignore").encode()
    return bytes((len(name),)) + name + payload
