"""A gateway's end of a connection to a real agent, with real processes behind it."""

import asyncio
import base64
import contextlib
import itertools
import textwrap
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from inglenook import errors
from inglenook.aio.clock import SystemClock
from inglenook.aio.tasks import Tasks
from inglenook.store import merging
from inglenook.telemetry.logs import LogEvent
from inglenook.wire import messages
from inglenook.wire.connection import Body, memory_pair
from inglenook.wire.messages import Header
from inglenook_agent.agent import Agent
from inglenook_agent.environments import Environments
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor.supervisor import Supervisor

DEADLINE_S = 30.0


class Logs:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.streams: dict[str, list[str]] = {}
        self.changed: Callable[[], None] = lambda: None

    def write(self, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        del group
        self.streams.setdefault(stream, []).extend(event.message for event in events)
        self.changed()

    @property
    def messages(self) -> list[str]:
        return [message for stream in self.streams.values() for message in stream]


class Packages:
    """Deployment packages that lie in folders already."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, name: str, files: dict[str, str]) -> None:
        for path, text in files.items():
            file = self._root / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text).lstrip("\n"))
            file.chmod(0o755)

    async def folder(self, sha256: str) -> Path:
        folder = self._root / sha256
        if not folder.exists():
            raise errors.ServiceError(f"no package {sha256}")
        return folder

    async def merged(self, layers: Sequence[str]) -> Path:
        folder = self._root / "+".join(layers)
        if not folder.exists():
            merging.merge([await self.folder(layer) for layer in layers], folder)
        return folder


@dataclass
class Answer:
    """What came back on a stream."""

    header: Header
    body: bytes

    @property
    def result(self) -> messages.Result:
        assert isinstance(self.header, messages.Result), self.header
        return self.header

    @property
    def refusal(self) -> messages.Refusal:
        assert isinstance(self.header, messages.Refused), self.header
        return self.header.reason

    @property
    def json(self) -> object:
        return msgspec.json.decode(self.body)

    @property
    def tail(self) -> str:
        assert self.result.tail is not None
        return base64.b64decode(self.result.tail).decode()


@dataclass
class Gateway:
    """Ask an agent, and wait for what it answers."""

    agent: Agent
    logs: Logs
    packages: Packages
    supervisor: Supervisor
    unasked: list[Header] = field(default_factory=list)
    pieces: dict[int, list[tuple[str | None, bytes]]] = field(default_factory=dict)
    """Of streamed answers, by stream: what the chunks said of their content type, and held."""
    last_stream: int = 0
    _waiting: dict[int, "asyncio.Future[Answer]"] = field(default_factory=dict)
    _streams: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def inside(self) -> Environments:
        """What the agent keeps, for what cannot be seen from outside."""
        return self.agent._environments

    def received(self, stream: int, header: Header, body: Body) -> None:
        if isinstance(header, messages.Chunk):
            self.pieces.setdefault(stream, []).append((header.content_type, bytes(body)))
        elif stream:
            self._waiting.pop(stream).set_result(Answer(header, bytes(body)))
        else:
            self.unasked.append(header)
        self._changed.set()

    def closed(self, reason: str) -> None:
        del reason

    def begin(self, header: Header, body: bytes = b"") -> "asyncio.Future[Answer]":
        """Send a message; the future is its answer."""
        stream = self.last_stream = next(self._streams)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[stream] = answer
        self._send(stream, header, body)
        return answer

    async def ask(self, header: Header, body: bytes = b"") -> Answer:
        async with asyncio.timeout(DEADLINE_S):
            return await self.begin(header, body)

    async def specialise(self, code: str, **changes: object) -> Answer:
        values: dict[str, object] = {
            "id": messages.VersionId(
                function_name="f", function_uid="u", version="$LATEST", generation=1
            ),
            "runtime": "python3.11",
            "handler": "app.handler",
            "code_sha256": code,
            "memory_mb": 256,
            "timeout_s": 10,
            "ephemeral_storage_mb": 512,
            "log_group": "/aws/lambda/f",
            "region": "us-east-1",
            "account": "000000000000",
        }
        return await self.ask(messages.Specialise(**(values | changes)))  # type: ignore[arg-type]

    async def function(self, source: str, **changes: object) -> None:
        """Specialise the agent in a Python function with this source."""
        self.packages.add("code", {"app.py": source})
        answer = await self.specialise("code", **changes)
        assert isinstance(answer.header, messages.Specialised), answer.header

    async def bootstrap(self, script: str, files: dict[str, str] | None = None) -> None:
        """Specialise the agent in a custom runtime with this bootstrap."""
        self.packages.add("code", {"bootstrap": script, **(files or {})})
        answer = await self.specialise("code", runtime="provided.al2023")
        assert isinstance(answer.header, messages.Specialised), answer.header

    async def start(self) -> messages.Started:
        answer = await self.ask(messages.Start())
        assert isinstance(answer.header, messages.Started), answer.header
        return answer.header

    def invoke_soon(
        self, environment: str, event: bytes = b"{}", request_id: str = "r-1", **more: object
    ) -> "asyncio.Future[Answer]":
        header = messages.Invoke(
            environment=environment,
            request_id=request_id,
            arn="arn:aws:lambda:us-east-1:000000000000:function:f",
            trace_id="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            **more,  # type: ignore[arg-type]
        )
        return self.begin(header, event)

    async def invoke(
        self, environment: str, event: bytes = b"{}", request_id: str = "r-1", **more: object
    ) -> Answer:
        async with asyncio.timeout(DEADLINE_S):
            return await self.invoke_soon(environment, event, request_id, **more)

    def take(self, stream: int, size: int) -> None:
        """Tell the agent that so much of a streamed answer has gone on."""
        self._send(stream, messages.Taken(size=size), b"")

    def streamed(self, stream: int) -> bytes:
        """Return what has come of a streamed answer."""
        return b"".join(piece for _, piece in self.pieces.get(stream, []))

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until what has been received or logged makes it so."""
        async with asyncio.timeout(DEADLINE_S):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()

    async def until_gone(self, environment: str) -> None:
        """Wait until the agent says that an environment has ended."""
        async with asyncio.timeout(DEADLINE_S):
            while not any(
                isinstance(said, messages.Gone) and said.environment == environment
                for said in self.unasked
            ):
                self._changed.clear()
                await self._changed.wait()

    def _send(self, stream: int, header: Header, body: bytes) -> None:
        raise NotImplementedError


@contextlib.asynccontextmanager
async def standing(folder: Path, **changes: object) -> AsyncIterator[Gateway]:
    """Run an agent with a supervisor of its own."""
    settings = AgentSettings(scratch=folder / "scratch", **changes)  # type: ignore[arg-type]
    failures: list[str] = []
    tasks = Tasks(failures.append)
    supervisor = Supervisor(settings, tasks)
    await supervisor.start()
    gateway_end, agent_end = memory_pair()
    logs, packages = Logs(), Packages(folder / "packages")
    agent = Agent(
        name="agent-1",
        connection=agent_end,
        supervisor=supervisor,
        code=packages,
        logs=logs,
        clock=SystemClock(),
        settings=settings,
        tasks=tasks,
    )
    gateway = Gateway(agent, logs, packages, supervisor)
    logs.changed = gateway._changed.set
    gateway._send = gateway_end.send  # type: ignore[method-assign]
    gateway_end.open(gateway)
    agent.start()
    try:
        yield gateway
    finally:
        await agent.close()
        await supervisor.close()
        await tasks.close()
    assert failures == []
