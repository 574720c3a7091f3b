"""Which invocations are traced.

A function with the tracing mode `PassThrough` hands the header on and makes no trace. With `Active`
the caller's `Sampled` decides, and where there is none Lambda's own rate: of each function the
first invocation in a second, and one in twenty of the others.

Source: dg/services-xray.html.
"""

import random

from inglenook.aio import clock
from inglenook.model import limits
from inglenook.telemetry import traces, xray

ACTIVE = "Active"


class Sampler:
    """Decide for new traces, and write their headers. Times are monotonic seconds."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._second = -1
        self._seen: set[str] = set()
        """The functions that have had a trace in this second."""

    def header(self, given: str | None, function_name: str, *, now: float, at: float) -> str:
        """Return the header for an invocation of a function in `Active` mode.

        `given` is the caller's; `now` tells seconds apart, `at` is the time of a new trace.
        """
        if given is None:
            given = traces.root(at, self._rng)
        else:
            context = xray.parse(given)
            if context is None or context.is_sampled is not None:
                return given
        return xray.decided(given, is_sampled=self._is_kept(function_name, now))

    def _is_kept(self, function_name: str, now: float) -> bool:
        if self._second != int(now):
            self._second = int(now)
            self._seen.clear()
        if function_name not in self._seen:
            self._seen.add(function_name)
            return True
        return self._rng.random() < limits.TRACED_SHARE


class Headers:
    """The trace header of each invocation, from whatever its caller has sent."""

    def __init__(
        self, time: clock.Clock, rng: random.Random, sampler: Sampler | None = None
    ) -> None:
        """Without a sampler no trace is begun here."""
        self._clock = time
        self._rng = rng
        self._sampler = sampler

    def of(self, given: str | None, function_name: str, mode: str) -> str:
        """Return the header for an invocation of a function in a tracing mode."""
        if self._sampler is not None and mode == ACTIVE:
            now, at = self._clock.monotonic(), self._clock.now()
            return self._sampler.header(given, function_name, now=now, at=at)
        return given or traces.header(self._clock.now(), self._rng)

    def root(self, given: str | None, function_name: str, mode: str) -> str:
        """Return the header as `of` does, but without a parent or a decision of nobody's."""
        if self._sampler is not None and mode == ACTIVE:
            return self.of(given, function_name, mode)
        return given or traces.root(self._clock.now(), self._rng)

    def continued(self, header: str, mode: str) -> str:
        """Return what `root` has returned with a parent and a decision, for the function.

        What is traced here has none yet, where the trace begins with the platform's own span.
        """
        if mode == ACTIVE and xray.is_sampled(header):
            return header
        return traces.continued(header, self._rng)
