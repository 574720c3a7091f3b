"""Spans, made when they have ended: whoever is on the invoke path only notes points in time.

A `Span` is a plain value with times of the monotonic clock. `Tracer.end` puts it into a queue with
a bound and returns; what the queue cannot take is dropped and counted. `otlp.Exporter` empties it.
"""

import enum
import queue
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from inglenook.aio import clock
from inglenook.telemetry import metrics
from inglenook.telemetry.tally import Tally

_WAITING_MAX = 8192
"""How many spans may wait for the exporter: a few MB."""


class Kind(enum.Enum):
    """What a span is in the conversation of services."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that took its time, as part of a trace."""

    name: str
    trace_id: int
    span_id: int
    parent_id: int | None
    began: float
    ended: float
    """Both in seconds since the epoch."""
    kind: Kind = Kind.INTERNAL
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    error: str | None = None
    """If it went wrong, how."""


class Spans(Protocol):
    """Where spans go. Never blocks and never raises."""

    def put(self, span: Span) -> None: ...


class Waiting:
    """The spans that wait for an exporter in another thread."""

    def __init__(self, tally: Tally, waiting_max: int = _WAITING_MAX) -> None:
        self._tally = tally
        self.queue: queue.Queue[Span | None] = queue.Queue(waiting_max)

    def put(self, span: Span) -> None:
        """Keep a span, or count it as dropped."""
        try:
            self.queue.put_nowait(span)
        except queue.Full:
            self._tally.count(metrics.SPANS_DROPPED, ("full",))


class Tracer:
    """Give spans their ids and the time of the wall."""

    def __init__(self, to: Spans, time: clock.Clock, rng: random.Random) -> None:
        self._to = to
        self._clock = time
        self._rng = rng

    def span_id(self) -> int:
        """Return an id that no other span of the trace has."""
        return self._rng.getrandbits(64) or 1

    def now(self) -> float:
        """Return the monotonic time, for `end`."""
        return self._clock.monotonic()

    def end(  # noqa: PLR0913 - what a span is
        self,
        name: str,
        *,
        trace_id: int,
        parent_id: int | None,
        began: float,
        ended: float | None = None,
        span_id: int | None = None,
        kind: Kind = Kind.INTERNAL,
        attributes: Mapping[str, str | int | float | bool] | None = None,
        error: str | None = None,
    ) -> int:
        """Make a span of two monotonic times, the second being now if not given; return its id."""
        own_id = self.span_id() if span_id is None else span_id
        now = self._clock.monotonic()
        to_wall = self._clock.now() - now
        self._to.put(
            Span(
                name=name,
                trace_id=trace_id,
                span_id=own_id,
                parent_id=parent_id,
                began=began + to_wall,
                ended=(now if ended is None else ended) + to_wall,
                kind=kind,
                attributes=attributes or {},
                error=error,
            )
        )
        return own_id
