"""What a process is seen with, as its parts are handed it: a tally, and tracing if it is on."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from inglenook.aio import clock
from inglenook.telemetry import runs, sampling, watching
from inglenook.telemetry.tally import Tally
from inglenook.telemetry.tracing import Tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """Those of one process. Without any given, everything is counted and nobody asks."""

    tally: Tally = field(default_factory=Tally)
    tracing: Tracing | None = None

    def watcher(
        self, time: clock.Clock, functions: Callable[[], Iterable[str]]
    ) -> watching.Watcher:
        """Return what a dispatcher tells; `functions` has the names of those that exist."""
        tracer = None if self.tracing is None else self.tracing.tracer
        return watching.Watcher(self.tally, runs.Runs(self.tally), time, tracer, functions)

    def headers(self, time: clock.Clock, rng: random.Random) -> sampling.Headers:
        """Return what makes the trace headers of invocations."""
        sampler = None if self.tracing is None else self.tracing.sampler
        return sampling.Headers(time, rng, sampler)
