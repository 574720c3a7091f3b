"""Starting in the function's container, beside an agent in a container of its own.

The agent listens on a Unix socket in a folder that both containers have, and may come up later than
this program. It sees neither our processes nor our control groups: so it is given descriptors to
read of them, opened here.

What an agent in our own container does before it starts a spawner, opening the slots for shared
libraries (see `libraries`), the spawner does itself, and begins anew: the dynamic loader reads
LD_LIBRARY_PATH once.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from typing import NoReturn

from inglenook_runtime import libraries, usage

_SLOTS = 8
"""Lambda's own LD_LIBRARY_PATH has three folders that are a function's; it may name others."""
_WITHIN_S = 120.0
_PAUSE_S_FIRST = 0.01
_PAUSE_S_MAX = 0.25

_PROCESSES = "/proc"
_MEMORY_EVENTS = (
    "/sys/fs/cgroup/memory.events",
    "/sys/fs/cgroup/memory/memory.oom_control",
)
"""What counts the processes killed for want of memory: of control groups version 2, and 1."""


def begin_anew(path: str) -> NoReturn:
    """Execute this very program with slots, to connect to `path`."""
    package = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
    slots = [os.open(package, os.O_PATH | os.O_DIRECTORY) for _ in range(_SLOTS)]
    for slot in slots:
        os.set_inheritable(slot, True)
    places = ":".join(f"/proc/self/fd/{slot}" for slot in slots)
    command = [sys.executable, "-I", "-S", package, "--connect", path]
    os.execve(sys.executable, command, {**os.environ, libraries.VARIABLE: places})  # noqa: S606


def end_on_request() -> None:
    """Let SIGTERM end this program while it has no agent: the first of a container ignores it."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))


def connect(path: str) -> socket.socket:
    """Return the socket to the agent, which may take its time. Raise OSError if it never comes."""
    until = time.monotonic() + _WITHIN_S
    pause = _PAUSE_S_FIRST
    while True:
        channel = socket.socket(socket.AF_UNIX)
        try:
            channel.connect(path)
        except OSError:
            channel.close()
            if time.monotonic() > until:
                raise
        else:
            return channel
        time.sleep(pause)
        pause = min(2 * pause, _PAUSE_S_MAX)


def accounts(meter: usage.Meter) -> dict[str, int]:
    """Open what tells of this container, as far as the system has it: name to descriptor."""
    opened = {"processes": os.open(_PROCESSES, os.O_RDONLY | os.O_DIRECTORY)}
    opened["storage"] = meter.asking.detach()
    for path in _MEMORY_EVENTS:
        try:
            opened["memory_events"] = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        break
    return opened
