"""A real NATS server with JetStream, on a free port of this machine."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from support import nats_program, ports

_READY_S = 20.0


class NatsServer:
    """One server that can be killed and started again, with what it has stored."""

    def __init__(
        self, folder: Path, *, sync_always: bool = False, route: int = 0, routes: Sequence[int] = ()
    ) -> None:
        """Keep everything in `folder`; with `sync_always`, on the disk before it is answered.

        Be one of a cluster with `routes`, the ports of all its members, this one's own among them.
        """
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        [self._port] = ports.free()
        self._sync = "always" if sync_always else "2m"
        self._cluster = ""
        if routes:
            urls = ", ".join(f"'nats://127.0.0.1:{one}'" for one in routes)
            self._cluster = (
                f"server_name: server-{route}\n"
                f"cluster {{ name: test, listen: '127.0.0.1:{route}', routes: [{urls}] }}\n"
            )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    @property
    def log(self) -> Path:
        return self._folder / "log"

    def start(self) -> None:
        """Return when it can be connected to."""
        config = self._folder / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{self._port}\n"
            f"jetstream {{ store_dir: '{self._folder}/store', sync_interval: {self._sync} }}\n"
            f"{self._cluster}"
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [nats_program.found(), "-c", config],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + _READY_S
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise nats_program.NoNatsServerError(
                    f"nats-server did not start: {self.log.read_text()[-500:]}"
                )
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order. Safe to repeat."""
        self._end(signal.SIGTERM)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Have it fall silent for a while, with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def running(folder: Path, *, sync_always: bool = False) -> Iterator[NatsServer]:
    """Run a server."""
    server = NatsServer(folder, sync_always=sync_always)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def cluster(folder: Path, size: int = 3) -> Iterator[list[NatsServer]]:
    """Run several servers that replicate what they store."""
    routes = ports.free(size)
    servers = [NatsServer(folder / f"{one}", route=one, routes=routes) for one in routes]
    try:
        for server in servers:
            server.start()
        yield servers
    finally:
        for server in servers:
            server.stop()
