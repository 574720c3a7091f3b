"""A spawner on this machine: a child of ours, and our own view of its children."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from inglenook_agent.limits.openings import Openings
from inglenook_agent.supervisor import libraries
from inglenook_agent.supervisor.orders import Said
from inglenook_agent.supervisor.spawner import Spawner, SpawnError
from inglenook_agent.supervisor.storage import Storage


class LocalSpawner(Spawner):
    """Start an interpreter as a spawner, and kill by process number."""

    def __init__(
        self,
        on_lost: Callable[[], None],
        *,
        interpreter: Path,
        client: Path,
        variables: dict[str, str],
        timeout_s: float,
        openings: Openings | None = None,
    ) -> None:
        """With `openings`, who first opens a file in a storage waits until we know of it."""
        super().__init__(on_lost, timeout_s=timeout_s)
        self._interpreter = interpreter
        self._client = client
        self._variables = variables
        self._openings = openings
        self._storage_folder = -1
        """Where the spawner sees the storages, by their numbers."""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        try:
            ours, theirs = socket.socketpair()
        except OSError as exc:
            raise SpawnError(f"{self._interpreter} cannot be started: {exc}") from exc
        with theirs:
            try:
                with libraries.slots(self._client) as slots:
                    self._process = await asyncio.create_subprocess_exec(
                        *(str(self._interpreter), "-I", "-S", str(self._client)),
                        str(theirs.fileno()),
                        stdin=asyncio.subprocess.DEVNULL,
                        stdout=asyncio.subprocess.DEVNULL,
                        env=self._variables | libraries.variables(slots),
                        pass_fds=(theirs.fileno(), *slots),
                        start_new_session=True,
                    )
            except BaseException as exc:
                ours.close()
                self._end()
                if isinstance(exc, OSError):
                    raise SpawnError(f"{self._interpreter} cannot be started: {exc}") from exc
                raise
        await self._meet(ours, name=str(self._interpreter))

    def kill(self) -> None:
        self._end()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        self.kill()
        if self._process is not None:
            await self._process.wait()

    def _told(self, said: Said, descriptors: Mapping[str, int]) -> None:
        super()._told(said, descriptors)
        if (
            self._openings is not None
            and said.storage_folder is not None
            and self._process is not None
        ):
            seen = f"/proc/{self._process.pid}/root{said.storage_folder}"
            with contextlib.suppress(OSError):  # it has ended
                self._storage_folder = os.open(seen, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def _watch_storage(self, storage: Storage) -> None:
        if self._openings is not None and self._storage_folder >= 0:
            with contextlib.suppress(OSError):  # it has ended, or its use is heard of later
                self._openings.watch(self._storage_folder, str(storage.number), storage.used)

    def _end(self) -> None:
        folder, self._storage_folder = self._storage_folder, -1
        if folder >= 0:
            os.close(folder)
        super()._end()

    def _kill_group(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
