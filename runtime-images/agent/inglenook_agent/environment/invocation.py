"""An event on its way through an environment: when it began, when its time is up, what it cost."""

import asyncio
from dataclasses import dataclass

from inglenook.telemetry import report
from inglenook.wire.connection import Body
from inglenook.wire.messages import Invoke
from inglenook_agent.environment.runtime import Event


@dataclass(kw_only=True, slots=True)
class Invocation:
    """What an environment was asked to run, until it is answered."""

    stream: int
    message: Invoke
    body: Body
    deadline_ms: int
    """Since the epoch, as the runtime is told it."""
    began: float
    """On the monotonic clock, in seconds."""
    timer: asyncio.TimerHandle
    """Rings when the function's time is up."""
    is_announced: bool = False

    def take(self) -> tuple[Event, Body]:
        """Return what the process is handed. The body is not kept: it may be large."""
        message = self.message
        event = Event(
            id=message.request_id,
            deadline_ms=self.deadline_ms,
            arn=message.arn,
            trace_id=message.trace_id,
            client_context=message.client_context,
            cognito_identity=message.cognito_identity,
        )
        body, self.body = self.body, b""
        return event, body

    def report(
        self,
        duration_ms: float,
        *,
        memory_mb: int,
        max_memory_mb: int,
        init_ms: float | None,
        status: report.Status,
        error_type: str | None,
    ) -> report.Report:
        """Return the figures of its REPORT line, which bills an init that came before it, too."""
        return report.Report(
            request_id=self.message.request_id,
            duration_ms=duration_ms,
            billed_ms=report.billed_ms(duration_ms, init_ms),
            memory_mb=memory_mb,
            max_memory_mb=max_memory_mb,
            init_ms=init_ms,
            status=status,
            error_type=error_type if status is report.Status.ERROR else None,
        )
