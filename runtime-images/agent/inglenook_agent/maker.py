"""Making what an agent serves: the plan of a version, and environments from it.

All that must be found, named and connected before an environment can start. What becomes of it
afterwards is the agent's business, and its own.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from inglenook import errors
from inglenook.aio.clock import Clock, utc
from inglenook.model import runtimes
from inglenook.telemetry import report
from inglenook.telemetry.logs import LogSink
from inglenook.wire import messages
from inglenook.wire.messages import Refusal
from inglenook_agent.environment import control, launch, variables
from inglenook_agent.environment.boot import Connect, Means
from inglenook_agent.environment.environment import Environment, Owner
from inglenook_agent.environment.journal import Journal
from inglenook_agent.environment.runtime import Runtime, RuntimeListener
from inglenook_agent.runtime_api.server import Server
from inglenook_agent.runtime_api.session import Session
from inglenook_agent.supervisor.interpreters import Unavailable
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.setup import Mode


class CodeSource(Protocol):
    """Where unpacked deployment packages come from."""

    async def folder(self, sha256: str) -> Path:
        """Return the folder of a package's files; raises an `ApiError` or OSError."""

    async def merged(self, layers: Sequence[str]) -> Path:
        """Return the folder of several packages' files, later ones over earlier ones.

        Raises as `folder` does.
        """


class CannotServeError(Exception):
    """The version cannot be run here; the gateway is to be told why."""

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Maker:
    """Make plans and environments with an agent's means."""

    def __init__(self, *, means: Means, code: CodeSource, logs: LogSink, clock: Clock) -> None:
        self._means = means
        self._code = code
        self._logs = logs
        self._clock = clock

    async def plan(self, version: messages.Specialise) -> launch.Plan:
        """Find a version's runtime, code and layers. Raises `CannotServeError`."""
        supervisor = self._means.supervisor
        if version.image is not None:
            return await self._image_plan(version, version.image)
        runtime = await supervisor.available(version.runtime)
        if isinstance(runtime, Unavailable):
            raise CannotServeError(Refusal.RUNTIME_UNAVAILABLE, runtime.reason)
        most = version.environments_max
        if most is None:
            most = self._means.settings.environments_max
        supervisor.warm(runtime, is_for_one=most == 1)
        try:
            folder = await self._code.folder(version.code_sha256)
            layers = [layer.sha256 for layer in version.layers]
            opt_dir = await self._code.merged(layers) if layers else None
        except (errors.ApiError, OSError) as exc:
            raise CannotServeError(Refusal.CODE_UNAVAILABLE, str(exc)) from exc
        entrypoint = launch.wrapper(version, runtime)
        mode = runtime.mode if entrypoint is None else Mode.WRAPPER
        if mode is Mode.EXEC:
            entrypoint = await asyncio.to_thread(launch.entrypoint, folder, opt_dir)
        # Interpreters come up once, and take many times what a start does. Who goes by how long a
        # start has taken, to decide how many are worthwhile, must not find that in the first one.
        await supervisor.come(runtime)
        return launch.Plan(
            version=version,
            runtime=runtime,
            mode=mode,
            task_dir=supervisor.seen(folder),
            opt_dir=supervisor.opt() if opt_dir is None else supervisor.seen(opt_dir),
            entrypoint=entrypoint,
            python_path=supervisor.python_path(runtime),
            environments_max=most,
        )

    async def _image_plan(self, version: messages.Specialise, image: messages.Image) -> launch.Plan:
        runtime = await self._means.supervisor.available_image(image.uri)
        if isinstance(runtime, Unavailable):
            raise CannotServeError(Refusal.RUNTIME_UNAVAILABLE, runtime.reason)
        self._means.supervisor.warm(runtime, is_for_one=True)
        return launch.Plan(
            version=version,
            runtime=runtime,
            mode=runtime.mode,
            task_dir=Path(variables.TASK_ROOT),
            opt_dir=None,
            entrypoint=None,
            python_path=None,
            environments_max=1,
        )

    def environment(
        self,
        name: str,
        plan: launch.Plan,
        initialization_type: str,
        server: Server | None,
        owner: Owner,
    ) -> Environment:
        """Return an environment that has not been started; a `server` is its Runtime API."""
        version = plan.version
        day = utc(self._clock.now()).strftime("%Y/%m/%d")
        place = launch.Place(
            log_stream=f"{day}/[{version.id.version}]{name}",
            initialization_type=initialization_type,
            tmp=self._means.supervisor.tmp(name),
            runtime_api=server.address if server is not None else None,
        )
        journal = Journal(
            self._logs,
            version=version,
            stream=place.log_stream,
            initialization_type=initialization_type,
            clock=self._clock,
        )
        return Environment(
            name=name,
            plan=plan,
            place=place,
            means=self._means,
            journal=journal,
            connect=self._connect(server),
            owner=owner,
        )

    def _connect(self, server: Server | None) -> Connect:
        if server is None:
            return self._to_control

        def to_session(process: Process, listener: RuntimeListener) -> Runtime:
            server.session = Session(process, listener, server, self._means.settings.exit_grace_s)
            return server.session

        return to_session

    def _to_control(self, process: Process, listener: RuntimeListener) -> Runtime:
        return control.ControlRuntime(process, listener, self._means.settings.exit_grace_s)


def init_start(version: messages.Specialise, initialization_type: str) -> report.InitStart:
    """Return what the log is told before an environment's first init."""
    runtime = None
    if version.image is None:
        runtime = report.RuntimeVersion(
            name=f"{version.runtime.replace('python', 'python:')}.v1",
            arn=runtimes.version_arn(version.runtime, version.region),
        )
    return report.InitStart(
        runtime=runtime,
        function_name=version.id.function_name,
        version=version.id.version,
        initialization_type=initialization_type,
    )
