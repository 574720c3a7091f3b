"""Ports for servers that cannot choose one themselves."""

import functools
import itertools
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST = 10_000


def free(count: int = 1, host: str = "127.0.0.1") -> list[int]:
    """Return ports that nobody listens on, and that nobody is given who asks for any port.

    So they are still free a second later, when the server is up that is to have them.
    """
    return list(itertools.islice((port for port in _candidates() if _is_free(host, port)), count))


@functools.cache
def _candidates() -> Iterator[int]:
    """Yield ports below those of the kernel's choice, each of them once in a long while."""
    end = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else 32_768
    # Others who run these tests at the same time begin elsewhere.
    first = random.Random(os.getpid()).randrange(_FIRST, end)
    return itertools.cycle([*range(first, end), *range(_FIRST, first)])


def _is_free(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port)):
            return True
    except OSError:
        return False
