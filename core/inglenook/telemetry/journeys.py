"""One traced invocation on the gateway that owns its function, and the spans it leaves.

`invocation` is `AWS::Lambda::Function` at X-Ray, and the parent of the function's own spans. Before
it, if no environment was idle, comes `wait`, with what went on meanwhile for the environment that
it got as its children: `lease`, `specialise`, `start` and, within that, `init`.
"""

from collections.abc import Sequence

from inglenook.telemetry import spans, xray
from inglenook.wire import messages

Phases = Sequence[tuple[str, float, float]]
"""Name, beginning and end of each."""


class Journey:
    """Its points in time. `header` is the trace header for the function."""

    __slots__ = ("_context", "_span_id", "began", "has_waited", "header", "sent")

    def __init__(self, context: xray.Context, header: str, span_id: int, began: float) -> None:
        self._context = context
        self._span_id = span_id
        self.header = xray.with_parent(header, span_id)
        self.began = began
        """When it was admitted."""
        self.sent = began
        """When an environment got it."""
        self.has_waited = False
        """Whether it found none idle."""

    def tell(
        self,
        tracer: spans.Tracer,
        version: messages.VersionId,
        environment: str,
        phases: Phases,
        error: str | None,
    ) -> None:
        """Make its spans; it has ended now. `phases` are parts of its wait."""
        trace_id, parent_id = self._context.trace_id, self._context.parent_id
        is_cold = any(name == "start" for name, _, _ in phases)
        if self.has_waited:
            wait_id = tracer.end(
                "wait",
                trace_id=trace_id,
                parent_id=parent_id,
                began=self.began,
                ended=self.sent,
            )
            for name, began, ended in phases:
                tracer.end(name, trace_id=trace_id, parent_id=wait_id, began=began, ended=ended)
        tracer.end(
            "invocation",
            trace_id=trace_id,
            parent_id=parent_id,
            began=self.sent,
            span_id=self._span_id,
            attributes={
                "faas.name": version.function_name,
                "faas.version": version.version,
                "faas.instance": environment,
                "faas.coldstart": is_cold,
                "aws.xray.origin": "AWS::Lambda::Function",
            },
            error=error,
        )
