"""What is seen of the invocations: metrics always, spans of those whose trace is kept.

A dispatcher has one `Watcher`, and each version of a function there one `Watch`. They are told what
happens where it is decided, by calls that never block, never raise and never ask anything back.
Points in time are those of `now`, the monotonic clock.
"""

import collections
import enum
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from inglenook.aio import clock
from inglenook.telemetry import metrics, runs, spans, xray
from inglenook.telemetry.journeys import Journey
from inglenook.telemetry.tally import Distribution, Sample, Tally
from inglenook.wire import messages

if TYPE_CHECKING:
    from inglenook.telemetry.runs import Run

_LATEST = "$LATEST"
_PHASES_KEPT = 64
"""How many of the latest phases of cold starts a version remembers for its traces."""


class Phase(enum.Enum):
    """A part of a cold start."""

    LEASE = "lease"
    SPECIALISE = "specialise"
    START = "start"
    INIT = "init"


class Watcher:
    """What is seen on one gateway."""

    def __init__(
        self,
        tally: Tally,
        seen: runs.Runs,
        time: clock.Clock,
        tracer: spans.Tracer | None = None,
        functions: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """Make no spans without a tracer. `functions` has the names of those that exist."""
        tally.floor(self._floor)
        self._functions = functions
        self.tally = tally
        self.runs = seen
        self.clock = time
        self.tracer = tracer

    @classmethod
    def unread(cls, time: clock.Clock) -> "Watcher":
        """Return one whose figures nobody asks for."""
        tally = Tally()
        return cls(tally, runs.Runs(tally), time)

    def watch(self, version: messages.VersionId, *, is_traced: bool) -> "Watch":
        """Return what is told of a version; `is_traced`: its tracing mode is `Active`."""
        # Shown before it happens, so that `rate` sees the first time.
        self.tally.count(metrics.PLATFORM_FAILURES, (version.function_name,), by=0.0)
        return Watch(self, version, self.tracer if is_traced else None)

    def _floor(self) -> Iterator[Sample]:
        for phase in (*(each.value for each in Phase), "wait"):
            metric = metrics.COLD_START_PHASE
            yield metric, (phase,), Distribution(metric.bounds)
        for name in self._functions():
            yield metrics.INVOCATIONS, (name, name, _LATEST), 0.0
            yield metrics.ERRORS, (name, name, _LATEST), 0.0
            yield metrics.PLATFORM_FAILURES, (name,), 0.0
            yield metrics.STARTS, (name, "on-demand", "ok"), 0.0
            yield metrics.INIT_DURATION, (name,), Distribution(())

    def throttled(self, version: messages.VersionId, arn: str, reason: str) -> None:
        """Learn that a limit has refused an invocation."""
        name = version.function_name
        self.tally.count(metrics.THROTTLES, (name, runs.resource(arn), reason))

    def forget(self, function_name: str) -> None:
        """Learn that a function is gone."""
        self.runs.forget(function_name)
        self.tally.forget(function_name)

    def failed(self, function_name: str) -> None:
        """Learn that the platform could not bring an admitted invocation to an end."""
        self.tally.count(metrics.PLATFORM_FAILURES, (function_name,))


class Watch:
    """What is seen of one version."""

    def __init__(
        self, watcher: Watcher, version: messages.VersionId, tracer: spans.Tracer | None
    ) -> None:
        self._tally = watcher.tally
        self._runs = watcher.runs
        self._clock = watcher.clock
        self._version = version
        self._tracer = tracer
        self.is_traced = tracer is not None
        self._by_arn: dict[str, Run] = {}
        # Only what is traced needs them, and an empty one takes as much as the rest of a watch.
        self._phases: collections.deque[tuple[Phase, float, float, str | None]] | None = None
        if self.is_traced:
            self._phases = collections.deque(maxlen=_PHASES_KEPT)

    def now(self) -> float:
        """Return the time on the clock that everything here is told in."""
        return self._clock.monotonic()

    def ran(self, arn: str, result: messages.Result, is_provisioned: bool | None = None) -> None:
        """Learn how an invocation ended.

        `is_provisioned` tells of its environment; None: the version has no provisioned ones.
        """
        run = self._by_arn.get(arn)
        if run is None:
            run = self._runs.of(self._version, runs.resource(arn), is_new=True)
            self._by_arn[arn] = run
        run.add(result)
        if is_provisioned is not None:
            if is_provisioned:
                run.provisioned += 1
            else:
                run.spillover += 1

    def waited(self, began: float, journey: Journey | None = None) -> None:
        """Learn that an invocation that found no environment idle has one now."""
        if journey is not None:
            journey.has_waited = True
        self._tally.observe(metrics.COLD_START_PHASE, self.now() - began, ("wait",))

    def phase(self, phase: Phase, began: float, environment: str | None = None) -> None:
        """Learn that a part of a cold start has ended well."""
        ended = self.now()
        self._tally.observe(metrics.COLD_START_PHASE, ended - began, (phase.value,))
        if self._phases is not None:
            self._phases.append((phase, began, ended, environment))

    def started(
        self, began: float, header: messages.Header | None, initialization_type: str = "on-demand"
    ) -> None:
        """Learn what came of an environment that was asked for."""
        result = "failed"
        name = self._version.function_name
        if isinstance(header, messages.Started):
            result = "ok" if header.init_ok else "init-error"
            init_s = header.init_ms / 1000.0
            self.phase(Phase.START, began, header.environment)
            self.phase(Phase.INIT, self.now() - init_s, header.environment)
            self._tally.observe(metrics.INIT_DURATION, init_s, (name,))
        self._tally.count(metrics.STARTS, (name, initialization_type, result))

    # Traces

    def journey(self, trace_id: str, began: float) -> Journey | None:
        """Return what to note an invocation's points in time in; None: its trace is not kept."""
        if self._tracer is None or not xray.is_sampled(trace_id):
            return None
        context = xray.parse(trace_id)
        if context is None:
            return None
        return Journey(context, trace_id, self._tracer.span_id(), began)

    def arrived(self, journey: Journey, environment: str, error: str | None) -> None:
        """Make the spans of an invocation that has ended."""
        if self._tracer is None:
            return
        phases = [
            (phase.value, began, ended)
            for phase, began, ended, of in self._phases or ()
            if ended > journey.began and ended <= journey.sent and of in (None, environment)
        ]
        journey.tell(self._tracer, self._version, environment, phases, error)
