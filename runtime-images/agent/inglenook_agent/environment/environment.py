"""One execution environment: a sandbox, a log stream, and at most one process.

It answers an invocation exactly once, whatever becomes of the process: an answer, an error, the
timeout, an exit. After anything but an answer or an error the process is gone and the environment
stays, with its /tmp; the next invocation starts a fresh process and runs init within its own time.
What the gateway hears of it is the agent's business.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from inglenook.aio.clock import Clock
from inglenook.aio.tasks import Tasks
from inglenook.telemetry import report
from inglenook.wire.connection import Body
from inglenook.wire.messages import Invoke, Result
from inglenook_agent.environment import init, launch, outcome
from inglenook_agent.environment.journal import Journal
from inglenook_agent.environment.output import Output
from inglenook_agent.environment.runtime import Event, Runtime
from inglenook_agent.environment.sandbox import Sandbox
from inglenook_agent.environment.states import HAS_EVENT, TAKES_EVENTS, Life, State
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.spawner import SpawnError
from inglenook_agent.supervisor.supervisor import Supervisor

logger = logging.getLogger(__name__)

Connect = Callable[[Process, "Environment"], Runtime]
"""Make the `Runtime` that speaks as the version's process does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What every environment of an agent works with."""

    supervisor: Supervisor
    clock: Clock
    settings: AgentSettings
    tasks: Tasks
    answer: Callable[["Environment", int, Result, Body], None]
    """Send an invocation's result: environment, stream, header, payload."""


@dataclass(kw_only=True, slots=True)
class Invocation:
    """An event on its way."""

    stream: int
    message: Invoke
    body: Body
    deadline_ms: int
    began: float
    timer: asyncio.TimerHandle
    is_announced: bool = False


class Environment:
    """Run events of one version, one at a time."""

    def __init__(
        self, name: str, plan: launch.Plan, place: launch.Place, means: Means, journal: Journal
    ) -> None:
        self.name = name
        self._plan = plan
        self._place = place
        self._means = means
        self._journal = journal
        self._lines = report.lines(plan.version.log_format)
        self._life = Life()
        self._sandbox = Sandbox(place.tmp_dir, plan.version.memory_mb, means.supervisor)
        self._connect: Connect
        self._process: Process | None = None
        self._runtime: Runtime | None = None
        self._output: Output | None = None
        self._init: asyncio.Future[init.Outcome] | None = None
        self._invocation: Invocation | None = None
        self._init_ms: float | None = None

    @property
    def state(self) -> State:
        return self._life.state

    @property
    def takes_events(self) -> bool:
        return self._life.state in TAKES_EVENTS

    async def start(self, connect: Connect, init_start: report.InitStart) -> init.Outcome:
        """Make the sandbox and run init ahead of the first invocation.

        Returns how init went; raises `SpawnError` or OSError when it could not even begin.
        """
        self._connect = connect
        self._life.move(State.INIT)
        await self._sandbox.create()
        self._journal.add_now([self._lines.init_start(init_start, self._means.clock.now())])
        began = self._means.clock.monotonic()
        settings = self._means.settings
        provisioned = self._place.initialization_type == "provisioned-concurrency"
        timeout_s = settings.provisioned_init_timeout_s if provisioned else settings.init_timeout_s
        loop = asyncio.get_running_loop()
        timer = loop.call_later(timeout_s, self._init_over, init.TIMED_OUT)
        try:
            ended = await self._boot()
        finally:
            timer.cancel()
        if self._life.state is not State.INIT:
            raise SpawnError("the environment has been ended")
        duration_ms = (self._means.clock.monotonic() - began) * 1000
        self._init_ms = duration_ms if ended.is_ok else None
        self._life.move(State.IDLE if ended.is_ok else State.EMPTY)
        if not ended.is_ok:
            self._report_init(ended, duration_ms, report.Phase.INIT)
        self._journal.flush()
        return init.Outcome(status=ended.status, duration_ms=duration_ms)

    def invoke(self, stream: int, message: Invoke, body: Body) -> None:
        """Run an event. Only where `takes_events`."""
        timeout_s = self._plan.version.timeout_s
        clock = self._means.clock
        timer = asyncio.get_running_loop().call_later(timeout_s, self._timed_out)
        invocation = self._invocation = Invocation(
            stream=stream,
            message=message,
            body=body,
            deadline_ms=int((clock.now() + timeout_s) * 1000),
            began=clock.monotonic(),
            timer=timer,
        )
        if self._life.state is State.IDLE:
            self._life.move(State.BUSY)
            self._deliver(invocation)
        else:
            self._life.move(State.RESTARTING)
            _ = self._means.tasks.start(self._restart(invocation), name="restart")

    async def end(self) -> None:
        """Kill what runs and remove what is left. The invocation, if any, is not answered."""
        if self._life.state in (State.ENDING, State.GONE):
            return
        self._life.move(State.ENDING)
        if self._invocation is not None:
            self._invocation.timer.cancel()
            self._invocation = None
        self._drop_process()
        self._init_over(init.ENDED)
        self._journal.flush()
        await self._sandbox.remove()
        self._life.move(State.GONE)

    # What the process says (`RuntimeListener`).

    def ready(self, runtime: Runtime) -> None:
        if runtime is self._runtime:
            self._init_over(init.OK)

    def init_failed(self, runtime: Runtime, error_type: str, payload: Body) -> None:
        if runtime is self._runtime:
            self._init_over(init.failed(error_type, payload))

    def answered(self, runtime: Runtime, payload: Body) -> None:
        if runtime is self._runtime and self._life.state is State.BUSY:
            self._finish(payload)

    def failed(self, runtime: Runtime, error_type: str, payload: Body) -> None:
        if runtime is self._runtime and self._life.state is State.BUSY:
            self._finish(payload, error=error_type)

    def overflowed(self, runtime: Runtime) -> None:
        if runtime is self._runtime and self._life.state is State.BUSY:
            self._finish(outcome.too_large_payload(), error=outcome.TOO_LARGE)

    def broke(self, runtime: Runtime, error_type: str, text: str) -> None:
        if runtime is self._runtime:
            self._lost(error_type, text, error_type)

    def exited(self, runtime: Runtime, status: int) -> None:
        if runtime is not self._runtime:
            return
        reason = outcome.EXITED
        if status < 0 and self._sandbox.ran_out_of_memory():
            reason = outcome.OUT_OF_MEMORY
        self._lost(outcome.EXITED, outcome.exit_text(status), reason)

    # How things go on.

    def _deliver(self, invocation: Invocation) -> None:
        self._announce(invocation)
        runtime, process = self._runtime, self._process
        if runtime is None or process is None:
            self._lost(outcome.EXITED, outcome.exit_text(0), outcome.EXITED)
            return
        self._sandbox.watch(process, process.kill)
        message = invocation.message
        event = Event(
            id=message.request_id,
            deadline_ms=invocation.deadline_ms,
            arn=message.arn,
            trace_id=message.trace_id,
            client_context=message.client_context,
            cognito_identity=message.cognito_identity,
        )
        body, invocation.body = invocation.body, b""
        runtime.deliver(event, body)

    async def _restart(self, invocation: Invocation) -> None:
        """Start a fresh process within an invocation, and give it the event."""
        try:
            ended = await self._boot()
        except SpawnError as exc:
            if self._invocation is invocation:
                self._lost(outcome.SANDBOX_FAILED, str(exc), outcome.SANDBOX_FAILED)
            return
        if self._invocation is not invocation:
            return  # its time was up meanwhile, and it has been answered
        if ended.is_ok:
            self._life.move(State.BUSY)
            self._deliver(invocation)
            return
        duration_ms = (self._means.clock.monotonic() - invocation.began) * 1000
        self._report_init(ended, duration_ms, report.Phase.INVOKE)
        self._announce(invocation)
        error_type = ended.error_type or outcome.EXITED
        if ended.payload is None:
            self._lost(error_type, ended.text, ended.reason or error_type)
        else:
            self._finish(
                ended.payload, error=error_type, status=report.Status.ERROR, to=State.EMPTY
            )

    async def _boot(self) -> init.Outcome:
        """Start a process and wait for the end of its init, however it comes."""
        over: asyncio.Future[init.Outcome] = asyncio.get_running_loop().create_future()
        self._init = over
        missing = await asyncio.to_thread(launch.missing_entrypoint, self._plan)
        if missing is not None:
            self._init_over(init.lost(outcome.INVALID_ENTRYPOINT, missing))
            return await over
        process = await self._means.supervisor.take(self._plan.runtime)
        if over.done():
            process.discard()
            return await over
        mark = launch.new_mark()
        self._process = process
        self._output = Output(process.output, mark, self._journal.add_now)
        runtime = self._runtime = self._connect(process, self)
        runtime.begin(
            launch.setup(
                self._plan,
                self._place,
                self._means.settings,
                has_sandbox=process.has_sandbox,
                join=self._sandbox.join,
                mark=mark,
            )
        )
        ended = await over
        if self._runtime is runtime:
            if ended.is_ok:
                self._journal.add(*self._drained())
            else:
                self._drop_process()
        return ended

    def _init_over(self, ended: init.Outcome) -> None:
        if self._init is not None and not self._init.done():
            self._init.set_result(ended)

    def _timed_out(self) -> None:
        invocation = self._invocation
        if invocation is None:
            return
        message = invocation.message
        was_init = self._life.state is State.RESTARTING
        self._init_over(init.TIMED_OUT)
        self._drop_process()
        timeout_s = self._plan.version.timeout_s
        if was_init:
            self._report_init(init.TIMED_OUT, timeout_s * 1000.0, report.Phase.INVOKE)
        self._announce(invocation)
        now = self._means.clock.now()
        self._journal.add(report.timeout_line(message.request_id, timeout_s, now))
        text = outcome.message(message.request_id, outcome.timeout_text(timeout_s))
        self._finish(
            outcome.payload(outcome.TIMED_OUT, text),
            error=outcome.TIMED_OUT,
            status=report.Status.TIMEOUT,
            to=State.EMPTY,
        )

    def _lost(self, error_type: str, text: str, reason: str) -> None:
        """Go on without the process; `reason` is what the log calls it."""
        if self._init is not None and not self._init.done():
            self._init_over(init.lost(error_type, text, reason))
            return
        self._drop_process()
        invocation = self._invocation
        if invocation is None:
            if self._life.state is State.IDLE:
                self._life.move(State.EMPTY)
            self._journal.flush()
            return
        self._announce(invocation)
        message = outcome.message(invocation.message.request_id, text)
        self._journal.add(report.failure_line(message, error_type))
        self._finish(
            outcome.payload(error_type, message),
            error=error_type,
            status=report.Status.ERROR,
            reason=reason,
            to=State.EMPTY,
        )

    def _announce(self, invocation: Invocation) -> None:
        """Write the START line, once. The log's tail begins with it."""
        if not invocation.is_announced:
            invocation.is_announced = True
            message = invocation.message
            if message.wants_tail:
                self._journal.begin_tail()
            version = self._plan.version.id.version
            now = self._means.clock.now()
            self._journal.add(self._lines.start(message.request_id, version, now))

    def _finish(
        self,
        payload: Body,
        *,
        error: str | None = None,
        status: report.Status = report.Status.SUCCESS,
        reason: str | None = None,
        to: State = State.IDLE,
    ) -> None:
        """Answer the invocation: log first, then state, then the answer."""
        invocation = self._invocation
        if invocation is None or self._life.state not in HAS_EVENT:
            return
        invocation.timer.cancel()
        self._journal.add(*self._drained())
        clock = self._means.clock
        duration_ms = (clock.monotonic() - invocation.began) * 1000
        if status is report.Status.TIMEOUT:
            duration_ms = self._plan.version.timeout_s * 1000.0
        init_ms, self._init_ms = self._init_ms, None
        figures = report.Report(
            request_id=invocation.message.request_id,
            duration_ms=duration_ms,
            billed_ms=report.billed_ms(duration_ms, init_ms),
            memory_mb=self._plan.version.memory_mb,
            max_memory_mb=self._sandbox.max_memory_mb(self._process),
            init_ms=init_ms,
            status=status,
            error_type=(reason or error) if status is report.Status.ERROR else None,
        )
        self._sandbox.unwatch()
        if (end := self._lines.end(figures.request_id)) is not None:
            self._journal.add(end)
        self._journal.add(self._lines.report(figures, clock.now()))
        tail = self._journal.end_tail()
        self._journal.flush()
        if to is State.EMPTY:
            self._drop_process()
        self._invocation = None
        self._life.move(to)
        result = Result(
            error=error,
            tail=tail,
            duration_ms=duration_ms,
            billed_ms=figures.billed_ms,
            max_memory_mb=figures.max_memory_mb,
        )
        self._means.answer(self, invocation.stream, result, payload)

    def _report_init(self, ended: init.Outcome, duration_ms: float, phase: report.Phase) -> None:
        figures = report.InitReport(
            duration_ms=duration_ms,
            phase=phase,
            status=ended.status,
            error_type=ended.reason or ended.error_type,
            initialization_type=self._place.initialization_type,
        )
        self._journal.add(self._lines.init_report(figures, self._means.clock.now()))

    def _drained(self) -> list[str]:
        return [] if self._output is None else self._output.drain()

    def _drop_process(self) -> None:
        """Kill the process and let go of all that belongs to it. Safe to repeat."""
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.end()
            self._sandbox.kill_strays()
        if self._output is not None:
            self._journal.add(*self._output.drain())
            self._output.close()
            self._output = None
        self._process = None
