"""Tracing in one process: all of it, or nothing.

Off unless an endpoint is set; then nothing of OpenTelemetry is loaded, nobody decides about traces,
and headers go through as they come.
"""

import asyncio
import importlib
import random
from collections.abc import Iterable

from inglenook import settings
from inglenook.aio import clock
from inglenook.telemetry import metrics, sampling, spans
from inglenook.telemetry.tally import Sample, Tally

SERVICE = "inglenook"
_CLOSE_S = 2.0


class Tracing:
    """A tracer, a sampler, and the exporter behind them. `close` sends what there is."""

    def __init__(
        self,
        options: settings.Telemetry,
        tally: Tally,
        *,
        instance: str,
        time: clock.Clock,
        rng: random.Random,
    ) -> None:
        """Open it. `options.otlp_endpoint` must not be empty; `instance` tells processes apart."""
        waiting = spans.Waiting(tally)
        # Only here, as it takes a tenth of a second and some megabytes.
        otlp = importlib.import_module("inglenook.telemetry.otlp")
        self._exporter = otlp.Exporter(
            options.otlp_endpoint, waiting.queue, service=SERVICE, instance=instance
        )
        self.tracer = spans.Tracer(waiting, time, rng)
        self.sampler = sampling.Sampler(rng)
        tally.source(self._samples)

    def _samples(self) -> Iterable[Sample]:
        if dropped := self._exporter.dropped:
            yield metrics.SPANS_DROPPED, ("failed",), dropped

    async def close(self) -> None:
        """Send what there is, for a moment at most."""
        await asyncio.to_thread(self._exporter.close, _CLOSE_S)
