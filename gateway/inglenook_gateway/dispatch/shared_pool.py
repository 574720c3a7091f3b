"""This gateway's part of the concurrency that functions without a reservation share.

Alone on a machine a gateway has all of it, and nothing here is used. One of several has a share,
and whoever lends it is asked for more (`join`). An invocation that finds the share used up waits
for the answer: it is refused only once the lender has said that nothing is left anywhere, or has
said nothing for as long as one waits for an environment: after the loss of a node nothing can be
lent until the cluster has noticed it. Those who wait hold nothing, and are never more than could
run.
"""

import asyncio
import collections
from collections.abc import Callable
from dataclasses import dataclass

from inglenook import errors
from inglenook.aio import clock
from inglenook.capacity import concurrency, shares
from inglenook.model import function
from inglenook.wire import messages
from inglenook_gateway.dispatch import admission, invocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An invocation that is to be admitted."""

    version: messages.VersionId
    spec: function.Spec
    invoked: invocation.Invocation


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: Arrival
    number: int
    until: float


class SharedPool:
    """The share, who waits for more of it, and what the lender is to know."""

    def __init__(
        self,
        ledger: concurrency.Ledger,
        *,
        run: Callable[[Arrival], None],
        refuse: Callable[[Arrival, errors.ApiError], None],
        time: clock.Clock,
    ) -> None:
        """`run` raises TooManyRequestsError if it may not; `refuse` tells whoever called."""
        self._ledger = ledger
        self._run = run
        self._refuse = refuse
        self._clock = time
        self._waiting: collections.deque[_Waiting] = collections.deque()
        self._expiry: asyncio.TimerHandle | None = None
        self._wanted: Callable[[], None] | None = None
        self._gave: Callable[[int], None] = _nobody
        self._is_closed = False
        self.last = 0
        """The number of whoever began to wait last."""

    def join(self, wanted: Callable[[], None], gave: Callable[[int], None]) -> None:
        """Have no more than is lent from now on: nothing yet.

        Call `wanted` when more is needed or going to be, and `gave` with how much goes with
        functions that another gateway owns from now on.
        """
        self._wanted, self._gave = wanted, gave
        self._ledger.lend(0)

    def changed(self) -> None:
        """Learn that limits have changed."""
        if self._wanted is not None:
            self._wanted()

    def gave(self, units: int) -> None:
        """Learn that so much is counted elsewhere from now on."""
        if units > 0:
            self._gave(units)

    @property
    def usage(self) -> shares.Usage:
        """What is in use, and wanted."""
        ledger = self._ledger
        return shares.Usage(
            total=max(0, ledger.shared_limit),
            used=ledger.unreserved_executions,
            aside=ledger.shared_aside,
            aside_idle=ledger.shared_aside_idle,
            waiting=len(self._waiting),
        )

    def lend(self, share: int, low: float) -> None:
        """Have so much, and admit whoever waits for it; say when `low` is in use."""
        self._ledger.lend(share)
        if self._wanted is not None:
            self._ledger.warn(low, self._wanted)
        waiting, self._waiting = self._waiting, collections.deque()
        while waiting:
            one = waiting.popleft()
            if not self._is_admitted(one.arrival):
                self._waiting.append(one)

    def _is_admitted(self, arrival: Arrival) -> bool:
        try:
            self._run(arrival)
        except admission.ShareUsedUpError:
            return False
        except errors.ApiError as error:
            self._refuse(arrival, error)
        return True

    # Waiting

    def wait(self, arrival: Arrival) -> bool:
        """Have an arrival wait for more, if there may be more; return whether it does."""
        if self._wanted is None or self._is_closed:
            return False
        if len(self._waiting) >= self._ledger.shared_limit:
            return False
        self.last += 1
        self._waiting.append(_Waiting(arrival, self.last, arrival.invoked.waits_until))
        if self._expiry is None:
            self._watch()
        self._wanted()
        return True

    def refuse(self, last: int) -> None:
        """Refuse all who wait, up to the number `last`: nothing is left for them."""
        while self._waiting and self._waiting[0].number <= last:
            self._refuse(self._waiting.popleft().arrival, admission.ShareUsedUpError())

    def take(self, function_name: str) -> list[Arrival]:
        """Return those who wait to run a function, which wait no more."""
        taken = [each for each in self._waiting if each.arrival.invoked.function == function_name]
        for each in taken:
            self._waiting.remove(each)
        return [each.arrival for each in taken]

    def _watch(self) -> None:
        if self._waiting:
            delay_s = min(each.until for each in self._waiting) - self._clock.monotonic()
            self._expiry = asyncio.get_running_loop().call_later(max(0.0, delay_s), self._expire)

    def _expire(self) -> None:
        self._expiry = None
        now = self._clock.monotonic()
        late = [each for each in self._waiting if each.until <= now]
        for each in late:
            self._waiting.remove(each)
            self._refuse(each.arrival, admission.ShareUsedUpError())
        self._watch()

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._is_closed = True
        if self._expiry is not None:
            self._expiry.cancel()
        while self._waiting:
            error = errors.ServiceError("This gateway is shutting down.")
            self._refuse(self._waiting.popleft().arrival, error)


def _nobody(_units: int) -> None:
    """There is nobody to give anything to."""
