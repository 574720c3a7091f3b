"""What the metrics stand at: plain numbers while things happen, Prometheus' families on a scrape.

A `Tally` belongs to one process and is handed to whoever counts; there is no global one. Counting
is an addition in a dictionary, with no lock: everything happens on the event loop. What can be
asked for at any time (how many run now) is not counted but read when somebody scrapes.

A tally is a collector of `prometheus_client`: `registry.register(tally)`. Rendering many series
takes its time, so whoever serves them takes a `Page`, which does that in a thread.
"""

import asyncio
import bisect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from prometheus_client import CollectorRegistry, ProcessCollector, core, exposition

from inglenook.telemetry import metrics
from inglenook.telemetry.metric import Kind, Metric

Labels = tuple[str, ...]

CONTENT_TYPE = exposition.CONTENT_TYPE_PLAIN_0_0_4


class Distribution:
    """How many values there were up to each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect.bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        return sum(self.counts)


Sample = tuple[Metric, Labels, "float | Distribution"]


class Tally:
    """The metrics of one process."""

    def __init__(self) -> None:
        self._values: dict[Metric, dict[Labels, float]] = {}
        self._distributions: dict[Metric, dict[Labels, Distribution]] = {}
        self._sources: list[Callable[[], Iterable[Sample]]] = []
        self._floors: list[Callable[[], Iterable[Sample]]] = []
        self._leaving: set[str] = set()

    def count(self, metric: Metric, labels: Labels = (), by: float = 1.0) -> None:
        """Add to a counter."""
        values = self._values.get(metric)
        if values is None:
            values = self._values[metric] = {}
        values[labels] = values.get(labels, 0.0) + by

    def observe(self, metric: Metric, value: float, labels: Labels = ()) -> None:
        """Take a value into a histogram or a summary."""
        found = self._distributions.setdefault(metric, {})
        distribution = found.get(labels)
        if distribution is None:
            distribution = found[labels] = Distribution(metric.bounds)
        distribution.observe(value)

    def read(self, metric: Metric, now: Callable[[], Mapping[Labels, float]]) -> None:
        """Ask `now` on each scrape. Several may tell of one metric, of different labels."""
        self.source(lambda: [(metric, labels, value) for labels, value in now().items()])

    def source(self, samples: Callable[[], Iterable[Sample]]) -> None:
        """Take samples of whatever metrics on each scrape."""
        self._sources.append(samples)

    def floor(self, samples: Callable[[], Iterable[Sample]]) -> None:
        """Take samples of what is to be shown though nothing has been counted yet.

        A series that begins with its first event begins at one, and `rate` never sees that event.
        """
        self._floors.append(samples)

    def forget(self, function_name: str) -> None:
        """Show what was counted of a function that is gone once more, and then no longer."""
        self._leaving.add(function_name)

    def collect(self) -> Iterator[core.Metric]:
        """Take how everything stands, now; the iterator makes families of it, anywhere."""
        found: dict[Metric, dict[Labels, float | Distribution]] = {}
        for metric, labels, value in self._samples():
            found.setdefault(metric, {})[labels] = value
        for floor in self._floors:
            for metric, labels, value in floor():
                found.setdefault(metric, {}).setdefault(labels, value)
        return (family(metric, found[metric]) for metric in metrics.ALL if metric in found)

    def _samples(self) -> Iterator[Sample]:
        for metric, values in self._values.items():
            for labels, value in values.items():
                yield metric, labels, value
        for metric, distributions in self._distributions.items():
            for labels, distribution in distributions.items():
                yield metric, labels, distribution
        for source in self._sources:
            yield from source()
        leaving, self._leaving = self._leaving, set()
        for metric, each in (*self._values.items(), *self._distributions.items()):
            if leaving and metric.labels[:1] == ("function_name",):
                series = cast("dict[Labels, object]", each)
                for labels in [labels for labels in series if labels[0] in leaving]:
                    del series[labels]


def family(metric: Metric, series: Mapping[Labels, float | Distribution]) -> core.Metric:
    """Return a metric and its series as the client library writes them."""
    made = core.Metric(metric.name, metric.help, metric.kind.value)
    for values, value in series.items():
        labels = dict(zip(metric.labels, values, strict=True))
        if not isinstance(value, Distribution):
            ending = "_total" if metric.kind is Kind.COUNTER else ""
            made.add_sample(metric.name + ending, labels, value)
            continue
        if metric.kind is Kind.HISTOGRAM:
            cumulated = 0
            for bound, count in zip((*metric.bounds, math.inf), value.counts, strict=True):
                cumulated += count
                le = "+Inf" if bound == math.inf else repr(bound)
                made.add_sample(f"{metric.name}_bucket", labels | {"le": le}, cumulated)
        made.add_sample(f"{metric.name}_count", labels, value.count)
        made.add_sample(f"{metric.name}_sum", labels, value.total)
    return made


class Page:
    """The text that Prometheus reads: a tally, and what the process takes of the machine."""

    def __init__(self, tally: Tally, part: str = "") -> None:
        """`part` is what the process is, for `metrics.INFO`; empty: nobody is told."""
        if part:
            tally.read(metrics.INFO, lambda: {(part,): 1.0})
        self._tally = tally
        self._process = CollectorRegistry()
        _ = ProcessCollector(registry=self._process)

    async def text(self) -> bytes:
        """Return it as it stands now. Thousands of series take their time, in a thread."""
        taken = self._tally.collect()
        return await asyncio.to_thread(self._written, taken)

    def _written(self, taken: Iterator[core.Metric]) -> bytes:
        registry = CollectorRegistry()
        registry.register(_Taken(taken))
        return exposition.generate_latest(registry) + exposition.generate_latest(self._process)


class _Taken:
    """A collector of what was collected before."""

    def __init__(self, families: Iterator[core.Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[core.Metric]:
        return self._families
