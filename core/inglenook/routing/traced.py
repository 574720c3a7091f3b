"""A runner that makes the platform's own span of each invocation whose trace is kept.

It stands before the runner that knows where functions are, on the gateway or worker that has the
caller: the span begins when the request came in, goes on through routing, and ends with the
outcome. X-Ray calls it `AWS::Lambda`. What happens on the owner's gateway hangs below it, as its id
is the parent that the event goes on with. Events that are not traced pass through untouched.
"""

from typing import TYPE_CHECKING

import msgspec

from inglenook import errors
from inglenook.model import function
from inglenook.routing import invocation, streaming
from inglenook.telemetry import sampling, spans, xray
from inglenook.wire import messages

if TYPE_CHECKING:
    import asyncio


class Traced:
    """A `streaming.StreamRunner` around another runner."""

    def __init__(self, runner: invocation.Runner, tracer: spans.Tracer) -> None:
        self._runner = runner
        self._tracer = tracer

    def invoke(
        self, version: messages.VersionId, spec: function.Spec, event: invocation.Event
    ) -> "asyncio.Future[invocation.Outcome]":
        """Run an event as the runner behind does."""
        if spec.tracing != sampling.ACTIVE or not xray.is_sampled(event.trace_id):
            return self._runner.invoke(version, spec, event)
        context = xray.parse(event.trace_id)
        if context is None:
            return self._runner.invoke(version, spec, event)
        segment = _Segment(self._tracer, context, version, event)
        try:
            outcome = self._runner.invoke(version, spec, segment.event)
        except errors.ApiError as error:
            segment.end(error)
            raise
        segment.routed()
        outcome.add_done_callback(segment.over)
        return outcome

    def stream(
        self, version: messages.VersionId, spec: function.Spec, event: invocation.Event
    ) -> streaming.ResponseStream:
        """Run an event whose answer is read as the function writes it."""
        answer = streaming.ResponseStream()
        event = msgspec.structs.replace(event, on_chunk=answer.chunk)
        answer.follow(self.invoke(version, spec, event))
        return answer


class _Segment:
    """The span of one invocation, until it has ended."""

    def __init__(
        self,
        tracer: spans.Tracer,
        context: xray.Context,
        version: messages.VersionId,
        event: invocation.Event,
    ) -> None:
        self._tracer = tracer
        self._context = context
        self._version = version
        self._span_id = tracer.span_id()
        self._began = event.received_at or tracer.now()
        self.event = msgspec.structs.replace(
            event, trace_id=xray.with_parent(event.trace_id, self._span_id)
        )

    def routed(self) -> None:
        """Make the span of what came before the event was on its way."""
        _ = self._tracer.end(
            "routing",
            trace_id=self._context.trace_id,
            parent_id=self._span_id,
            began=self._began,
        )

    def over(self, outcome: "asyncio.Future[invocation.Outcome]") -> None:
        if outcome.cancelled():
            self.end(None)
            return
        error = outcome.exception()
        self.end(error or outcome.result().result.error)

    def end(self, error: BaseException | str | None) -> None:
        """Make the span."""
        status = error.status if isinstance(error, errors.ApiError) else 200
        what = error.code if isinstance(error, errors.ApiError) else error
        _ = self._tracer.end(
            self._version.function_name,
            trace_id=self._context.trace_id,
            parent_id=self._context.parent_id,
            span_id=self._span_id,
            began=self._began,
            kind=spans.Kind.SERVER,
            attributes={
                "faas.name": self._version.function_name,
                "faas.invocation_id": self.event.request_id,
                "cloud.resource_id": self.event.arn,
                "http.response.status_code": status,
                "aws.xray.origin": "AWS::Lambda",
            },
            error=None if what is None else str(what),
        )
