"""Noticing that the machine at the other end of a connection has gone without a word.

A machine that has lost power closes nothing, and a kernel asks by itself only after hours. With
`notice` it asks at once, and gives the connection up when nothing has been heard for so long: be it
idle, or with something said that nobody acknowledges. A process that is merely slow is not given
up, as its kernel answers.
"""

import asyncio
import contextlib
import socket

NODE_S = 4.0
"""What gateways go by: twice the time for which a network may well stutter."""
_QUESTIONS = 3


def notice(transport: asyncio.BaseTransport, within_s: float) -> None:
    """Have a TCP connection closed, with an error, after so much silence; a second more at most.

    What is no TCP connection is left alone: its other end is on this machine.
    """
    channel = transport.get_extra_info("socket")
    if channel is None or channel.family not in (socket.AF_INET, socket.AF_INET6):
        return
    every_s = max(1, int(within_s / (_QUESTIONS + 1)))
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", every_s),
        ("TCP_KEEPINTVL", every_s),
        ("TCP_KEEPCNT", _QUESTIONS),
        ("TCP_USER_TIMEOUT", int(within_s * 1000)),
    ):
        # Not every system has all of them; one is better than none.
        if (option := getattr(socket, name, None)) is not None:
            with contextlib.suppress(OSError):
                channel.setsockopt(socket.IPPROTO_TCP, option, value)
