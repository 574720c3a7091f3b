"""Whether a call that manages functions may be served now: an option, off by default.

It is for those who want to see their tools meet AWS's throttling before AWS shows it to them.
"""

import math

from inglenook import errors
from inglenook.aio import clock
from inglenook.capacity import rates


class ApiRate:
    """The API's rate, for all callers together."""

    def __init__(self, time: clock.Clock) -> None:
        self._clock = time
        self._rate = rates.ApiRate(time.monotonic())

    def admit(self, operation: str) -> None:
        """Count a call, or raise TooManyRequestsError."""
        wait_s = self._rate.take(operation, self._clock.monotonic())
        if wait_s:
            # Not the text that invocations have for it.
            raise errors.TooManyRequestsError(
                "CallerRateLimitExceeded", math.ceil(wait_s), message="Rate exceeded"
            )
