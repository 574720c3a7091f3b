"""A pod as two real processes, the agent and the function's container, and gateways over TCP."""

import asyncio
import contextlib
import hashlib
import io
import itertools
import json
import os
import signal
import sys
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support import ports
from support.agent_stand import DEADLINE_S, Answer

from inglenook.wire import frames, messages, proof
from inglenook.wire.connection import Body
from inglenook.wire.messages import Header

# Not that of the environment: as in an image.
PYTHON = os.path.realpath(sys.executable)
RUNTIME = Path(__file__).parents[2] / "runtime-images" / "python" / "inglenook_runtime"
SECRET = b"a secret of this test"
RUNTIME_NAME = f"python3.{sys.version_info.minor}"
VERSION = messages.VersionId(function_name="f", function_uid="u", version="7", generation=1)


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Return a package with these files, all of them executable."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as package:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            package.writestr(info, content)
    return data.getvalue()


@dataclass
class Gateway:
    """A gateway's end of a connection to the pod's agent."""

    connection: frames.StreamConnection
    unasked: list[Header] = field(default_factory=list)
    pieces: dict[int, list[bytes]] = field(default_factory=dict)
    is_closed: bool = False
    last_stream: int = 0
    _waiting: dict[int, "asyncio.Future[Answer]"] = field(default_factory=dict)
    _streams: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def received(self, stream: int, header: Header, body: Body) -> None:
        if isinstance(header, messages.Chunk):
            self.pieces.setdefault(stream, []).append(bytes(body))
        elif stream:
            self._waiting.pop(stream).set_result(Answer(header, bytes(body)))
        else:
            self.unasked.append(header)
        self._changed.set()

    def closed(self, reason: str) -> None:
        del reason
        self.is_closed = True
        self._changed.set()

    def begin(self, header: Header, body: bytes = b"") -> "asyncio.Future[Answer]":
        stream = self.last_stream = next(self._streams)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[stream] = answer
        self.connection.send(stream, header, body)
        return answer

    async def ask(self, header: Header, body: bytes = b"") -> Answer:
        async with asyncio.timeout(DEADLINE_S):
            return await self.begin(header, body)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until what has been received makes it so."""
        async with asyncio.timeout(DEADLINE_S):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()

    async def until_closed(self) -> None:
        await self.until(lambda: self.is_closed)

    async def welcome(self) -> messages.Welcome:
        """Return the first word of the agent."""
        await self.until(lambda: bool(self.unasked))
        said = self.unasked[0]
        assert isinstance(said, messages.Welcome), said
        return said

    def said(self, kind: type[Header]) -> list[Header]:
        """Return what came unasked of a kind."""
        return [each for each in self.unasked if isinstance(each, kind)]

    async def send(self, package: bytes, piece_bytes: int = 100_000) -> str:
        """Send a package in pieces; return its SHA-256."""
        sha256 = hashlib.sha256(package).hexdigest()
        answers = [
            self.begin(
                messages.Package(sha256=sha256, offset=offset, total=len(package)),
                package[offset : offset + piece_bytes],
            )
            for offset in range(0, len(package), piece_bytes)
        ]
        for answer in answers:
            assert isinstance((await answer).header, messages.Stored), answer
        return sha256

    async def specialise(self, sha256: str, **changes: object) -> Answer:
        values: dict[str, object] = {
            "id": VERSION,
            "runtime": RUNTIME_NAME,
            "handler": "app.handler",
            "code_sha256": sha256,
            "memory_mb": 256,
            "timeout_s": 10,
            "ephemeral_storage_mb": 512,
            "log_group": "/aws/lambda/f",
            "region": "us-east-1",
            "account": "000000000000",
        }
        return await self.ask(messages.Specialise(**(values | changes)))  # type: ignore[arg-type]

    async def function(self, source: str, **changes: object) -> None:
        """Specialise the pod in a Python function with this source."""
        answer = await self.specialise(await self.send(zipped({"app.py": source})), **changes)
        assert isinstance(answer.header, messages.Specialised), answer.header

    async def start(self) -> str:
        """Start an environment; return its name."""
        answer = await self.ask(messages.Start())
        assert isinstance(answer.header, messages.Started), answer.header
        return answer.header.environment

    def invoke_soon(
        self, environment: str, event: object = None, **more: object
    ) -> "asyncio.Future[Answer]":
        header = messages.Invoke(
            environment=environment,
            request_id="00000000-0000-4000-8000-000000000001",
            arn="arn:aws:lambda:us-east-1:000000000000:function:f",
            trace_id="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            **more,  # type: ignore[arg-type]
        )
        return self.begin(header, json.dumps(event).encode())

    async def invoke(self, environment: str, event: object = None, **more: object) -> Answer:
        async with asyncio.timeout(DEADLINE_S):
            return await self.invoke_soon(environment, event, **more)

    async def adopt(self) -> messages.Adopted:
        answer = await self.ask(messages.Adopt(id=VERSION))
        assert isinstance(answer.header, messages.Adopted), answer.header
        return answer.header

    def hang_up(self) -> None:
        self.connection.close()


@dataclass(frozen=True)
class Container:
    """The function's container: the spawner that it starts with, and what its image says."""

    command: tuple[str, ...] = (PYTHON, "-I", "-S", str(RUNTIME))
    variables: Mapping[str, str] = field(default_factory=lambda: {"PATH": "/usr/bin:/bin"})
    folder: Path | None = None


class Pod:
    """The pod: its agent, its spawner, and where they are."""

    def __init__(
        self, folder: Path, variables: dict[str, str], container: Container | None = None
    ) -> None:
        self._folder = folder
        self._container = container or Container()
        self._stack = contextlib.AsyncExitStack()
        (folder / "secret").write_bytes(SECRET + b"\n")
        (folder / "tmp").mkdir()
        self.code = folder / "code"
        self.port, self.status_port = ports.free(2)
        self._socket = folder / "spawner.sock"
        self._variables = {
            "PATH": os.environ["PATH"],
            "INGLENOOK_CLUSTER_SECRET_FILE": str(folder / "secret"),
            "INGLENOOK_CLUSTER_AGENT_PORT": str(self.port),
            "INGLENOOK_CLUSTER_POD_NAME": "pod-1",
            "INGLENOOK_AGENT_STATUS_PORT": str(self.status_port),
            "INGLENOOK_AGENT_CODE_FOLDER": str(self.code),
            "INGLENOOK_AGENT_PACKAGES_FOLDER": str(folder / "packages"),
            "INGLENOOK_AGENT_SPAWNER_SOCKET": str(self._socket),
            "INGLENOOK_AGENT_TASK_FOLDER": str(self.code / "task"),
            "INGLENOOK_AGENT_OPT_FOLDER": str(self.code / "opt"),
            "INGLENOOK_AGENT_TMP_FOLDER": str(folder / "tmp"),
            "INGLENOOK_AGENT_LINGER_S": "0",
            **variables,
        }
        self._agent: asyncio.subprocess.Process | None = None
        self._spawner: asyncio.subprocess.Process | None = None

    @property
    def agent(self) -> asyncio.subprocess.Process:
        assert self._agent is not None
        return self._agent

    @property
    def spawner(self) -> asyncio.subprocess.Process:
        assert self._spawner is not None
        return self._spawner

    @property
    def log(self) -> list[dict[str, str]]:
        """What the function has logged so far."""
        return [json.loads(line) for line in (self._folder / "out").read_text().splitlines()]

    async def start_agent(self) -> None:
        with (self._folder / "out").open("ab") as out, (self._folder / "err").open("ab") as err:
            self._agent = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "inglenook_agent"),
                env=self._variables,
                stdout=out,
                stderr=err,
            )

    async def start_spawner(self) -> None:
        container = self._container
        self._spawner = await asyncio.create_subprocess_exec(
            *container.command,
            *("--connect", str(self._socket)),
            env=dict(container.variables),
            cwd=container.folder,
        )

    async def status(self, path: str) -> tuple[int, str]:
        """Ask the agent for its status; 0 while it does not listen."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.status_port)
        except OSError:
            return 0, ""
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            return int(head.split()[1]), body
        finally:
            writer.close()
            await writer.wait_closed()

    async def until_status(self, path: str, status: int) -> None:
        """Wait for what another process does and cannot announce."""
        async with asyncio.timeout(DEADLINE_S):
            while (await self.status(path))[0] != status:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def until_logged(self, message: str) -> None:
        """Wait until the log has an event that begins so."""
        async with asyncio.timeout(DEADLINE_S):
            while not any(line["message"].startswith(message) for line in self.log):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def gateway(self, secret: bytes = SECRET, name: str = "gateway-1") -> Gateway:
        """Connect to the agent, and prove it."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            frames.StreamConnection, "127.0.0.1", self.port
        )
        await proof.greet(connection, secret, name)
        gateway = Gateway(connection)
        connection.open(gateway)
        return gateway

    async def ended(self) -> tuple[int, int]:
        """Wait until both processes have ended; return how: agent, spawner."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.agent.wait(), await self.spawner.wait()

    async def close(self) -> None:
        for process in (self._agent, self._spawner):
            if process is not None and process.returncode is None:
                process.send_signal(signal.SIGKILL)
                await process.wait()


@contextlib.asynccontextmanager
async def pod(
    folder: Path, container: Container | None = None, **variables: str
) -> AsyncIterator[Pod]:
    """Run a pod until it is ready."""
    made = Pod(folder, variables, container)
    try:
        await made.start_agent()
        if container is not None:
            # As in Kubernetes: the agent may have to bring what the container starts.
            await made.until_status("/live", 200)
        await made.start_spawner()
        await made.until_status("/ready", 200)
        yield made
    finally:
        await made.close()
