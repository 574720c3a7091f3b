"""All environments of one version, and the invocations that wait for one.

The pure decisions are `inglenook.capacity.environments`; here they become messages to agents. As
many environments are started as invocations wait, within the bound of `Starts`, in the pods that
`Leases` has. What fails for now is tried again for as long as somebody waits; what can never work
fails all that wait, at once, with the reason.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from inglenook import errors, settings
from inglenook.aio import clock, tasks
from inglenook.capacity import environments
from inglenook.wire import messages
from inglenook_gateway.dispatch import invocation, leases, link, pods, starts

if TYPE_CHECKING:
    from inglenook.wire.connection import Body


@dataclass(frozen=True, slots=True)
class Environment:
    """An execution environment: its agent and its name there."""

    link: link.AgentLink
    name: str


Settle = Callable[[invocation.Invocation, "invocation.Outcome | errors.ApiError"], None]


class Fleet:
    """The environments of one version on this gateway."""

    def __init__(
        self,
        specialise: messages.Specialise,
        *,
        supply: pods.Pods,
        starts_in_flight: starts.Starts,
        settle: Settle,
        time: clock.Clock,
        limits: settings.Gateway,
        background: tasks.Tasks,
    ) -> None:
        self._specialise = specialise
        self._starts = starts_in_flight
        self._settle = settle
        self._clock = time
        self._limits = limits
        self._environments: environments.Environments[invocation.Invocation, Environment] = (
            environments.Environments()
        )
        self._leases = leases.Leases(
            specialise,
            supply=supply,
            background=background,
            timeout_s=limits.queue_timeout_s,
            go_on=self.start_more,
            impossible=self._fail_waiting,
            gone=self._gone,
            lost=self._lost,
        )
        self._is_retired = False
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def is_unused(self) -> bool:
        """Whether nothing runs, starts or waits here."""
        return self._environments.is_unused and not self._leases.is_leasing

    @property
    def size(self) -> int:
        """How many environments there are."""
        return self._environments.size

    # Invocations

    def run(self, invoked: invocation.Invocation) -> None:
        """Hand an admitted invocation to an environment, now or when there is one."""
        environment = self._environments.arrive(invoked)
        if environment is not None:
            self._send(environment, invoked)
            return
        self._watch_waiting()
        self.start_more()

    def _send(self, environment: Environment, invoked: invocation.Invocation) -> None:
        invoked.silent_after = (
            self._clock.monotonic() + self._specialise.timeout_s + self._limits.answer_grace_s
        )
        environment.link.ask(
            invoked.message(environment.name),
            invoked.event.payload,
            partial(self._answered, environment, invoked),
        )

    def _answered(
        self,
        environment: Environment,
        invoked: invocation.Invocation,
        header: messages.Header | None,
        body: "Body",
    ) -> None:
        if isinstance(header, messages.Result):
            self._settle(invoked, invocation.Outcome(header, body))
            if header.is_reusable:
                self._take_back(environment)
            else:
                self._environments.lost(environment)
                self.start_more()
        elif isinstance(header, messages.Refused):
            # Nothing was begun, so the event goes to another environment, ahead of all others.
            self._environments.lost(environment)
            self._environments.requeue(invoked)
            self._watch_waiting()
            self.start_more()
        else:
            self._environments.lost(environment)
            self._settle(
                invoked,
                errors.ServiceError("The execution environment was lost while the function ran."),
            )

    def _take_back(self, environment: Environment) -> None:
        following = self._environments.freed(environment, self._clock.monotonic())
        if following is not None:
            self._send(environment, following)
        elif self._is_retired:
            self._stop_idle(before=float("inf"))

    # Waiting

    def _watch_waiting(self) -> None:
        first = self._environments.first_waiting()
        if self._expiry is None and first is not None:
            delay_s = max(0.0, first.waits_until - self._clock.monotonic())
            self._expiry = asyncio.get_running_loop().call_later(delay_s, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        now = self._clock.monotonic()
        for invoked in self._environments.waiting:
            if invoked.waits_until > now:
                break
            self._environments.abandon(invoked)
            self._settle(
                invoked,
                errors.ServiceError(
                    "No execution environment could be started within "
                    f"{self._limits.queue_timeout_s:g} seconds."
                ),
            )
        self._watch_waiting()

    def _fail_waiting(self, error: errors.ApiError) -> None:
        for invoked in self._environments.waiting:
            self._environments.abandon(invoked)
            self._settle(invoked, error)

    # Starts

    def start_more(self) -> None:
        """Start the environments that are wanted, as far as the bounds allow."""
        while self._environments.starts_wanted() > 0 and not self._leases.is_pausing:
            with_room = self._leases.with_room()
            if with_room is None:
                return
            if not self._starts.begin(self):
                return
            self._environments.start_begun()
            with_room.ask(messages.Start(), b"", partial(self._started, with_room))

    def _started(
        self, asked: link.AgentLink, header: messages.Header | None, _body: "Body"
    ) -> None:
        if isinstance(header, messages.Started):
            self._leases.started()
            environment = Environment(asked, header.environment)
            following = self._environments.started(environment, self._clock.monotonic())
            if following is not None:
                self._send(environment, following)
            elif self._is_retired:
                self._stop_idle(before=float("inf"))
        else:
            self._environments.start_failed()
            if isinstance(header, messages.Refused):
                self._leases.refused(asked, header)
            else:
                self._leases.pause("the agent was lost while an environment started")
        self._starts.end()
        self.start_more()

    def _gone(self, of: link.AgentLink, name: str) -> None:
        invoked = self._environments.lost(Environment(of, name))
        if invoked is not None and not invoked.outcome.done():
            self._settle(
                invoked,
                errors.ServiceError("The execution environment ended while the function ran."),
            )

    def _lost(self, of: link.AgentLink) -> None:
        for environment in self._environments.of(lambda each: each.link is of):
            self._environments.lost(environment)

    # Going away

    def retire(self) -> None:
        """Keep no environment without work from now on: the version is not current any more."""
        self._is_retired = True
        self._stop_idle(before=float("inf"))

    def reap(self) -> None:
        """Stop environments that have been idle too long; give up agents that stay silent."""
        now = self._clock.monotonic()
        self._stop_idle(before=now - self._limits.environment_idle_timeout_s)
        for environment, invoked in self._environments.busy.items():
            if invoked.silent_after < now:
                environment.link.close("silent past the function's timeout")

    def _stop_idle(self, *, before: float) -> None:
        for environment in self._environments.idle_since_before(before):
            environment.link.ask(
                messages.Stop(environment=environment.name),
                b"",
                partial(self._stopped, environment.link),
            )

    def _stopped(
        self, asked: link.AgentLink, header: messages.Header | None, _body: "Body"
    ) -> None:
        if isinstance(header, messages.Gone):
            asked.has_room = not asked.is_closed

    def close(self) -> None:
        """End all agents of this version, and with them its environments."""
        if self._expiry is not None:
            self._expiry.cancel()
        self._leases.close()
