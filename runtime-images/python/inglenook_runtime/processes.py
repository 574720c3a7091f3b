"""A namespace of processes for every environment, and the init that it needs.

The first process of a namespace cannot be the function: the kernel shields it from signals, also
from its own. So every namespace has an *init* that does nothing but live: what is left to it the
kernel buries, and when it is killed the kernel kills all that is left in the namespace. The
function cannot signal it (it handles nothing), nor see or signal anything outside.

Inits are forked ahead by a *nursery*, a small process that the spawner forks before it has loaded
anything: so an init costs little memory. The function is the spawner's own child, forked into the
namespace: its number, its status and its memory are reported as without. Nursery and inits wait on
sockets and a pipe whose other end is the spawner's alone, and end with it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import struct
from typing import NoReturn

from inglenook_runtime import kernel

_AHEAD = 4
_PID = struct.Struct("=i")


class NurseryLostError(Exception):
    """There is nobody any more to make namespaces."""


class Nursery:
    """Has namespaces ready. To be made early, and only where there are no threads."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        lifeline, self._lifeline = os.pipe()
        if not os.fork():
            self.close()
            _nurse(theirs, lifeline)
        theirs.close()
        os.close(lifeline)
        for _ in range(_AHEAD):
            self._order()

    def enter(self) -> int:
        """Let the next child be born in a namespace of its own, and return the init of that.

        Waits for one when many are taken at once.
        """
        self._order()
        told = self._channel.recv(_PID.size)
        if not told:
            raise NurseryLostError
        (init,) = _PID.unpack(told)
        if init < 0:
            raise OSError("the machine, or this user, is at a limit of processes or namespaces")
        descriptor = os.open(f"/proc/{init}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        try:
            kernel.enter_processes(descriptor)
        finally:
            os.close(descriptor)
        return int(init)

    def close(self) -> None:
        """Leave it, in a child of the spawner."""
        self._channel.close()
        os.close(self._lifeline)

    def _order(self) -> None:
        try:
            self._channel.send(b"1")
        except ConnectionError as error:
            raise NurseryLostError from error


def end(init: int) -> None:
    """Kill all that is in a namespace."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(init, signal.SIGKILL)


def _nurse(channel: socket.socket, lifeline: int) -> NoReturn:
    """Make an init for every byte, until the spawner is gone.

    Whatever this loop writes to is copied for each init.
    """
    try:
        # Ignored, children are buried by the kernel: the nursery's, and what is left to an init.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        clone = kernel.cloner(kernel.NEW_PROCESSES)
        receive, send, pack = channel.recv, channel.send, _PID.pack
        close, read, descriptor = os.close, os.read, channel.fileno()
        gc.freeze()
        while receive(1):
            init = clone()
            if not init:
                close(descriptor)
                read(lifeline, 1)
                break
            send(pack(init))
    finally:
        os._exit(0)
