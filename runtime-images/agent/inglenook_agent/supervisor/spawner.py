"""The link to one spawner: a zygote that forks on our word (protocol: `inglenook_runtime`).

One `Spawner` is one spawner process, wherever it runs (`supervisor.local`, `supervisor.beside`).
When it dies its children are lost: they are killed, and reported as killed. Starting another is the
pool's business.
"""

import abc
import asyncio
import contextlib
import itertools
import os
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any

from inglenook_agent.supervisor.channel import Channel
from inglenook_agent.supervisor.orders import Orders, Said
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.storage import Storage

_CHANNEL_BYTES = 1024 * 1024
"""How much of a large event or answer may be on its way to or from a process; each time that this
is used up, both wait for each other."""


class SpawnError(Exception):
    """The interpreter's spawner does not come up, or does not fork."""


class CannotForkError(SpawnError):
    """The machine or this process is at a limit; the spawner, and what it has forked, are well."""


class Spawner(abc.ABC):
    """One spawner process and the children that it has forked for us."""

    def __init__(
        self,
        on_lost: Callable[[], None],
        *,
        timeout_s: float,
        on_terminating: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_terminating` hears that the spawner's container is asked to end."""
        self._on_lost = on_lost
        self._on_terminating = on_terminating
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._ids = itertools.count(1)
        self._forks: dict[int, asyncio.Future[int]] = {}
        self._children: dict[int, Process] = {}
        self._storages: dict[int, Storage] = {}
        self._early_ends: dict[int, tuple[int, int]] = {}
        self._orders: Orders | None = None
        self.is_lost = False
        self.has_sandbox = False
        """Whether its children can have /var/task, /opt and /tmp of their own."""
        self._has_storage = True
        """Whether they come with a `Storage`. Forks are ordered before it has said that not."""

    @abc.abstractmethod
    async def start(self) -> None:
        """Have the process and wait until it is ready, or raise `SpawnError`."""

    @abc.abstractmethod
    def kill(self) -> None:
        """Kill the process and all its children, at once."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Kill the process and all its children, and wait until it is gone."""

    @abc.abstractmethod
    def _kill_group(self, pid: int) -> None:
        """Kill a child's process group; one that is gone is no mistake."""

    def _pipe(self) -> tuple[int, int]:
        """Return a pipe for a child's output: our end and the child's."""
        return os.pipe()

    def _told(self, said: Said, descriptors: Mapping[str, int]) -> None:
        """Take what a spawner says when it is ready."""
        for descriptor in descriptors.values():
            os.close(descriptor)

    def _watch_storage(self, storage: Storage) -> None:
        """See to it that it is not used before we know of it, where that matters and can be."""
        del storage

    async def _meet(self, channel: socket.socket, *, name: str) -> None:
        """Begin to speak with a spawner, and wait until it is ready."""
        if self.is_lost:
            channel.close()
            raise SpawnError(f"{name} was not wanted any more")
        self._orders = Orders(channel, self._heard, self._end)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._ready
        except TimeoutError as exc:
            self.kill()
            raise SpawnError(f"{name} did not come up in {self._timeout_s:g} s") from exc

    async def fork(self, storage: Storage | None = None) -> Process:
        """Fork a spare, or raise `SpawnError`; `CannotForkError` when that is no fault of it.

        With a storage of this spawner's it is a process for that one, and comes with none.
        """
        if self.is_lost or self._orders is None:
            raise SpawnError("the spawner has ended")
        try:
            ours, theirs = socket.socketpair()
            with contextlib.ExitStack() as unless_piped:
                unless_piped.callback(ours.close)
                unless_piped.callback(theirs.close)
                output, their_output = self._pipe()
                unless_piped.pop_all()
        except OSError as exc:
            raise CannotForkError(f"cannot prepare a process: {exc}") from exc
        for end in (ours, theirs):
            # What is more than the kernel allows for is cut by it.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _CHANNEL_BYTES)
        ours.setblocking(False)
        os.set_blocking(output, False)
        try:
            fork, pid = await self._ask(theirs.detach(), their_output, storage)
        except BaseException:
            ours.close()
            os.close(output)
            raise
        channel = Channel()
        process = Process(pid, channel, output, has_sandbox=self.has_sandbox, kill=self._kill_group)
        self._children[pid] = process
        process.storage = self._storages.get(fork)
        if process.storage is not None:
            self._watch_storage(process.storage)
        if (early := self._early_ends.pop(pid, None)) is not None:
            del self._children[pid]
            process.ended(*early)
        await self._loop.create_unix_connection(lambda: channel, sock=ours)
        return process

    def keeps(self, storage: Storage) -> bool:
        """Answer whether it is this spawner that has the storage."""
        return self._storages.get(storage.number) is storage

    async def _ask(self, control: int, output: int, storage: Storage | None) -> tuple[int, int]:
        """Order a child; return its number and its pid."""
        fork = next(self._ids)
        forked = self._forks[fork] = self._loop.create_future()
        order: dict[str, object] = {"op": "fork", "id": fork}
        if storage is not None:
            order["storage"] = storage.number
        elif self._has_storage:
            self._storages[fork] = Storage(fork, self._release)
        self._order(order, control, output)
        try:
            async with asyncio.timeout(self._timeout_s):
                pid: int = await forked
                return fork, pid
        except BaseException as exc:
            if (unused := self._storages.get(fork)) is not None:
                unused.release()
            if isinstance(exc, TimeoutError):
                raise SpawnError(f"no fork in {self._timeout_s:g} s") from exc
            raise
        finally:
            self._forks.pop(fork, None)

    def _lose_storages(self) -> None:
        storages, self._storages = self._storages, {}
        for storage in storages.values():
            storage.is_gone = True

    def _release(self, storage: Storage) -> None:
        del self._storages[storage.number]
        if not self.is_lost:
            self._order({"op": "release", "id": storage.number})

    def _order(self, order: dict[str, object], *descriptors: int) -> None:
        if self._orders is not None:
            self._orders.send(order, *descriptors)

    def _heard(self, said: Said, descriptors: Mapping[str, int]) -> None:
        match said.op:
            case "ready":
                self._is_ready(said, descriptors)
            case "forked":
                forked = self._forks.get(said.id)
                if forked is None or forked.done():
                    self._kill_group(said.pid)  # nobody waits for it any more
                else:
                    forked.set_result(said.pid)
            case "exited":
                self._exited(said)
            case "used":
                if (storage := self._storages.get(said.id)) is not None:  # else it was released
                    storage.used()
            case "terminating":
                self._on_terminating()
            case _:
                forked = self._forks.get(said.id)
                if forked is not None and not forked.done():
                    forked.set_exception(SpawnError(said.error or f"the spawner says {said.op}"))

    def _is_ready(self, said: Said, descriptors: Mapping[str, int]) -> None:
        self.has_sandbox = said.sandbox
        if said.walls.get("storage") != "":
            self._has_storage = False
            self._lose_storages()
        self._told(said, descriptors)
        if not self._ready.done():
            self._ready.set_result(None)

    def _exited(self, said: Said) -> None:
        process = self._children.pop(said.pid, None)
        forked = self._forks.get(said.id)
        if not said.pid and forked is not None and not forked.done():
            forked.set_exception(CannotForkError("the machine cannot fork"))
        elif process is not None:
            process.ended(said.status, said.max_rss_kb)
        elif self._forks:
            self._early_ends[said.pid] = (said.status, said.max_rss_kb)

    def _end(self) -> None:
        """Let go of everything, once: children, waiting forks, descriptors."""
        if self.is_lost:
            return
        self.is_lost = True
        if self._orders is not None:
            self._orders.close()
        lost = SpawnError("the spawner has ended")
        waiting: list[asyncio.Future[Any]] = [self._ready, *self._forks.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(lost)
                _ = future.exception()  # whoever waits hears it; perhaps nobody does
        self._lose_storages()
        children, self._children = self._children, {}
        for child in children.values():
            child.kill()
            child.ended(-signal.SIGKILL)
        self._on_lost()
