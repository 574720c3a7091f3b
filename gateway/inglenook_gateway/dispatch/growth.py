"""The environments that are started because invocations wait for one.

As many as `inglenook.capacity.worthwhile` says, within the bound of `Starts`, in the pods that
`Leases` has. While some are put off, it is decided anew after a moment, whatever happens.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from inglenook.aio import clock
from inglenook.capacity import environments, estimates, worthwhile
from inglenook.telemetry import watching
from inglenook.wire import messages
from inglenook_gateway.dispatch import admission, invocation, leases, link, starts
from inglenook_gateway.dispatch.environment import Environment

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

Took = Callable[[Environment, "invocation.Invocation | None"], None]


class Growth:
    """Start what the invocations of one version wait for; `took` hears of each that has started."""

    def __init__(  # noqa: PLR0913 - wiring
        self,
        function: str,
        pool: environments.Environments[invocation.Invocation, Environment],
        *,
        holds: estimates.Holds[Environment],
        times: estimates.StartTimes,
        pods: leases.Leases,
        starts_in_flight: starts.Starts,
        admitted: admission.Admission,
        watch: watching.Watch,
        time: clock.Clock,
        took: Took,
    ) -> None:
        self._function = function
        self._pool = pool
        self._holds = holds
        self._times = times
        self._rate = estimates.Rate()
        self._pods = pods
        self._starts = starts_in_flight
        self._admission = admitted
        self._watch = watch
        self._clock = time
        self._took = took
        self._next_look: asyncio.TimerHandle | None = None
        self._is_starting = False
        self._is_closed = False

    def arrived(self, now: float) -> None:
        """Count an invocation, whether it is going to wait or not."""
        self._rate.arrived(now)

    def starts_wanted(self) -> int:
        """Return how many more starts are worthwhile now."""
        most = self._pool.starts_wanted()
        if not most or self._holds.mean.value is None:
            return most
        return max(0, worthwhile.starts(self._situation()) - self._pool.starting)

    def _situation(self) -> worthwhile.Situation:
        now = self._clock.monotonic()
        start_s = self._pods.start_s()
        first = self._pool.first_waiting()
        is_stalled = self._holds.is_stalled(now, start_s or 0.0)
        return worthwhile.Situation(
            waiting=self._pool.waiting_count,
            oldest_s=0.0 if first is None else now - first.admitted_at,
            size=self._pool.size,
            running=self._holds.running,
            is_stalled=is_stalled,
            hold_s=self._holds.mean.value,
            start_s=start_s,
            per_s=self._rate.per_s(now),
        )

    def start_more(self) -> None:
        """Start the environments that are wanted, as far as the bounds allow."""
        if self._is_starting:
            return  # an agent has answered at once: who asked it goes on
        self._is_starting = True
        try:
            self._start_wanted()
        finally:
            self._is_starting = False
        if self._next_look is None and not self._is_closed and self._pool.starts_wanted():
            after_s = worthwhile.look_again_s(self._situation())
            self._next_look = asyncio.get_running_loop().call_later(after_s, self._look)

    def _look(self) -> None:
        self._next_look = None
        self._pods.seek_less()
        self.start_more()

    def close(self) -> None:
        """Look no more."""
        self._is_closed = True
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def _start_wanted(self) -> None:
        while not self._pods.patience.is_pausing and self.starts_wanted() > 0:
            with_room = self._pods.with_room()
            if with_room is None:
                return
            if not self._starts.begin(self):
                return
            self._pool.start_begun()
            self._admission.start_began(self._function)
            with_room.held += 1
            with_room.ask(
                messages.Start(), b"", partial(self._started, with_room, self._watch.now())
            )

    def _started(
        self, asked: link.AgentLink, began: float, header: messages.Header | None, _body: "Body"
    ) -> None:
        self._watch.started(began, header)
        if isinstance(header, messages.Started):
            self._pods.patience.worked()
            self._times.start.add(self._watch.now() - began)
            asked.started()
            environment = Environment(asked, header.environment)
            self._took(environment, self._pool.started(environment, self._clock.monotonic()))
        else:
            asked.held -= 1
            self._pool.start_failed()
            self._admission.start_failed(self._function)
            if isinstance(header, messages.Refused):
                self._pods.refused(asked, header)
            else:
                self._pods.patience.pause("the agent was lost while an environment started")
        self._starts.end()
        self.start_more()
