"""The spawner of a pod: in the function's container, beside the agent's (`inglenook_runtime`).

It connects to a Unix socket in a folder that both containers have. The first to connect is it: no
function runs before. Then nobody else can. Its process numbers mean nothing here, so killing is an
order, and memory is read through descriptors of its own (`limits.container`).
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from inglenook_agent.supervisor.orders import Said
from inglenook_agent.supervisor.spawner import Spawner, SpawnError


class Listener:
    """The socket that the spawner is to connect to, once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._listener: socket.socket | None = None
        self._channel: socket.socket | None = None
        self._is_over = asyncio.Event()
        """Whether nobody can connect any more."""

    def open(self) -> None:
        """Listen, for processes of our group as well. Raises OSError."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.setblocking(False)
            listener.bind(str(self._path))
            self._path.chmod(0o660)
            listener.listen(1)
        except BaseException:
            listener.close()
            raise
        self._listener = listener
        self._loop.add_reader(listener, self._accept)

    async def accept(self) -> socket.socket:
        """Wait for the spawner, as long as it takes. Raises SpawnError the second time."""
        await self._is_over.wait()
        channel, self._channel = self._channel, None
        if channel is None:
            raise SpawnError("the function's container has ended")
        return channel

    def close(self) -> None:
        """Listen no more. Safe to repeat."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            with contextlib.suppress(OSError):
                self._path.unlink()
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self._is_over.set()

    def _accept(self) -> None:
        if self._listener is None:
            return
        with contextlib.suppress(OSError):  # it has gone again
            channel, _ = self._listener.accept()
            self.close()
            self._channel = channel


class BesideSpawner(Spawner):
    """The spawner of the function's container."""

    def __init__(
        self,
        on_lost: Callable[[], None],
        *,
        listener: Listener,
        told: Callable[[Said, Mapping[str, int]], None],
        on_terminating: Callable[[], None],
        timeout_s: float,
    ) -> None:
        super().__init__(on_lost, timeout_s=timeout_s, on_terminating=on_terminating)
        self._listener = listener
        self._take = told

    async def start(self) -> None:
        # Not bounded: the function's image may have to be fetched first.
        await self._meet(await self._listener.accept(), name="the function's container")

    def sweep(self) -> None:
        """Have orphans killed from now on, whenever a child ends. Safe to repeat."""
        self._order({"op": "sweep"})

    def kill(self) -> None:
        # The end of its socket is the end of the spawner, and it kills its children.
        self._end()

    async def close(self) -> None:
        self.kill()

    def _kill_group(self, pid: int) -> None:
        self._order({"op": "kill", "pid": pid})

    def _pipe(self) -> tuple[int, int]:
        ours, theirs = super()._pipe()
        # Functions open /dev/stdout, and are another user than we are, of the same group.
        os.fchmod(theirs, 0o620)
        return ours, theirs

    def _told(self, said: Said, descriptors: Mapping[str, int]) -> None:
        self._take(said, descriptors)
