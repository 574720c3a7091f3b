"""Messages as frames on a byte stream: TCP between pods, a Unix socket on one machine.

A frame is four big-endian numbers and two byte strings:

    u32 length of all that follows | u32 stream | u32 length of the header | header | body

The header is the message's struct in MessagePack; the body is carried as it is. A peer that breaks
the framing, or exceeds `FRAME_BYTES_MAX`, is disconnected: there is no way to find the next frame.
"""

import asyncio
import struct
from typing import cast

import msgspec

from inglenook.model import limits
from inglenook.wire.connection import Body, Inbox, Receiver
from inglenook.wire.messages import Header

FRAME_BYTES_MAX = 4 * limits.PAYLOAD_BYTES_MAX
"""An event or an answer with its header, and room to spare; bounds what a peer can make us hold."""

_PREFIX = struct.Struct(">III")
_LENGTH_BYTES = 4
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Header] = msgspec.msgpack.Decoder(Header)


class FrameError(Exception):
    """The peer does not speak the frame protocol."""


def encode(stream: int, header: Header, body: Body = b"") -> tuple[bytes, Body]:
    """Return a frame as its head and its untouched body."""
    encoded = _encoder.encode(header)
    length = _PREFIX.size - _LENGTH_BYTES + len(encoded) + len(body)
    return _PREFIX.pack(length, stream, len(encoded)) + encoded, body


class Decoder:
    """Cut a stream of bytes into messages, however they arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, Header, bytes]]:
        """Return the messages that `data` completes. Raises FrameError; nothing follows it."""
        buffer = self._buffer
        buffer += data
        messages = []
        start = 0
        while len(buffer) - start >= _PREFIX.size:
            length, stream, header_length = _PREFIX.unpack_from(buffer, start)
            if length > FRAME_BYTES_MAX or header_length > length - 8:
                raise FrameError(f"a frame of {length} bytes with a header of {header_length}")
            end = start + _LENGTH_BYTES + length
            if len(buffer) < end:
                break
            body_start = start + _PREFIX.size + header_length
            # A view of the buffer would pin it against growing; both slices are the one copy made.
            encoded = bytes(buffer[start + _PREFIX.size : body_start])
            try:
                header = _decoder.decode(encoded)
            except msgspec.MsgspecError as error:
                raise FrameError(str(error)) from error
            messages.append((stream, header, bytes(buffer[body_start:end])))
            start = end
        if start:
            del buffer[:start]
        return messages


class StreamConnection(asyncio.Protocol):
    """A `wire.connection.Connection` over an asyncio transport.

    Make it through `loop.create_connection`, `create_unix_connection` or a server's factory.
    Messages that arrive before `open` wait for the receiver. What is sent while the loop handles
    what it has been told of leaves together, once it has: under load that is one packet, and one
    waking of the peer, for many messages.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._sending: list[Body] = []
        self._decoder = Decoder()
        self._inbox = Inbox()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._decoder.feed(data)
        except FrameError as error:
            self.close(f"the peer does not speak our protocol: {error}")
            return
        for message in messages:
            self._inbox.deliver(*message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._inbox.end("the peer closed the connection" if exc is None else str(exc))

    def open(self, receiver: Receiver) -> None:
        self._inbox.open(receiver)

    def send(self, stream: int, header: Header, body: Body = b"") -> None:
        if self._inbox.has_ended or self._transport is None:
            return
        if not self._sending:
            asyncio.get_running_loop().call_soon(self._send_all)
        self._sending += encode(stream, header, body)

    def _send_all(self) -> None:
        sending, self._sending = self._sending, []
        if sending and self._transport is not None and not self._inbox.has_ended:
            self._transport.writelines(sending)

    def close(self, reason: str = "closed") -> None:
        if self._transport is not None:
            self._send_all()
            self._transport.close()
        self._inbox.end(reason)
