"""The agent's end of a child's control socket: frames in, frames out.

A frame is a 4-byte length, a byte of kind and a payload (see `inglenook_runtime`). What arrives
goes to the channel's `listener`; before there is one nothing can arrive, because a spare does not
speak first. A payload over the limit is read and dropped, never kept; a large one is read into the
buffer that is handed over.
"""

import asyncio
from typing import Protocol, cast

from inglenook.model import limits
from inglenook.wire.connection import Body

_LENGTH_BYTES = 4
_HEAD_BYTES = _LENGTH_BYTES + 1
# An answer at the limit, with room for the error type that goes before an error's payload.
_FRAME_BYTES_MAX = limits.RESPONSE_BYTES_MAX + 1024
# Up to here one copy costs less than a second write.
_JOINED_BYTES_MAX = 64 * 1024
_LARGE_BYTES_MIN = 128 * 1024


class ChannelListener(Protocol):
    """Who hears a child. Called on the event loop; must not raise."""

    def frame(self, kind: int, payload: Body | None) -> None:
        """Take a frame; None stands for a payload that was too large to keep."""

    def lost(self) -> None:
        """Learn that the child has closed its end, or died."""


class Channel(asyncio.Protocol):
    """One control socket."""

    def __init__(self) -> None:
        self.listener: ChannelListener | None = None
        self.is_lost = False
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._wanted = _HEAD_BYTES
        self._skip = 0
        self._skipped_kind = 0
        self._large: bytearray | None = None
        """The payload of a large frame, of which some is still to come."""
        self._large_kind = 0
        self._filled = 0

    def send(self, kind: bytes, head: bytes, body: Body = b"") -> None:
        """Send a frame whose payload is `head` and then `body`."""
        if self._transport is None or self.is_lost:
            return
        length = 1 + len(head) + len(body)
        begin = length.to_bytes(_LENGTH_BYTES, "big") + kind + head
        if len(body) <= _JOINED_BYTES_MAX:
            self._transport.write(b"".join((begin, body)))
        else:
            self._transport.write(begin)
            self._transport.write(body)

    def close(self) -> None:
        """Close without another word, and hear nothing more."""
        self.listener = None
        self.is_lost = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if self.listener is not None:
            self.listener.lost()

    def data_received(self, data: bytes) -> None:
        if self._large is not None:
            data = self._fill(self._large, data)
            if not data:
                return
        if (
            not self._buffer
            and not self._skip
            and len(data) >= _HEAD_BYTES
            and int.from_bytes(data[:_LENGTH_BYTES], "big") == len(data) - _LENGTH_BYTES
        ):
            self._hand_over(data[_LENGTH_BYTES], data[_HEAD_BYTES:])
            return
        if self._skip:
            data = self._skipped(data)
        self._buffer += data
        while len(self._buffer) >= self._wanted and self._take():
            pass

    def _take(self) -> bool:
        """Take one frame off the buffer; answer whether there may be another."""
        buffer = self._buffer
        length = int.from_bytes(buffer[:_LENGTH_BYTES], "big")
        end = _LENGTH_BYTES + length
        if length > _FRAME_BYTES_MAX:
            self._skipped_kind = buffer[_LENGTH_BYTES]
            self._skip = end
            self._buffer = bytearray()
            self._wanted = _HEAD_BYTES
            self._buffer += self._skipped(bytes(buffer))
            return True
        if len(buffer) < end:
            if length > _LARGE_BYTES_MIN:
                # Whole from the start: one that grows is moved again and again.
                self._large = bytearray(length - 1)
                self._large_kind = buffer[_LENGTH_BYTES]
                self._filled = 0
                self._buffer = bytearray()
                self._wanted = _HEAD_BYTES
                self._fill(self._large, memoryview(buffer)[_HEAD_BYTES:])
            else:
                self._wanted = end
            return False
        self._wanted = _HEAD_BYTES
        kind = buffer[_LENGTH_BYTES]
        if len(buffer) == end:
            # The usual case: the buffer itself is handed over, uncopied.
            self._buffer = bytearray()
            self._hand_over(kind, memoryview(buffer)[_HEAD_BYTES:])
            return False
        payload = bytes(buffer[_HEAD_BYTES:end])
        del buffer[:end]
        self._hand_over(kind, payload)
        return True

    def _fill(self, large: bytearray, data: bytes | memoryview) -> bytes:
        """Take what belongs to a large frame; return what comes behind it."""
        begin, end = self._filled, min(len(large), self._filled + len(data))
        large[begin:end] = data if len(data) == end - begin else data[: end - begin]
        self._filled = end
        if end == len(large):
            self._large = None
            self._hand_over(self._large_kind, large)
        return bytes(data[end - begin :])

    def _skipped(self, data: bytes) -> bytes:
        gone = min(self._skip, len(data))
        self._skip -= gone
        if not self._skip:
            self._hand_over(self._skipped_kind, None)
        return data[gone:]

    def _hand_over(self, kind: int, payload: Body | None) -> None:
        if self.listener is not None:
            self.listener.frame(kind, payload)
