"""Whether an invocation may run now, and how soon it may be tried again if not.

Three limits, asked in this order: concurrency (exact, see `inglenook.capacity.concurrency`), the
rate of synchronous requests (an option), and the rate at which the function may scale, which only
matters to those that find no environment free.
"""

import math
from collections.abc import Hashable

from inglenook import errors, settings
from inglenook.aio import clock
from inglenook.capacity import concurrency, rates

_RETRY_AFTER_S = 1
"""For concurrency: nobody knows when a function ends."""


class ShareUsedUpError(errors.TooManyRequestsError):
    """Rate Exceeded."""

    def __init__(self) -> None:
        """Tell that this gateway's share is used up; another gateway may have some left."""
        super().__init__(concurrency.Throttle.ACCOUNT.value, _RETRY_AFTER_S)


class Admission:
    """The limits of all functions that this gateway owns."""

    def __init__(self, limits: settings.Gateway, time: clock.Clock) -> None:
        self._clock = time
        self.ledger = concurrency.Ledger(limits.account_concurrency)
        self._scaling = rates.ScalingRate()
        self._requests = rates.RequestRate() if limits.request_rate_limit else None

    def admit(self, function: str, version: str, lease: Hashable, *, is_synchronous: bool) -> None:
        """Grant a lease, until `ledger.release`, or raise TooManyRequestsError.

        It is a ShareUsedUpError if only this gateway's share of the account's limit is reached.
        """
        throttle = self.ledger.acquire(function, version, lease)
        if throttle is not None:
            if throttle is concurrency.Throttle.ACCOUNT and self.ledger.is_part:
                raise ShareUsedUpError
            raise errors.TooManyRequestsError(throttle.value, _RETRY_AFTER_S)
        if self._requests is not None and is_synchronous:
            self._check_rate(self._requests, function, lease)

    def _check_rate(self, requests: rates.RequestRate, function: str, lease: Hashable) -> None:
        now = self._clock.monotonic()
        reserved = self.ledger.reserved(function)
        if reserved is None:
            wait_s = requests.take(None, self.ledger.shared_limit, now)
            throttle = concurrency.Throttle.ACCOUNT_RATE
        else:
            wait_s = requests.take(function, reserved, now)
            throttle = concurrency.Throttle.RESERVED_RATE
        if wait_s:
            self.ledger.release(function, lease)
            raise errors.TooManyRequestsError(throttle.value, _seconds(wait_s))

    def check_scaling(self, function: str, starts: int, lease: Hashable) -> None:
        """Raise TooManyRequestsError, and end the lease, if so many starts would be too many."""
        wait_s = self._scaling.wait_s(function, starts, self._clock.monotonic())
        if wait_s:
            self.ledger.release(function, lease)
            throttle = concurrency.Throttle.ACCOUNT
            raise errors.TooManyRequestsError(throttle.value, _seconds(wait_s))

    def start_began(self, function: str) -> None:
        """Count a new environment that an invocation waits for."""
        self._scaling.began(function, self._clock.monotonic())

    def start_failed(self, function: str) -> None:
        """Learn that there will be none."""
        self._scaling.failed(function, self._clock.monotonic())

    def prune(self) -> None:
        """Forget what says nothing any more."""
        now = self._clock.monotonic()
        self._scaling.prune(now)
        if self._requests is not None:
            self._requests.prune(now)


def _seconds(wait_s: float) -> int:
    return max(1, math.ceil(wait_s)) if wait_s < math.inf else _RETRY_AFTER_S
