"""Connections whose other end goes silent, as if its machine had lost power."""

import asyncio
import ctypes
import fcntl
import socket
import struct
import termios

_SO_ATTACH_FILTER = 26
_KEEP_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF_RET | BPF_K: 0 bytes of each packet


async def silence(transport: asyncio.BaseTransport) -> None:
    """Let a connection's own kernel neither hear nor acknowledge anything of the other end."""
    channel = transport.get_extra_info("socket")
    # What it has said is acknowledged first: it would be said again and again, and be heard.
    while struct.unpack("i", fcntl.ioctl(channel.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    program = ctypes.create_string_buffer(_KEEP_NOTHING)
    described = struct.pack("HxxxxxxP", 1, ctypes.addressof(program))
    channel.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
