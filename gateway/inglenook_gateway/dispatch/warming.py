"""The environments of one version that are started before anybody asks for them.

`inglenook.capacity.provisioned.Reserve` says how many are missing; here they are started, in the
places that `Starts` has for such, so that nobody who waits for an environment waits for these. What
fails is tried again, one at a time, after a pause that grows; only a new target begins afresh.
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol

from inglenook.aio import backoff
from inglenook.capacity import provisioned
from inglenook.telemetry import watching
from inglenook.wire import messages
from inglenook_gateway.dispatch import leases, link, starts
from inglenook_gateway.dispatch.environment import Environment

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

_PAUSE_FIRST_S = 1.0
_PAUSE_MOST_S = 60.0
_AHEAD = "provisioned-concurrency"


class Owner(Protocol):
    """Who has them."""

    def ready(self, environment: Environment) -> None:
        """Take one that is."""

    def changed(self) -> None:
        """Learn that it stands differently than before."""


class Warming:
    """Keep as many provisioned environments as are wanted."""

    def __init__(
        self,
        reserve: provisioned.Reserve[Environment],
        *,
        pods: leases.Leases,
        starts_in_flight: starts.Starts,
        owner: Owner,
        watch: watching.Watch,
    ) -> None:
        self._reserve = reserve
        self._pods = pods
        self._starts = starts_in_flight
        self._owner = owner
        self._watch = watch
        self._backoff = backoff.Backoff(_PAUSE_FIRST_S, _PAUSE_MOST_S)
        self._resume: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def is_pausing(self) -> bool:
        """Whether none is started now, because one has failed."""
        return self._resume is not None

    def aim(self, target: int) -> None:
        """Want so many from now on."""
        if self._reserve.aim(0 if self._is_closed else target):
            self.retry()

    def retry(self) -> None:
        """Go on as if nothing had failed."""
        self._reserve.failure = None
        self._stop_pausing()
        self._backoff.reset()
        self.start_more()

    def start_more(self) -> None:
        """Start what is missing, as far as the bounds allow."""
        while (
            self._reserve.starts_wanted() > 0
            and self._resume is None
            and not self._pods.patience.is_pausing
            and (pod := self._pods.with_room()) is not None
            and self._starts.begin_ahead(self)
        ):
            self._reserve.start_begun()
            start = messages.Start(initialization_type=_AHEAD)
            pod.held += 1
            pod.ask(start, b"", partial(self._started, pod, self._watch.now()))

    def _started(
        self, asked: link.AgentLink, began: float, header: messages.Header | None, _body: "Body"
    ) -> None:
        self._watch.started(began, header, _AHEAD)
        if isinstance(header, messages.Started):
            self._pods.patience.worked()
            asked.started()
            environment = Environment(asked, header.environment)
            if header.init_ok:
                self._backoff.reset()
                self._owner.ready(environment)
            else:
                self._reserve.start_failed(provisioned.INIT_FAILURE)
                environment.stop()
                self._pause()
        else:
            asked.held -= 1
            self._reserve.start_failed(None)
            if isinstance(header, messages.Refused):
                self._pods.refused(asked, header)
            elif not self._is_closed:
                self._pods.patience.pause("the agent was lost while an environment started")
        self._starts.end_ahead()
        self._owner.changed()
        self.start_more()

    def died(self) -> None:
        """Learn that one has ended by itself. The next may do so, too, and at once: no hurry."""
        self._pause()

    def impossible(self, why: str) -> None:
        """Learn that there cannot be any now, for a reason that no other pod would mend."""
        if self._reserve.target:
            self._reserve.failure = why
            self._pause()
            self._owner.changed()

    def _pause(self) -> None:
        if self._resume is None and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._resume = loop.call_later(self._backoff.next(), self._pause_over)

    def _pause_over(self) -> None:
        self._resume = None
        self.start_more()

    def _stop_pausing(self) -> None:
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None

    def close(self) -> None:
        """Start none any more, for good; those that are there are left to others to end."""
        self._is_closed = True
        self._stop_pausing()
        self._reserve.aim(0)
