"""One execution environment: a /tmp, a log stream, and at most one process.

It answers an invocation exactly once, whatever becomes of the process: an answer, an error, the
timeout, an exit. After anything but an answer or an error the process is gone and the environment
stays, with its /tmp; the next invocation starts a fresh process and runs init within its own time.
What the gateway hears of it is the agent's business.
"""

import asyncio
from functools import partial
from typing import Protocol

from inglenook.telemetry import report
from inglenook.wire.connection import Body
from inglenook.wire.messages import Chunk, Invoke, Result
from inglenook_agent.environment import init, launch, outcome, streaming
from inglenook_agent.environment.boot import Connect, Means
from inglenook_agent.environment.deadline import Deadline
from inglenook_agent.environment.invocation import Invocation
from inglenook_agent.environment.journal import Journal
from inglenook_agent.environment.occupant import Occupant
from inglenook_agent.environment.runtime import Flow, Runtime, Sink
from inglenook_agent.environment.states import HAS_EVENT, TAKES_EVENTS, Life, State
from inglenook_agent.environment.tenancy import Tenancy
from inglenook_agent.supervisor.spawner import SpawnError


class Owner(Protocol):
    """Who asks an environment for what it does."""

    def answered(
        self, environment: "Environment", stream: int, result: Result, payload: Body
    ) -> None:
        """Send an invocation's result."""

    def pass_on(self, environment: "Environment", stream: int, chunk: Chunk, piece: Body) -> None:
        """Send a piece of a streamed answer."""

    def deserted(self, environment: "Environment") -> None:
        """Learn that the process has ended while it had nothing to do."""


class Environment:
    """Run events of one version, one at a time."""

    def __init__(
        self,
        *,
        name: str,
        plan: launch.Plan,
        place: launch.Place,
        means: Means,
        journal: Journal,
        connect: Connect,
        owner: Owner,
    ) -> None:
        self.name = name
        self._plan = plan
        self._place = place
        self._means = means
        self._journal = journal
        self._owner = owner
        self._life = Life()
        self._tenancy = Tenancy(plan, place, means, journal, connect)
        self._invocation: Invocation | None = None
        self._deadline = Deadline(plan.version.timeout_s, self._timed_out)
        self._init_ms: float | None = None

    @property
    def takes_events(self) -> bool:
        return self._life.state in TAKES_EVENTS

    @property
    def is_provisioned(self) -> bool:
        return self._place.initialization_type == "provisioned-concurrency"

    async def start(self, init_start: report.InitStart) -> init.Outcome:
        """Run init ahead of the first invocation.

        Returns how init went; raises `SpawnError` or OSError when it could not even begin.
        """
        self._life.move(State.INIT)
        self._journal.init_start(init_start)
        settings = self._means.settings
        ended = await self._tenancy.move_in(
            self,
            settings.provisioned_init_timeout_s if self.is_provisioned else settings.init_timeout_s,
        )
        if self._life.state is not State.INIT:
            # Nobody will end it again: what may have been made meanwhile goes, too.
            await asyncio.to_thread(self._place.tmp.remove)
            raise SpawnError("the environment has been ended")
        if ended.is_ok:
            self._init_ms = ended.duration_ms
            self._life.move(State.IDLE)
        else:
            self._report_init(ended, report.Phase.INIT)
            self._life.move(State.EMPTY)
        self._journal.flush()
        return ended

    def invoke(self, stream: int, message: Invoke, body: Body) -> None:
        """Run an event. Only where `takes_events`."""
        timeout_s = self._plan.version.timeout_s
        clock = self._means.clock
        self._deadline.begin()
        invocation = self._invocation = Invocation(
            stream=stream,
            message=message,
            body=body,
            deadline_ms=int((clock.now() + timeout_s) * 1000),
            began=clock.monotonic(),
        )
        occupant = self._tenancy.occupant
        if self._life.state is State.IDLE and occupant is not None:
            self._life.move(State.BUSY)
            self._deliver(invocation, occupant)
        else:
            self._begin_afresh(invocation)

    def taken(self, stream: int, size: int) -> None:
        """Learn that the gateway has room for more of the answer that is streamed to it."""
        invocation = self._invocation
        if invocation is not None and invocation.stream == stream and invocation.sink is not None:
            invocation.sink.taken(size)

    @property
    def is_in_init(self) -> bool:
        """Whether it is at an init that no invocation waits for."""
        return self._life.state is State.INIT

    def lose(self, error_type: str, text: str) -> None:
        """Do without the process, which is not to go on, and say why in the log.

        What it runs fails with this error, be that an init or an invocation.
        """
        ended, is_at_init = init.lost(error_type, text), self._tenancy.is_moving_in
        if not is_at_init and self._tenancy.occupant is None:
            return
        if self._invocation is None:
            self._journal.failure(text, error_type)
        if is_at_init:
            self._tenancy.move_out(ended)
        else:
            self._lost(ended)

    async def end(self) -> None:
        """Kill what runs and remove what is left. The invocation, if any, is not answered."""
        if self._life.state in (State.ENDING, State.GONE):
            return
        self._life.move(State.ENDING)
        self._deadline.close()
        if self._invocation is not None:
            self._invocation.stop()
            self._invocation = None
        self._tenancy.move_out(init.ENDED)
        self._journal.flush()
        self._place.tmp.release()
        await asyncio.to_thread(self._place.tmp.remove)
        self._life.move(State.GONE)

    # What the process says (`RuntimeListener`).

    def ready(self, runtime: Runtime) -> None:
        if (boot := self._tenancy.boot_of(runtime)) is not None:
            boot.over(init.OK)

    def init_failed(self, runtime: Runtime, error_type: str, payload: Body) -> None:
        if (boot := self._tenancy.boot_of(runtime)) is not None:
            boot.over(init.failed(error_type, payload))

    def streams(self, runtime: Runtime, content_type: str, flow: Flow) -> Sink:
        invocation = self._invocation
        if invocation is None or not self._has_event(runtime):
            return streaming.Gathering()
        send = partial(self._owner.pass_on, self, invocation.stream)
        return invocation.stream_to(send, content_type, flow, self._means)

    def answered(self, runtime: Runtime, payload: Body) -> None:
        invocation = self._invocation
        if invocation is not None and self._has_event(runtime):
            self._finish(payload if invocation.sink is None else invocation.sink.payload)

    def failed(self, runtime: Runtime, error_type: str, payload: Body) -> None:
        if self._has_event(runtime):
            self._finish(payload, error=error_type)

    def overflowed(self, runtime: Runtime) -> None:
        invocation = self._invocation
        if invocation is not None and self._has_event(runtime):
            payload = outcome.too_large_payload(invocation.limit)
            self._finish(payload, error=outcome.TOO_LARGE)

    def broke(self, runtime: Runtime, error_type: str, text: str) -> None:
        if (boot := self._tenancy.boot_of(runtime)) is not None:
            boot.over(init.lost(error_type, text))
        elif self._tenancy.is_present(runtime):
            self._lost(init.lost(error_type, text))

    def exited(self, runtime: Runtime, status: int) -> None:
        if (boot := self._tenancy.boot_of(runtime)) is not None:
            boot.exited(status)
        elif self._tenancy.is_present(runtime):
            self._lost(init.exited(status, self._tenancy.occupant))

    def left(self, runtime: Runtime, body: Body) -> None:
        invocation = self._invocation
        if invocation is not None and self._has_event(runtime):
            # It ended after the last event, and nobody knew: the next one is not its business.
            self._tenancy.move_out(init.ENDED)
            invocation.body = body
            self._life.move(State.EMPTY)
            self._begin_afresh(invocation)

    def _has_event(self, runtime: Runtime) -> bool:
        return self._life.state is State.BUSY and self._tenancy.is_present(runtime)

    # How things go on.

    def _deliver(self, invocation: Invocation, occupant: Occupant) -> None:
        self._announce(invocation)
        occupant.watch()
        occupant.runtime.deliver(*invocation.take())

    def _begin_afresh(self, invocation: Invocation) -> None:
        self._life.move(State.RESTARTING)
        _ = self._means.tasks.start(self._restart(invocation), name="restart")

    async def _restart(self, invocation: Invocation) -> None:
        """Start a fresh process within an invocation, and give it the event."""
        try:
            ended = await self._tenancy.move_in(self, None)
        except (SpawnError, OSError) as exc:
            ended = init.lost(outcome.SANDBOX_FAILED, str(exc))
        if self._invocation is not invocation:
            return  # its time was up meanwhile, and it has been answered
        occupant = self._tenancy.occupant
        if ended.is_ok and occupant is not None:
            self._life.move(State.BUSY)
            self._deliver(invocation, occupant)
            return
        self._report_init(ended, report.Phase.INVOKE)
        if ended.payload is None:
            self._lost(ended)
            return
        self._announce(invocation)
        self._finish(
            ended.payload, error=ended.error_type, status=report.Status.ERROR, to=State.EMPTY
        )

    def _timed_out(self) -> None:
        invocation = self._invocation
        if invocation is None:
            return
        timeout_s, request_id = self._plan.version.timeout_s, invocation.message.request_id
        self._tenancy.move_out(init.TIMED_OUT)
        if self._life.state is State.RESTARTING:
            self._journal.init_report(
                timeout_s * 1000.0, report.Phase.INVOKE, report.Status.TIMEOUT, None
            )
        self._announce(invocation)
        self._journal.timeout(request_id, timeout_s)
        message = outcome.message(request_id, outcome.timeout_text(timeout_s))
        self._finish(
            outcome.payload(outcome.TIMED_OUT, message),
            error=outcome.TIMED_OUT,
            status=report.Status.TIMEOUT,
            to=State.EMPTY,
        )

    def _lost(self, ended: init.Outcome) -> None:
        """Go on without the process, which could not tell itself what happened."""
        error_type = ended.error_type or outcome.EXITED
        self._tenancy.move_out(ended)
        invocation = self._invocation
        if invocation is None:
            self._journal.flush()
            if self._life.state is State.IDLE:
                self._life.move(State.EMPTY)
                self._owner.deserted(self)
            return
        self._announce(invocation)
        message = outcome.message(invocation.message.request_id, ended.text)
        self._journal.failure(message, error_type)
        if invocation.is_cut:
            error_type = outcome.TRUNCATED
        self._finish(
            outcome.payload(error_type, message),
            error=error_type,
            status=report.Status.ERROR,
            reason=ended.reason,
            to=State.EMPTY,
        )

    def _announce(self, invocation: Invocation) -> None:
        """Say once that the invocation begins: after an init within it, as Lambda does."""
        if not invocation.is_announced:
            invocation.is_announced = True
            message = invocation.message
            self._journal.begin(message.request_id, wants_tail=message.wants_tail)

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
        self._deadline.end()
        invocation.stop()
        duration_ms = (self._means.clock.monotonic() - invocation.began) * 1000
        if status is report.Status.TIMEOUT:
            duration_ms = self._plan.version.timeout_s * 1000.0
        self._tenancy.settle()
        if to is State.IDLE and self._tenancy.is_deserted:
            # It has ended since it answered; the next event must not find it.
            self._tenancy.move_out(init.ENDED)
            to = State.EMPTY
        init_ms, self._init_ms = self._init_ms, None
        figures = invocation.report(
            duration_ms,
            memory_mb=self._plan.version.memory_mb,
            max_memory_mb=self._tenancy.max_memory_mb,
            init_ms=init_ms,
            status=status,
            error_type=reason or error,
        )
        tail = self._journal.end(figures)
        self._invocation = None
        self._life.move(to)
        result = Result(
            error=error,
            tail=tail,
            duration_ms=duration_ms,
            billed_ms=figures.billed_ms,
            max_memory_mb=figures.max_memory_mb,
            is_warm=to is State.IDLE,
        )
        self._owner.answered(self, invocation.stream, result, payload)

    def _report_init(self, ended: init.Outcome, phase: report.Phase) -> None:
        error_type = ended.reason or ended.error_type
        self._journal.init_report(ended.duration_ms, phase, ended.status, error_type)
