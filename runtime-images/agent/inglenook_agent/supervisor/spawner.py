"""The link to one spawner: a zygote that forks on our word (protocol: `inglenook_runtime`).

One `Spawner` is one spawner process. When it dies its children are lost: they are killed, and
reported as killed. Starting another is the pool's business. Descriptors are sent with `sendmsg` on
a socket that does not block; what does not fit at once waits for the event loop.
"""

import array
import asyncio
import collections
import contextlib
import itertools
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec

from inglenook_agent.supervisor import libraries
from inglenook_agent.supervisor.channel import Channel
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.storage import Storage

_LENGTH_BYTES = 4


class SpawnError(Exception):
    """The interpreter's spawner does not come up, or does not fork."""


class CannotForkError(SpawnError):
    """The machine or this process is at a limit; the spawner, and what it has forked, are well."""


class _Said(msgspec.Struct):
    """Any message of a spawner."""

    op: str
    id: int = 0
    pid: int = 0
    status: int = 0
    max_rss_kb: int = 0
    python: str = ""
    sandbox: bool = False
    walls: dict[str, str] = {}
    error: str = ""


class Spawner(asyncio.Protocol):
    """One spawner process and the children that it has forked for us."""

    def __init__(self, on_lost: Callable[[], None], *, timeout_s: float) -> None:
        self._on_lost = on_lost
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[str] = self._loop.create_future()
        self._ids = itertools.count(1)
        self._forks: dict[int, asyncio.Future[int]] = {}
        self._children: dict[int, Process] = {}
        self._storages: dict[int, Storage] = {}
        self._early_ends: dict[int, tuple[int, int]] = {}
        self._buffer = bytearray()
        self._decoder = msgspec.json.Decoder(_Said)
        self._outbox: collections.deque[tuple[bytes, tuple[int, ...]]] = collections.deque()
        self._sender: socket.socket | None = None
        self._transport: asyncio.BaseTransport | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.is_lost = False
        self.python = ""
        """The interpreter's version, once it is ready."""
        self.has_sandbox = False
        """Whether its children can have /var/task, /opt and /tmp of their own."""
        self._has_storage = True
        """Whether they come with a `Storage`. Forks are ordered before it has said that not."""

    async def start(self, interpreter: Path, client: Path, variables: dict[str, str]) -> None:
        """Start the process and wait until it is ready, or raise `SpawnError`."""
        try:
            ours, theirs = socket.socketpair()
        except OSError as exc:
            raise SpawnError(f"{interpreter} cannot be started: {exc}") from exc
        with theirs:
            try:
                ours.setblocking(False)
                self._sender = ours.dup()
                self._sender.setblocking(False)
                await self._loop.create_unix_connection(lambda: self, sock=ours)
                with libraries.slots(client) as slots:
                    self._process = await asyncio.create_subprocess_exec(
                        *(str(interpreter), "-I", "-S", str(client), str(theirs.fileno())),
                        stdin=asyncio.subprocess.DEVNULL,
                        stdout=asyncio.subprocess.DEVNULL,
                        env=variables | libraries.variables(slots),
                        pass_fds=(theirs.fileno(), *slots),
                        start_new_session=True,
                    )
            except OSError as exc:
                self._end()
                raise SpawnError(f"{interpreter} cannot be started: {exc}") from exc
        try:
            async with asyncio.timeout(self._timeout_s):
                self.python = await self._ready
        except TimeoutError as exc:
            self.kill()
            raise SpawnError(f"{interpreter} did not come up in {self._timeout_s:g} s") from exc

    async def fork(self, storage: Storage | None = None) -> Process:
        """Fork a spare, or raise `SpawnError`; `CannotForkError` when that is no fault of it.

        With a storage of this spawner's it is a process for that one, and comes with none.
        """
        if self.is_lost or self._sender is None:
            raise SpawnError("the spawner has ended")
        try:
            ours, theirs = socket.socketpair()
            with contextlib.ExitStack() as unless_piped:
                unless_piped.callback(ours.close)
                unless_piped.callback(theirs.close)
                output, their_output = os.pipe()
                unless_piped.pop_all()
        except OSError as exc:
            raise CannotForkError(f"cannot prepare a process: {exc}") from exc
        ours.setblocking(False)
        os.set_blocking(output, False)
        try:
            fork, pid = await self._ask(theirs.detach(), their_output, storage)
        except BaseException:
            ours.close()
            os.close(output)
            raise
        channel = Channel()
        process = Process(pid, channel, output, has_sandbox=self.has_sandbox)
        self._children[pid] = process
        process.storage = self._storages.get(fork)
        if (early := self._early_ends.pop(pid, None)) is not None:
            del self._children[pid]
            process.ended(*early)
        await self._loop.create_unix_connection(lambda: channel, sock=ours)
        return process

    def kill(self) -> None:
        """Kill the process and all its children, at once."""
        self._end()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        """Kill the process and wait for its end."""
        self.kill()
        if self._process is not None:
            await self._process.wait()

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
        text = msgspec.json.encode(order)
        self._outbox.append((len(text).to_bytes(_LENGTH_BYTES, "big") + text, descriptors))
        self._flush()

    def _flush(self) -> None:
        """Send what waits, as far as it goes without blocking."""
        sender = self._sender
        if sender is None:
            return
        while self._outbox:
            message, descriptors = self._outbox[0]
            rights = array.array("i", descriptors)
            beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
            try:
                # So far smaller than the socket's buffer that it goes whole or not at all.
                sender.sendmsg([message], beside)
            except BlockingIOError:
                self._loop.add_writer(sender, self._flush)
                return
            except OSError:
                return  # it has died; connection_lost follows and cleans up
            self._outbox.popleft()
            for descriptor in descriptors:
                os.close(descriptor)
        self._loop.remove_writer(sender)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while len(buffer) >= _LENGTH_BYTES:
            end = _LENGTH_BYTES + int.from_bytes(buffer[:_LENGTH_BYTES], "big")
            if len(buffer) < end:
                break
            said = self._decoder.decode(bytes(buffer[_LENGTH_BYTES:end]))
            del buffer[:end]
            self._heard(said)

    def _heard(self, said: _Said) -> None:
        match said.op:
            case "ready":
                self.has_sandbox = said.sandbox
                if said.walls.get("storage") != "":
                    self._has_storage = False
                    self._lose_storages()
                if not self._ready.done():
                    self._ready.set_result(said.python)
            case "forked":
                forked = self._forks.get(said.id)
                if forked is None or forked.done():
                    with contextlib.suppress(ProcessLookupError):  # nobody waits for it any more
                        os.killpg(said.pid, signal.SIGKILL)
                else:
                    forked.set_result(said.pid)
            case "exited":
                self._exited(said)
            case "used" if said.id in self._storages:
                self._storages[said.id].used()
            case "used":
                pass  # it has been released meanwhile
            case _:
                forked = self._forks.get(said.id)
                if forked is not None and not forked.done():
                    forked.set_exception(SpawnError(said.error or f"the spawner says {said.op}"))

    def _exited(self, said: _Said) -> None:
        process = self._children.pop(said.pid, None)
        forked = self._forks.get(said.id)
        if not said.pid and forked is not None and not forked.done():
            forked.set_exception(CannotForkError("the machine cannot fork"))
        elif process is not None:
            process.ended(said.status, said.max_rss_kb)
        elif self._forks:
            self._early_ends[said.pid] = (said.status, said.max_rss_kb)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        """Let go of everything, once: children, waiting forks, descriptors."""
        if self.is_lost:
            return
        self.is_lost = True
        if self._sender is not None:
            self._loop.remove_writer(self._sender)
            self._sender.close()
            self._sender = None
        if self._transport is not None:
            cast("asyncio.Transport", self._transport).abort()
        for _, descriptors in self._outbox:
            for descriptor in descriptors:
                os.close(descriptor)
        self._outbox.clear()
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
