"""What each function's invocations come to: the part of the metrics that lies on the invoke path.

One `Run` holds the figures of one combination of function, resource and executed version; adding an
invocation to it takes well under a microsecond. Fleets keep theirs by the ARN that was asked for.
"""

from collections.abc import Iterator

from inglenook.telemetry import metrics
from inglenook.telemetry.tally import Distribution, Labels, Sample, Tally
from inglenook.wire import messages

_BOUNDS_MS = tuple(bound * 1000.0 for bound in metrics.DURATION.bounds)
_MIB = 1024 * 1024


class Run:
    """The figures of one combination, since the process began."""

    __slots__ = ("billed_ms", "durations_ms", "errors", "max_memory_mb", "provisioned", "spillover")

    def __init__(self) -> None:
        self.durations_ms = Distribution(_BOUNDS_MS)
        self.errors = 0
        self.billed_ms = 0
        self.max_memory_mb = 0
        self.provisioned = 0
        self.spillover = 0

    def add(self, result: messages.Result) -> None:
        """Count an invocation that has ended."""
        self.durations_ms.observe(result.duration_ms)
        self.billed_ms += result.billed_ms
        if result.error is not None:
            self.errors += 1
        self.max_memory_mb = max(self.max_memory_mb, result.max_memory_mb)

    def samples(self, labels: Labels) -> Iterator[Sample]:
        durations = Distribution(metrics.DURATION.bounds)
        durations.counts = list(self.durations_ms.counts)
        durations.total = self.durations_ms.total / 1000.0
        yield metrics.INVOCATIONS, labels, durations.count
        yield metrics.ERRORS, labels, self.errors
        yield metrics.DURATION, labels, durations
        yield metrics.BILLED_DURATION, labels, self.billed_ms / 1000.0
        if self.max_memory_mb:
            yield metrics.MAX_MEMORY, labels, self.max_memory_mb * _MIB
        if self.provisioned or self.spillover:
            yield metrics.PROVISIONED_INVOCATIONS, labels, self.provisioned
            yield metrics.PROVISIONED_SPILLOVER, labels, self.spillover


class Runs:
    """All of them."""

    def __init__(self, tally: Tally) -> None:
        self._runs: dict[Labels, Run] = {}
        self._leaving: set[str] = set()
        tally.source(self._samples)

    def of(self, version: messages.VersionId, resource: str, *, is_new: bool) -> Run:
        """Return the figures of a combination; `is_new` code or configuration uses memory anew."""
        labels = (version.function_name, resource, version.version)
        found = self._runs.get(labels)
        if found is None:
            found = self._runs[labels] = Run()
        elif is_new:
            found.max_memory_mb = 0
        self._leaving.discard(version.function_name)
        return found

    def forget(self, function_name: str) -> None:
        """Show a function that is gone once more, and then no longer."""
        self._leaving.add(function_name)

    def _samples(self) -> Iterator[Sample]:
        for labels, run in self._runs.items():
            yield from run.samples(labels)
        leaving, self._leaving = self._leaving, set()
        if leaving:
            self._runs = {
                labels: run for labels, run in self._runs.items() if labels[0] not in leaving
            }


def qualified(function_name: str, qualifier: str | None) -> str:
    """Return CloudWatch's `Resource` of a function that was asked for under a qualifier."""
    return function_name if qualifier is None else f"{function_name}:{qualifier}"


def resource(arn: str) -> str:
    """Return CloudWatch's `Resource` of a function's ARN: `orders`, or `orders:live`."""
    return arn.split(":", 6)[-1]
