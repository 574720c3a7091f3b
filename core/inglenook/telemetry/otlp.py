"""Spans on their way to a collector: OTLP over HTTP, in batches, from a thread of its own.

This module loads OpenTelemetry, which takes a tenth of a second and some megabytes; `telemetry`
imports it only where an endpoint is set. A batch is tried for as long as the client library tries;
then it is dropped and counted, as is what does not fit into the queue meanwhile. Nothing waits for
a collector but the thread.
"""

import contextlib
import queue
import threading
import time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from inglenook.telemetry import spans

_BATCH_MAX = 512
_BATCH_S = 1.0
"""How long the first span of a batch waits for more."""
_TIMEOUT_S = 10.0
_SCOPE = InstrumentationScope("inglenook")
_KINDS = {
    spans.Kind.INTERNAL: SpanKind.INTERNAL,
    spans.Kind.SERVER: SpanKind.SERVER,
    spans.Kind.CLIENT: SpanKind.CLIENT,
}


class Exporter:
    """Send what comes into a queue, until `close`."""

    def __init__(
        self,
        endpoint: str,
        waiting: "queue.Queue[spans.Span | None]",
        *,
        service: str,
        instance: str,
    ) -> None:
        """Send to `endpoint`/v1/traces; service and instance say from whom."""
        self._client = OTLPSpanExporter(
            endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=_TIMEOUT_S
        )
        self._resource = Resource({"service.name": service, "service.instance.id": instance})
        self._waiting = waiting
        self.dropped = 0
        """How many spans the collector did not take."""
        self._thread = threading.Thread(target=self._run, name="export spans", daemon=True)
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Send what there is, as far as that can be done in time. Blocks; for a thread."""
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=timeout_s)
        self._thread.join(timeout_s)
        self._client.shutdown()  # type: ignore[no-untyped-call] # it has no annotations

    def _run(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._batch()
            if batch:
                self._send(batch)

    def _batch(self) -> tuple[list[spans.Span], bool]:
        following = self._waiting.get()
        batch: list[spans.Span] = []
        until = time.monotonic() + _BATCH_S
        while following is not None:
            batch.append(following)
            try:
                left_s = until - time.monotonic()
                if len(batch) == _BATCH_MAX or left_s <= 0:
                    return batch, True
                following = self._waiting.get(timeout=left_s)
            except queue.Empty:
                return batch, True
        return batch, False

    def _send(self, batch: list[spans.Span]) -> None:
        result = self._client.export([self._readable(span) for span in batch])
        if result is not SpanExportResult.SUCCESS:
            self.dropped += len(batch)

    def _readable(self, span: spans.Span) -> ReadableSpan:
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id, is_remote=False),
            parent=None
            if span.parent_id is None
            else _context(span.trace_id, span.parent_id, is_remote=True),
            resource=self._resource,
            attributes=span.attributes,
            kind=_KINDS[span.kind],
            status=Status(StatusCode.UNSET)
            if span.error is None
            else Status(StatusCode.ERROR, span.error),
            start_time=_ns(span.began),
            end_time=_ns(span.ended),
            instrumentation_scope=_SCOPE,
        )


def _context(trace_id: int, span_id: int, *, is_remote: bool) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote, TraceFlags(TraceFlags.SAMPLED))


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
