"""All environments of one version, for whoever asks: one gateway, or several in turn.

Every question is answered exactly once, on the stream and to the connection that it came from (see
`inglenook.wire.messages`), and what cannot be done is refused before anything has begun. What
nobody asked for goes to the `owner`. Who may ask what is for `agent` and `pod` to say.
"""

import asyncio
import secrets
from typing import TYPE_CHECKING

from inglenook.aio.tasks import Tasks
from inglenook.wire import messages
from inglenook.wire.connection import Body, Connection
from inglenook.wire.messages import Refusal
from inglenook_agent import maker
from inglenook_agent.askers import Askers
from inglenook_agent.environment import launch
from inglenook_agent.environment.environment import Environment
from inglenook_agent.runtime_api.server import Server
from inglenook_agent.supervisor.setup import Mode
from inglenook_agent.supervisor.spawner import SpawnError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Environments:
    """Make, run and end environments; none of a second version, and none while draining."""

    def __init__(self, made_by: maker.Maker, tasks: Tasks) -> None:
        self._maker = made_by
        self._tasks = tasks
        self.owner: Connection | None = None
        """Who hears what nobody asked for."""
        self.version: messages.VersionId | None = None
        self.plan: launch.Plan | None = None
        """Of the version, once it can be served."""
        self.on_answer: Callable[[messages.Header], None] = _unheard
        """Called with each answer of an environment: how it started, or what it ran."""
        self.on_asked: Callable[[], None] = _nothing
        """Called when an environment begins to start, or to run something."""
        self.on_prepared: Callable[[], None] = _nothing
        """Called after each try to have a plan."""
        self._environments: dict[str, Environment] = {}
        self._servers: dict[str, Server] = {}
        # Empty most of the time, and there are many of these: an empty `set` takes 216 bytes.
        self._starting: frozenset[str] = frozenset()
        self._ending: frozenset[str] = frozenset()
        self.askers = Askers()
        self.is_draining = False
        self._drain: tuple[Connection, int] | None = None
        """Who is to be told that all have ended."""
        self._reason = ""
        """Why they end."""
        self._has_any = False
        self._all_gone: asyncio.Event | None = None
        """While somebody waits for it."""

    def names(self) -> list[str]:
        """Return those that live, or begin to."""
        names = dict.fromkeys((*self._environments, *self._starting))
        return [name for name in names if name not in self._ending]

    def busy(self, besides: Connection | None = None) -> list[str]:
        """Return those of them that start or run an event, but not those that do so for one."""
        return [
            name
            for name in self.names()
            if (asker := self.askers.of(name)) is not None and asker is not besides
        ]

    # Specialise

    def specialise(
        self,
        asker: Connection,
        stream: int,
        header: messages.Specialise,
        after: "Collection[asyncio.Task[None]]" = (),
    ) -> None:
        """Serve a version from now on, once what is under way in `after` is over."""
        if self.is_draining:
            refuse(asker, stream, Refusal.DRAINING)
        elif self.version is not None and self.version != header.id:
            refuse(asker, stream, Refusal.WRONG_VERSION)
        else:
            self.version = header.id
            _ = self._tasks.start(
                self._prepare(asker, stream, header, list(after)), name="specialise"
            )

    async def _prepare(
        self,
        asker: Connection,
        stream: int,
        header: messages.Specialise,
        after: list[asyncio.Task[None]],
    ) -> None:
        """Find the runtime and the code; answer."""
        if after:
            _ = await asyncio.wait(after)
        try:
            self.plan = await self._maker.plan(header)
        except maker.CannotServeError as exc:
            if self.plan is None:
                self.version = None
            self.on_prepared()
            refuse(asker, stream, exc.reason, exc.message)
            return
        self.on_prepared()
        asker.send(stream, messages.Specialised())

    # Start

    def start(self, asker: Connection, stream: int, header: messages.Start) -> None:
        plan = self.plan
        if self.is_draining:
            refuse(asker, stream, Refusal.DRAINING)
        elif plan is None:
            refuse(asker, stream, Refusal.WRONG_VERSION, "This agent has no version yet.")
        elif len(self._environments.keys() | self._starting) >= plan.environments_max:
            refuse(asker, stream, Refusal.FULL)
        else:
            name = secrets.token_hex(16)
            self._starting |= {name}
            self.askers.ask(name, asker)
            self._has_any = True
            self.on_asked()
            _ = self._tasks.start(self._begin(name, asker, stream, header, plan), name="start")

    async def _begin(
        self,
        name: str,
        asker: Connection,
        stream: int,
        header: messages.Start,
        plan: launch.Plan,
    ) -> None:
        """Make an environment and run its init; answer."""
        server: Server | None = None
        try:
            if plan.mode is not Mode.PYTHON:
                server = self._servers[name] = Server()
                await server.open()
            self._check_open()
            kind = header.initialization_type
            environment = self._maker.environment(name, plan, kind, server, self)
            self._environments[name] = environment
            ended = await environment.start(maker.init_start(plan.version, kind))
        except (SpawnError, OSError) as exc:
            self._starting -= {name}
            await self._abandon(name)
            reason = Refusal.DRAINING if self.is_draining else Refusal.CANNOT_START
            refuse(asker, stream, reason, str(exc))
            if asker is not self.owner:
                self._tell_owner(messages.Gone(environment=name, reason="it could not start"))
            self._check_drained()
            return
        self._starting -= {name}
        started = messages.Started(environment=name, init_ms=ended.duration_ms, init_ok=ended.is_ok)
        self._reply(environment, stream, started)

    def _check_open(self) -> None:
        if self.is_draining:
            raise SpawnError("the agent takes nothing new")

    async def _abandon(self, name: str) -> None:
        """Clean up after a start that failed, unless it is being cleaned up already."""
        unborn = self._environments.get(name)
        if unborn is None:
            if (server := self._servers.pop(name, None)) is not None:
                await server.close()
            self._forget(name)
        elif name not in self._ending:
            await self._end(unborn, None, "")

    # Invoke

    def invoke(self, asker: Connection, stream: int, header: messages.Invoke, body: Body) -> None:
        environment = self._environments.get(header.environment)
        if environment is None or environment.name in self._ending:
            refuse(asker, stream, Refusal.UNKNOWN_ENVIRONMENT)
        elif self.is_draining:
            refuse(asker, stream, Refusal.DRAINING)
        elif not environment.takes_events:
            refuse(asker, stream, Refusal.BUSY)
        else:
            self.askers.ask(environment.name, asker)
            if header.wants_stream:
                self.askers.stream(environment, asker, stream)
            self.on_asked()
            environment.invoke(stream, header, body)

    # What environments say (`environment.Owner`).

    def answered(
        self, environment: Environment, stream: int, result: messages.Result, payload: Body
    ) -> None:
        self._reply(environment, stream, result, payload)

    def pass_on(
        self, environment: Environment, stream: int, chunk: messages.Chunk, piece: Body
    ) -> None:
        self.askers.pass_on(environment, stream, chunk, piece)

    def _reply(
        self, environment: Environment, stream: int, header: messages.Header, body: Body = b""
    ) -> None:
        """Answer: an environment has done what it was asked."""
        # First of all: in one process the next event may come before `send` returns.
        asker = self.askers.settle(environment.name, stream)
        self.on_answer(header)
        asker.send(stream, header, body)
        if asker is not self.owner and environment.name not in self._ending:
            self._tell_owner(messages.Freed(environment=environment.name))
        self._end_if_draining(environment)

    def deserted(self, environment: Environment) -> None:
        """Give a provisioned environment up: it promised to be warm, and another can be.

        Any other starts a fresh process within its next invocation.
        """
        if environment.is_provisioned:
            self._end_soon(environment, None, "its process has ended")

    # Stop, Drain, the end

    def stop(self, asker: Connection, stream: int, header: messages.Stop) -> None:
        environment = self._environments.get(header.environment)
        if environment is None or environment.name in self._ending:
            refuse(asker, stream, Refusal.UNKNOWN_ENVIRONMENT)
        elif not environment.takes_events:
            refuse(asker, stream, Refusal.BUSY)
        else:
            self._end_soon(environment, (asker, stream), "stopped")

    def drain(
        self, asked: tuple[Connection, int] | None = None, *, reason: str = "drained"
    ) -> None:
        """Take nothing new; end each environment once it has nothing to do.

        `asked` is told when all have ended.
        """
        if self.is_draining:
            if asked is not None:
                refuse(*asked, Refusal.DRAINING)
            return
        self.is_draining = True
        self._drain = asked
        self._reason = reason
        for environment in list(self._environments.values()):
            self._end_if_draining(environment)
        self._check_drained()

    def end(self, reason: str) -> None:
        """Take nothing new; end all environments, whatever they do."""
        self.is_draining = True
        self._reason = reason
        for environment in list(self._environments.values()):
            self._end_soon(environment, None, reason)

    @property
    def has_begun(self) -> bool:
        """Whether any environment has had its first init, well or not."""
        return any(not each.is_in_init for each in self._environments.values())

    def lose(self, error_type: str, text: str) -> None:
        """End all processes for a reason that they all share."""
        for environment in list(self._environments.values()):
            environment.lose(error_type, text)

    def _end_if_draining(self, environment: Environment) -> None:
        if self.is_draining and environment.takes_events:
            self._end_soon(environment, None, self._reason)

    def _end_soon(
        self, environment: Environment, asked: tuple[Connection, int] | None, reason: str
    ) -> None:
        if environment.name not in self._ending:
            self._ending |= {environment.name}
            _ = self._tasks.start(self._end(environment, asked, reason), name="end environment")

    async def _end(
        self, environment: Environment, asked: tuple[Connection, int] | None, reason: str
    ) -> None:
        """End an environment, and say so to who asked for it, and to the owner.

        Without a reason, nobody has known it.
        """
        name = environment.name
        self._ending |= {name}
        await environment.end()
        if (server := self._servers.pop(name, None)) is not None:
            await server.close()
        self._forget(name)
        gone = messages.Gone(environment=name, reason=reason)
        if asked is not None:
            asker, stream = asked
            asker.send(stream, gone)
        if reason and (asked is None or asked[0] is not self.owner):
            self._tell_owner(gone)
        self._check_drained()

    def _forget(self, name: str) -> None:
        self._environments.pop(name, None)
        self.askers.forget(name)
        self._ending -= {name}
        if not self._environments and not self._starting:
            self._has_any = False
            if self._all_gone is not None:
                self._all_gone.set()
                self._all_gone = None

    async def until_gone(self) -> None:
        """Wait until no environment is left."""
        if self._has_any:
            if self._all_gone is None:
                self._all_gone = asyncio.Event()
            await self._all_gone.wait()

    def _check_drained(self) -> None:
        if self._drain is not None and not self._environments and not self._starting:
            (asker, stream), self._drain = self._drain, None
            asker.send(stream, messages.Drained())

    def _tell_owner(self, header: messages.Header) -> None:
        if self.owner is not None:
            self.owner.send(0, header)


def _unheard(_answer: messages.Header) -> None:
    """Nobody wants to hear it."""


def _nothing() -> None:
    """Nobody wants to know."""


def refuse(asker: Connection, stream: int, reason: Refusal, message: str = "") -> None:
    """Do not do what was asked."""
    asker.send(stream, messages.Refused(reason=reason, message=message))
