"""An event on its way through an environment: when it began, when its time is up, what it cost."""

from collections.abc import Callable
from dataclasses import dataclass

from inglenook.capacity import bucket
from inglenook.model import limits
from inglenook.telemetry import report
from inglenook.wire.connection import Body
from inglenook.wire.messages import Chunk, Invoke
from inglenook_agent.environment import streaming
from inglenook_agent.environment.boot import Means
from inglenook_agent.environment.runtime import Event, Flow


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
    is_announced: bool = False
    sink: streaming.Gathering | streaming.Passing | None = None
    """Where the answer goes, once the process streams it."""

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

    def stream_to(
        self,
        send: Callable[[Chunk, Body], None],
        content_type: str,
        flow: Flow,
        means: Means,
    ) -> streaming.Gathering | streaming.Passing:
        """Begin to stream: to the caller through `send`, or for it if it takes no stream."""
        if not self.message.wants_stream:
            self.sink = streaming.Gathering()
            return self.sink
        per_s = means.settings.stream_bytes_per_s
        pace = None
        if per_s:
            now = means.clock.monotonic()
            pace = bucket.Bucket(limits.STREAM_BURST_BYTES, per_s, now)
        self.sink = streaming.Passing(
            content_type=content_type, flow=flow, send=send, pace=pace, clock=means.clock
        )
        return self.sink

    @property
    def limit(self) -> int:
        """How large the answer may be."""
        return limits.RESPONSE_BYTES_MAX if self.sink is None else self.sink.limit

    @property
    def is_cut(self) -> bool:
        """Whether a part of the answer has left already."""
        return self.sink is not None and self.sink.is_begun

    def stop(self) -> None:
        """Let nothing more come of it: it is answered, or will not be."""
        if self.sink is not None:
            self.sink.stop()

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
