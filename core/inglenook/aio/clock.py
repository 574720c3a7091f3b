"""Points in time, as an argument.

Deciding code takes a `Clock` (or a plain `now`), so that tests move time instead of waiting for it.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for people and deadlines; monotonic time for durations."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""


class SystemClock:
    """The machine's own clock."""

    now = staticmethod(time.time)  # noqa: TID251 - this is the clock
    monotonic = staticmethod(time.monotonic)


def utc(seconds: float) -> datetime:
    """Return the UTC-aware point in time that lies `seconds` after the epoch."""
    return datetime.fromtimestamp(seconds, tz=UTC)
