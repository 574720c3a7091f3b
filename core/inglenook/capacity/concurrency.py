"""Exact concurrency: who holds a lease, and whether one more may.

An invocation holds a lease from its admission, through any cold start, until the environment has
answered or is gone. What is in use is the set of live leases, never a counter, so that nothing can
drift. A function with reserved concurrency has that many leases and no more; the others share what
the account's limit leaves.

Source: dg/lambda-concurrency.html, dg/configuration-concurrency.html.
"""

import enum
from collections.abc import Hashable


class Throttle(enum.Enum):
    """Why an invocation is not admitted: the `Reason` of TooManyRequestsException."""

    RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
    ACCOUNT = "ConcurrentInvocationLimitExceeded"


class Ledger:
    """The live leases of all functions that this gateway owns."""

    def __init__(self, account_limit: int) -> None:
        self._account_limit = account_limit
        self._reserved: dict[str, int] = {}
        self._shared_limit = account_limit
        self._by_function: dict[str, set[Hashable]] = {}
        self._shared: set[Hashable] = set()
        """The leases of functions without a reservation."""

    def reserve(self, function: str, limit: int | None) -> None:
        """Set or, with None, remove a function's reserved concurrency; its leases stay."""
        leases = self._by_function.get(function, set())
        if limit is None:
            self._reserved.pop(function, None)
            self._shared |= leases
        else:
            self._reserved[function] = limit
            self._shared -= leases
        self._shared_limit = self._account_limit - sum(self._reserved.values())

    def reserved(self, function: str) -> int | None:
        """Return a function's reserved concurrency."""
        return self._reserved.get(function)

    def acquire(self, function: str, lease: Hashable) -> Throttle | None:
        """Grant `lease` and return None, or say why not and change nothing."""
        limit = self._reserved.get(function)
        leases = self._by_function.get(function)
        if limit is None:
            if len(self._shared) >= self._shared_limit:
                return Throttle.ACCOUNT
            self._shared.add(lease)
        elif (len(leases) if leases else 0) >= limit:
            return Throttle.RESERVED
        if leases is None:
            leases = self._by_function[function] = set()
        leases.add(lease)
        return None

    def release(self, function: str, lease: Hashable) -> None:
        """End a lease. Safe to repeat."""
        self._shared.discard(lease)
        leases = self._by_function.get(function)
        if leases is not None:
            leases.discard(lease)
            if not leases:
                del self._by_function[function]

    @property
    def total(self) -> int:
        """How many leases live, of all functions."""
        return sum(map(len, self._by_function.values()))

    def in_use(self, function: str) -> int:
        """Count a function's live leases."""
        return len(self._by_function.get(function, ()))
