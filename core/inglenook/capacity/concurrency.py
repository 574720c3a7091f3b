"""Exact concurrency: who holds a lease, and whether one more may.

An invocation holds a lease from its admission, through any cold start, until the environment has
answered or is gone. What is in use is the set of live leases, never a counter, so that nothing can
drift. A function with reserved concurrency has that many leases and no more; the others share what
the account's limit leaves.

Provisioned concurrency sets part of the pool that its function draws on (its own reservation, or
the shared one) aside for one version, used or not. That version's invocations take it first and
then what is left of the pool; nobody else's can have it. So a function whose versions have all of
its reservation provisioned cannot run `$LATEST`.

One of several gateways has a *share* of what is left to functions without a reservation, and admits
no more than that: see `shares`. It says when little of it is left.

Source: dg/lambda-concurrency.html, dg/configuration-concurrency.html,
dg/provisioned-concurrency.html.
"""

import enum
import math
from collections.abc import Callable, Hashable, Iterable


class Throttle(enum.Enum):
    """Why an invocation is not admitted: the `Reason` of TooManyRequestsException."""

    RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
    ACCOUNT = "ConcurrentInvocationLimitExceeded"
    RESERVED_RATE = "ReservedFunctionInvocationRateLimitExceeded"
    ACCOUNT_RATE = "FunctionInvocationRateLimitExceeded"


class _Aside:
    """What is set aside for one version, and the leases of that version."""

    __slots__ = ("leases", "limit")

    def __init__(self, limit: int, leases: set[Hashable]) -> None:
        self.limit = limit
        self.leases = leases

    @property
    def idle(self) -> int:
        return max(0, self.limit - len(self.leases))


class Ledger:
    """The live leases of all functions that this gateway owns."""

    def __init__(self, account_limit: int) -> None:
        self._account_limit = account_limit
        self._reserved: dict[str, int] = {}
        self._shared_limit = account_limit
        self._share: int | None = None
        self._pool = account_limit
        """How many leases those without a reservation may have here."""
        self._low: float = math.inf
        self._running_low: Callable[[], None] = _nothing
        self._by_function: dict[str, dict[Hashable, str]] = {}
        """Of each function, the leases and the version of each."""
        self._shared: set[Hashable] = set()
        """The leases of functions without a reservation."""
        self._aside: dict[str, dict[str, _Aside]] = {}
        """By function and version."""
        self._shared_aside = 0
        """The most that is set aside in the shared pool: the sum of the limits there."""

    def reserve(self, function: str, limit: int | None) -> None:
        """Set or, with None, remove a function's reserved concurrency; its leases stay."""
        leases = self._by_function.get(function, {})
        if limit is None:
            self._reserved.pop(function, None)
            self._shared |= leases.keys()
        else:
            self._reserved[function] = limit
            self._shared -= leases.keys()
        self._shared_limit = self._account_limit - sum(self._reserved.values())
        self._sum_shared_aside()
        self._fit_pool()

    def lend(self, share: int) -> None:
        """Have so much for functions without a reservation, of what all gateways have together."""
        self._share = share
        self._fit_pool()

    @property
    def is_part(self) -> bool:
        """Whether the share is less than there is."""
        return self._pool < self._shared_limit

    def _fit_pool(self) -> None:
        limit = self._shared_limit
        self._pool = limit if self._share is None else min(limit, self._share)

    def warn(self, low: float, running_low: Callable[[], None]) -> None:
        """Call `running_low` with each lease of the shared pool that is its `low`th or later."""
        self._low = low
        self._running_low = running_low

    def provide(self, function: str, version: str, limit: int) -> None:
        """Set aside `limit` for a version of a function (0: nothing any more); leases stay."""
        aside = self._aside.setdefault(function, {})
        if limit:
            held = self._by_function.get(function, {})
            aside[version] = _Aside(limit, {each for each, of in held.items() if of == version})
        else:
            aside.pop(version, None)
            if not aside:
                del self._aside[function]
        self._sum_shared_aside()

    def _sum_shared_aside(self) -> None:
        self._shared_aside = sum(
            one.limit
            for function, aside in self._aside.items()
            if function not in self._reserved
            for one in aside.values()
        )

    def reserved(self, function: str) -> int | None:
        """Return a function's reserved concurrency."""
        return self._reserved.get(function)

    @property
    def shared_limit(self) -> int:
        """Return what the account's limit leaves to functions without a reservation."""
        return self._shared_limit

    def acquire(self, function: str, version: str, lease: Hashable) -> Throttle | None:
        """Grant `lease` and return None, or say why not and change nothing."""
        limit = self._reserved.get(function)
        leases = self._by_function.get(function)
        aside = self._aside.get(function)
        mine = aside.get(version) if aside is not None else None
        if limit is None:
            in_use = len(self._shared)
            if in_use + self._shared_aside >= self._pool and not _fits(
                in_use, self._pool, mine, self._all_shared_aside()
            ):
                return Throttle.ACCOUNT
            self._shared.add(lease)
            if in_use >= self._low:
                self._running_low()
        elif not _fits(len(leases) if leases else 0, limit, mine, aside.values() if aside else ()):
            return Throttle.RESERVED
        if leases is None:
            leases = self._by_function[function] = {}
        leases[lease] = version
        if mine is not None:
            mine.leases.add(lease)
        return None

    def hold(self, function: str, version: str, lease: Hashable) -> None:
        """Count what runs already, whatever the limits say: it was admitted elsewhere."""
        self._by_function.setdefault(function, {})[lease] = version
        if function not in self._reserved:
            self._shared.add(lease)
        mine = self._aside.get(function, {}).get(version)
        if mine is not None:
            mine.leases.add(lease)

    def _all_shared_aside(self) -> Iterable[_Aside]:
        for function, aside in self._aside.items():
            if function not in self._reserved:
                yield from aside.values()

    def release(self, function: str, lease: Hashable) -> None:
        """End a lease. Safe to repeat."""
        self._shared.discard(lease)
        leases = self._by_function.get(function)
        if leases is None:
            return
        version = leases.pop(lease, None)
        if not leases:
            del self._by_function[function]
        if version is not None and (aside := self._aside.get(function)) is not None:
            mine = aside.get(version)
            if mine is not None:
                mine.leases.discard(lease)

    @property
    def total(self) -> int:
        """How many leases live, of all functions."""
        return sum(map(len, self._by_function.values()))

    @property
    def executions(self) -> dict[str, int]:
        """How many leases each function has; those without one are left out."""
        return {function: len(leases) for function, leases in self._by_function.items()}

    @property
    def unreserved_executions(self) -> int:
        """How many leases functions without a reservation have."""
        return len(self._shared)

    @property
    def shared_aside(self) -> int:
        """How much of the shared pool is set aside, in use or not."""
        return self._shared_aside

    @property
    def shared_aside_idle(self) -> int:
        """How much of the shared pool is set aside and not in use."""
        return sum(one.idle for one in self._all_shared_aside())

    def in_use(self, function: str) -> int:
        """Count a function's live leases."""
        return len(self._by_function.get(function, ()))


def _nothing() -> None:
    """Nobody wants to know."""


def _fits(in_use: int, limit: int, mine: _Aside | None, aside: Iterable[_Aside]) -> bool:
    """Whether a pool has room for one more lease of the version for which `mine` is set aside.

    Its own part may be idle and the pool still full: what was set aside while others held leases.
    """
    if in_use >= limit:
        return False
    if mine is not None and mine.idle:
        return True
    return in_use + sum(one.idle for one in aside) < limit
