"""What a metric is. Which there are stands in `inglenook.telemetry.metrics`."""

import enum
from dataclasses import dataclass

from inglenook.model import limits

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0)
"""Bounds for what functions and starts take."""
AGES = (0.1, 1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 10800.0, float(limits.EVENT_AGE_S_MAX))
"""Bounds for what waits, up to the six hours that an event may be old."""


class Kind(enum.Enum):
    """What Prometheus is told that a metric is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"
    """Sum and count alone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Metric:
    """One metric; identity is its own, so that looking it up is cheap."""

    name: str
    """Without the `_total`, `_bucket`, `_sum` and `_count` that the format adds."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """The upper bounds of a histogram's buckets, but for infinity."""
    cloudwatch: str | None = None
    """Its name at AWS."""

    @property
    def series(self) -> frozenset[str]:
        """The names that a query may use."""
        endings = {
            Kind.COUNTER: ("_total",),
            Kind.GAUGE: ("",),
            Kind.HISTOGRAM: ("_bucket", "_sum", "_count"),
            Kind.SUMMARY: ("_sum", "_count"),
        }[self.kind]
        return frozenset(self.name + ending for ending in endings)


def counter(
    name: str, text: str, labels: tuple[str, ...] = (), cloudwatch: str | None = None
) -> Metric:
    return Metric(name=name, kind=Kind.COUNTER, help=text, labels=labels, cloudwatch=cloudwatch)


def gauge(
    name: str, text: str, labels: tuple[str, ...] = (), cloudwatch: str | None = None
) -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, help=text, labels=labels, cloudwatch=cloudwatch)


def histogram(
    name: str,
    text: str,
    labels: tuple[str, ...] = (),
    cloudwatch: str | None = None,
    bounds: tuple[float, ...] = SECONDS,
) -> Metric:
    return Metric(
        name=name,
        kind=Kind.HISTOGRAM,
        help=text,
        labels=labels,
        cloudwatch=cloudwatch,
        bounds=bounds,
    )


def summary(name: str, text: str, labels: tuple[str, ...] = ()) -> Metric:
    return Metric(name=name, kind=Kind.SUMMARY, help=text, labels=labels)
