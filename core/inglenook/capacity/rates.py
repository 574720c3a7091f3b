"""How fast a function may scale, and how many requests a second it and the API may have.

Three limits beside concurrency. The *scaling rate* bounds the new environments of a function:
1,000 at once, refilled continuously at 1,000 per 10 s, not accumulated. The *request rate* bounds
synchronous requests: ten a second for each unit of the concurrency limit; a function with a
reservation has ten times that, the others share ten times what the account's limit leaves. An
environment takes ten requests a second at most, so that faster traffic scales out. The *API rate*
bounds the calls that manage functions, whoever makes them and for which function.

Pure: times are arguments, waits are answers.

Source: dg/lambda-concurrency.html, dg/scaling-behavior.html, dg/gettingstarted-limits.html.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

from inglenook.capacity.bucket import Bucket
from inglenook.model import limits

_PER_S = limits.REQUESTS_PER_S_PER_ENVIRONMENT

K = TypeVar("K", bound=Hashable)


class _Buckets(Generic[K]):
    """A bucket for each of many; a full one is not kept."""

    def __init__(self) -> None:
        self._buckets: dict[K, Bucket] = {}

    def of(self, key: K, capacity: float, per_s: float, now: float) -> Bucket:
        found = self._buckets.get(key)
        if found is None:
            found = self._buckets[key] = Bucket(capacity, per_s, now)
        return found

    def prune(self, now: float) -> None:
        for key in [key for key, each in self._buckets.items() if each.is_full(now)]:
            del self._buckets[key]

    def __len__(self) -> int:
        return len(self._buckets)


class ScalingRate:
    """The new environments of each function."""

    def __init__(
        self,
        environments: float = limits.SCALING_ENVIRONMENTS,
        interval_s: float = limits.SCALING_INTERVAL_S,
    ) -> None:
        self._capacity = environments
        self._per_s = environments / interval_s
        self._buckets: _Buckets[str] = _Buckets()

    def _bucket(self, function: str, now: float) -> Bucket:
        return self._buckets.of(function, self._capacity, self._per_s, now)

    def wait_s(self, function: str, starts: int, now: float) -> float:
        """Return how long until so many more starts are allowed; 0.0 if they are."""
        return self._bucket(function, now).wait_s(starts, now)

    def began(self, function: str, now: float) -> None:
        """Count a start. Who was allowed to wait for one gets it, whatever has changed since."""
        self._bucket(function, now).take(now)

    def failed(self, function: str, now: float) -> None:
        """Take a start back that came to nothing."""
        self._bucket(function, now).give_back(now)

    def prune(self, now: float) -> None:
        """Forget the functions that may scale as fast as if they were new."""
        self._buckets.prune(now)

    def __len__(self) -> int:
        return len(self._buckets)


class RequestRate:
    """The synchronous requests of the account."""

    def __init__(self) -> None:
        # A changed limit begins with a bucket of its own.
        self._buckets: _Buckets[tuple[str | None, int]] = _Buckets()

    def take(self, function: str | None, concurrency: int, now: float) -> float:
        """Take one request (None: of those who share), or return how long to wait for one."""
        allowed = _PER_S * concurrency
        bucket = self._buckets.of((function, concurrency), allowed, allowed, now)
        wait_s = bucket.wait_s(1, now)
        if not wait_s:
            bucket.take(now)
        return wait_s

    def prune(self, now: float) -> None:
        """Forget the functions that have not been asked for a second."""
        self._buckets.prune(now)

    def __len__(self) -> int:
        return len(self._buckets)


class ApiRate:
    """The calls of the account that manage functions; invocations are none."""

    def __init__(self, now: float) -> None:
        self._others = Bucket(limits.API_OTHERS_PER_S, limits.API_OTHERS_PER_S, now)
        self._own = {
            "GetFunction": Bucket(
                limits.API_GET_FUNCTION_PER_S, limits.API_GET_FUNCTION_PER_S, now
            ),
            "GetPolicy": Bucket(limits.API_GET_POLICY_PER_S, limits.API_GET_POLICY_PER_S, now),
        }

    def take(self, operation: str, now: float) -> float:
        """Take one call of an operation, or return how long to wait for one."""
        bucket = self._own.get(operation, self._others)
        wait_s = bucket.wait_s(1, now)
        if not wait_s:
            bucket.take(now)
        return wait_s


class Pace(Generic[K]):
    """The requests of each environment: ten in any burst, then ten a second."""

    def __init__(self, per_s: float = _PER_S) -> None:
        self._per_s = per_s
        self._buckets: dict[K, Bucket] = {}

    def began(self, environment: K, now: float) -> None:
        """Count a request that an environment takes."""
        bucket = self._buckets.get(environment)
        if bucket is None:
            bucket = self._buckets[environment] = Bucket(self._per_s, self._per_s, now)
        bucket.take(now)

    def rest_s(self, environment: K, now: float) -> float:
        """Return how long an environment must rest before it takes another."""
        bucket = self._buckets.get(environment)
        return 0.0 if bucket is None else bucket.wait_s(1, now)

    def forget(self, environment: K) -> None:
        """Forget an environment that has gone."""
        self._buckets.pop(environment, None)
