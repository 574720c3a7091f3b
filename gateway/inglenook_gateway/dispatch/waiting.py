"""The end of waiting: who finds no environment in time is told so, and holds nothing any more."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from inglenook import errors
from inglenook.aio import clock
from inglenook.capacity import environments
from inglenook_gateway.dispatch import invocation
from inglenook_gateway.dispatch.environment import Environment

if TYPE_CHECKING:
    from inglenook.routing.invocation import Outcome

Settle = Callable[[invocation.Invocation, "Outcome | errors.ApiError"], None]


class Waiting:
    """The invocations of one version that wait for an environment; one timer for all of them."""

    def __init__(
        self,
        pool: environments.Environments[invocation.Invocation, Environment],
        *,
        settle: Settle,
        time: clock.Clock,
        timeout_s: float,
        runtime: str,
        trouble: Callable[[str], str | None],
    ) -> None:
        """`trouble` tells what keeps those of a runtime from starting, if that is known."""
        self._pool = pool
        self._settle = settle
        self._clock = time
        self._timeout_s = timeout_s
        self._runtime = runtime
        self._trouble = trouble
        self._expiry: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """See to it that nobody waits too long. To be called when somebody begins to wait."""
        first = self._pool.first_waiting()
        if self._expiry is None and first is not None:
            delay_s = max(0.0, first.waits_until - self._clock.monotonic())
            self._expiry = asyncio.get_running_loop().call_later(delay_s, self._expire)

    def rest(self) -> None:
        """Have no timer while nobody waits: it would be there for a minute after each start."""
        if self._expiry is not None and self._pool.first_waiting() is None:
            self._expiry.cancel()
            self._expiry = None

    def _expire(self) -> None:
        self._expiry = None
        now = self._clock.monotonic()
        for invoked in self._pool.waiting:
            if invoked.waits_until > now:
                break
            self._pool.abandon(invoked)
            said = f"No execution environment could be started within {self._timeout_s:g} seconds."
            why = self._trouble(self._runtime)
            self._settle(invoked, errors.ServiceError(said if why is None else f"{said} {why}"))
        self.watch()

    def fail(self, error: errors.ApiError) -> None:
        """Let nobody wait any longer."""
        for invoked in self._pool.waiting:
            self._pool.abandon(invoked)
            self._settle(invoked, error)

    def close(self) -> None:
        """Stop watching; whoever still waits is told that there will be nothing."""
        self.fail(errors.ServiceError("This gateway is shutting down."))
        self.rest()
