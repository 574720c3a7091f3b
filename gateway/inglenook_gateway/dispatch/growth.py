"""The environments that are started because invocations wait for one.

As many as wait, within the bound of `Starts`, in the pods that `Leases` has.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from inglenook.aio import clock
from inglenook.capacity import environments
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
        pods: leases.Leases,
        starts_in_flight: starts.Starts,
        admitted: admission.Admission,
        watch: watching.Watch,
        time: clock.Clock,
        took: Took,
    ) -> None:
        self._function = function
        self._pool = pool
        self._pods = pods
        self._starts = starts_in_flight
        self._admission = admitted
        self._watch = watch
        self._clock = time
        self._took = took

    def start_more(self) -> None:
        """Start the environments that are wanted, as far as the bounds allow."""
        while self._pool.starts_wanted() > 0 and not self._pods.patience.is_pausing:
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
