"""The agent: one gateway's connection on one side, the environments of one version on the other.

It answers every message of the gateway exactly once on its stream (see `inglenook.wire.messages`),
and what it cannot do it refuses before anything has begun. Locally many agents live in one process
and share a `Supervisor`.
"""

import asyncio
import logging
import secrets

from inglenook.aio.clock import Clock
from inglenook.aio.tasks import Tasks
from inglenook.telemetry.logs import LogSink
from inglenook.wire import messages
from inglenook.wire.connection import Body, Connection
from inglenook.wire.messages import Header, Refusal
from inglenook_agent import maker
from inglenook_agent.environment import launch
from inglenook_agent.environment.boot import Means
from inglenook_agent.environment.environment import Environment
from inglenook_agent.runtime_api.server import Server
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor.setup import Mode
from inglenook_agent.supervisor.spawner import SpawnError
from inglenook_agent.supervisor.supervisor import Supervisor

logger = logging.getLogger(__name__)


class Agent:
    """Serve one connection, for one version at most.

    `start` opens the connection. When the gateway closes it every environment ends; `close` does
    the same from this side, and returns when nothing is left.
    """

    def __init__(  # noqa: PLR0913 - wiring
        self,
        *,
        name: str,
        connection: Connection,
        supervisor: Supervisor,
        code: maker.CodeSource,
        logs: LogSink,
        clock: Clock,
        settings: AgentSettings,
        tasks: Tasks,
    ) -> None:
        self.name = name
        self._connection = connection
        self._settings = settings
        self._tasks = tasks
        self._version: messages.VersionId | None = None
        self._plan: launch.Plan | None = None
        self._environments: dict[str, Environment] = {}
        self._servers: dict[str, Server] = {}
        self._streaming: dict[int, Environment] = {}
        """By stream: whose answer the gateway takes piece by piece."""
        self._starting = 0
        self._draining: int | None = None
        """The stream of the gateway's `Drain`."""
        self._is_closed = False
        self._ending: set[str] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()
        means = Means(supervisor=supervisor, clock=clock, settings=settings, tasks=tasks)
        self._maker = maker.Maker(means=means, code=code, logs=logs, clock=clock)

    def start(self) -> None:
        """Say what this agent is, and begin to serve."""
        self._connection.send(0, messages.Welcome(agent=self.name))
        self._connection.open(self)

    async def close(self) -> None:
        """End all environments, whatever they do, and close the connection."""
        self._is_closed = True
        self._end_all("closed")
        await self._all_gone.wait()
        self._connection.close("the agent has closed")

    # What the connection brings (`Receiver`).

    def received(self, stream: int, header: Header, body: Body) -> None:
        match header:
            case messages.Invoke():
                self._invoke(stream, header, body)
            case messages.Taken():
                if (streaming := self._streaming.get(stream)) is not None:
                    streaming.taken(stream, header.size)
            case messages.Start():
                self._start(stream, header)
            case messages.Specialise():
                self._specialise(stream, header)
            case messages.Stop():
                self._stop(stream, header)
            case messages.Drain():
                self._drain(stream)
            case _:
                logger.warning("unexpected message", extra={"kind": type(header).__name__})

    def closed(self, reason: str) -> None:
        self._is_closed = True
        self._end_all(reason)

    # Specialise

    def _specialise(self, stream: int, header: messages.Specialise) -> None:
        if self._is_ending:
            self._refuse(stream, Refusal.DRAINING)
        elif self._version is not None and self._version != header.id:
            self._refuse(stream, Refusal.WRONG_VERSION)
        else:
            self._version = header.id
            _ = self._tasks.start(self._prepare(stream, header), name="specialise")

    async def _prepare(self, stream: int, header: messages.Specialise) -> None:
        """Find the runtime and the code; answer."""
        try:
            self._plan = await self._maker.plan(header)
        except maker.CannotServeError as exc:
            if self._plan is None:
                self._version = None
            self._refuse(stream, exc.reason, exc.message)
            return
        self._connection.send(stream, messages.Specialised())

    async def _abandon(self, name: str) -> None:
        """Clean up after a start that failed, unless it is being cleaned up already."""
        unborn = self._environments.get(name)
        if unborn is None:
            if (server := self._servers.pop(name, None)) is not None:
                await server.close()
            self._forget(name)
        elif name not in self._ending:
            await self._end(unborn, None, "")

    def _check_open(self) -> None:
        if self._is_ending:
            raise SpawnError("the agent takes nothing new")

    @property
    def _is_ending(self) -> bool:
        return self._is_closed or self._draining is not None

    # Start

    def _start(self, stream: int, header: messages.Start) -> None:
        plan = self._plan
        if self._is_ending:
            self._refuse(stream, Refusal.DRAINING)
        elif plan is None:
            self._refuse(stream, Refusal.WRONG_VERSION, "This agent has no version yet.")
        elif len(self._environments) + self._starting >= self._settings.environments_max:
            self._refuse(stream, Refusal.FULL)
        else:
            self._starting += 1
            self._all_gone.clear()
            _ = self._tasks.start(self._begin(stream, header, plan), name="start")

    async def _begin(self, stream: int, header: messages.Start, plan: launch.Plan) -> None:
        """Make an environment and run its init; answer."""
        name = secrets.token_hex(16)
        server: Server | None = None
        try:
            if plan.mode is not Mode.PYTHON:
                server = self._servers[name] = Server()
                await server.open()
            self._check_open()
            kind = header.initialization_type
            environment = self._maker.environment(
                name, plan, kind, server, self._answered, self._connection.send, self._deserted
            )
            self._environments[name] = environment
            ended = await environment.start(maker.init_start(plan.version, kind))
        except (SpawnError, OSError) as exc:
            self._starting -= 1
            await self._abandon(name)
            reason = Refusal.DRAINING if self._is_ending else Refusal.CANNOT_START
            self._refuse(stream, reason, str(exc))
            self._check_drained()
            return
        self._starting -= 1
        started = messages.Started(environment=name, init_ms=ended.duration_ms, init_ok=ended.is_ok)
        self._connection.send(stream, started)
        self._end_if_draining(environment)

    # Invoke

    def _invoke(self, stream: int, header: messages.Invoke, body: Body) -> None:
        environment = self._environments.get(header.environment)
        if environment is None or environment.name in self._ending:
            self._refuse(stream, Refusal.UNKNOWN_ENVIRONMENT)
        elif self._is_ending:
            self._refuse(stream, Refusal.DRAINING)
        elif not environment.takes_events:
            self._refuse(stream, Refusal.BUSY)
        else:
            if header.wants_stream:
                self._streaming[stream] = environment
            environment.invoke(stream, header, body)

    def _answered(
        self, environment: Environment, stream: int, result: messages.Result, payload: Body
    ) -> None:
        self._streaming.pop(stream, None)
        self._connection.send(stream, result, payload)
        self._end_if_draining(environment)

    def _deserted(self, environment: Environment) -> None:
        """Give a provisioned environment up: it promised to be warm, and another can be.

        Any other starts a fresh process within its next invocation.
        """
        if environment.is_provisioned:
            self._end_soon(environment, 0, "its process has ended")

    # Stop, Drain, the end

    def _stop(self, stream: int, header: messages.Stop) -> None:
        environment = self._environments.get(header.environment)
        if environment is None or environment.name in self._ending:
            self._refuse(stream, Refusal.UNKNOWN_ENVIRONMENT)
        elif not environment.takes_events:
            self._refuse(stream, Refusal.BUSY)
        else:
            self._end_soon(environment, stream, "stopped")

    def _drain(self, stream: int) -> None:
        if self._draining is not None:
            self._refuse(stream, Refusal.DRAINING)
            return
        self._draining = stream
        for environment in list(self._environments.values()):
            self._end_if_draining(environment)
        self._check_drained()

    def _end_if_draining(self, environment: Environment) -> None:
        if self._draining is not None and environment.takes_events:
            self._end_soon(environment, 0, "drained")

    def _end_all(self, reason: str) -> None:
        for environment in list(self._environments.values()):
            self._end_soon(environment, 0, reason)

    def _end_soon(self, environment: Environment, stream: int, reason: str) -> None:
        if environment.name not in self._ending:
            self._ending.add(environment.name)
            _ = self._tasks.start(self._end(environment, stream, reason), name="end environment")

    async def _end(self, environment: Environment, stream: int | None, reason: str) -> None:
        """End an environment, and say so on `stream`."""
        name = environment.name
        self._ending.add(name)
        await environment.end()
        if (server := self._servers.pop(name, None)) is not None:
            await server.close()
        self._forget(name)
        if stream is not None:
            self._connection.send(stream, messages.Gone(environment=name, reason=reason))
        self._check_drained()

    def _forget(self, name: str) -> None:
        gone = self._environments.pop(name, None)
        for stream in [s for s, each in self._streaming.items() if each is gone]:
            del self._streaming[stream]
        self._ending.discard(name)
        if not self._environments and not self._starting:
            self._all_gone.set()

    def _check_drained(self) -> None:
        stream = self._draining
        if stream is not None and not self._environments and not self._starting and stream >= 0:
            self._draining = -1
            self._connection.send(stream, messages.Drained())

    def _refuse(self, stream: int, reason: Refusal, message: str = "") -> None:
        self._connection.send(stream, messages.Refused(reason=reason, message=message))
