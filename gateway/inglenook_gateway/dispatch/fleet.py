"""All environments of one version, and the invocations that wait for one.

The pure decisions are `inglenook.capacity.environments`; here they become messages to agents. As
many environments are started as invocations wait, within the bound of `Starts`, in the pods that
`Leases` has. What fails for now is tried again for as long as somebody waits; what can never work
fails all that wait, at once, with the reason. `Warming` keeps the provisioned ones.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from inglenook import errors, settings
from inglenook.aio import clock, tasks
from inglenook.capacity import environments, provisioned, rates
from inglenook.routing.invocation import Outcome
from inglenook.wire import messages
from inglenook_gateway.dispatch import (
    admission,
    invocation,
    leases,
    link,
    pods,
    starts,
    waiting,
    warming,
)
from inglenook_gateway.dispatch.environment import Environment

if TYPE_CHECKING:
    from inglenook.wire.connection import Body


class Fleet:
    """The environments of one version on this gateway."""

    def __init__(  # noqa: PLR0913 - wiring
        self,
        specialise: messages.Specialise,
        *,
        supply: pods.Pods,
        starts_in_flight: starts.Starts,
        admitted: admission.Admission,
        settle: waiting.Settle,
        changed: Callable[[], None],
        time: clock.Clock,
        limits: settings.Gateway,
        background: tasks.Tasks,
    ) -> None:
        """Call `changed` whenever the provisioned environments stand differently."""
        self._specialise = specialise
        self._function = specialise.id.function_name
        self._admission = admitted
        self._starts = starts_in_flight
        self._settle = settle
        self._clock = time
        self._limits = limits
        self._environments: environments.Environments[invocation.Invocation, Environment] = (
            environments.Environments()
        )
        self._waiting = waiting.Waiting(
            self._environments, settle=settle, time=time, timeout_s=limits.queue_timeout_s
        )
        self._leases = leases.Leases(
            specialise,
            supply=supply,
            background=background,
            timeout_s=limits.queue_timeout_s,
            go_on=self._go_on,
            impossible=self._impossible,
            gone=self._gone,
            lost=self._lost,
        )
        self._warming = warming.Warming(
            self._environments.provisioned,
            pods=self._leases,
            starts_in_flight=starts_in_flight,
            ready=self._ready,
            changed=changed,
        )
        self._pace: rates.Pace[Environment] | None = (
            rates.Pace() if limits.request_rate_limit else None
        )
        self._is_retired = False

    @property
    def is_unused(self) -> bool:
        """Whether nothing runs, starts or waits here."""
        return self._environments.is_unused and not self._leases.is_leasing

    @property
    def size(self) -> int:
        """How many environments there are."""
        return self._environments.size

    @property
    def growth(self) -> int:
        """How many starts should be under way if one more invocation came now."""
        return self._environments.starts_wanted_by_next()

    # Invocations

    def run(self, invoked: invocation.Invocation) -> None:
        """Hand an admitted invocation to an environment, now or when there is one."""
        environment = self._environments.arrive(invoked)
        if environment is not None:
            self._send(environment, invoked)
            return
        self._waiting.watch()
        self.start_more()

    def _send(self, environment: Environment, invoked: invocation.Invocation) -> None:
        invoked.silent_after = (
            self._clock.monotonic() + self._specialise.timeout_s + self._limits.answer_grace_s
        )
        if self._pace is not None:
            self._pace.began(environment, self._clock.monotonic())
        environment.link.ask(
            invoked.message(environment.name),
            invoked.event.payload,
            partial(self._answered, environment, invoked),
            invoked.event.on_chunk,
        )

    def _answered(
        self,
        environment: Environment,
        invoked: invocation.Invocation,
        header: messages.Header | None,
        body: "Body",
    ) -> None:
        if isinstance(header, messages.Result):
            self._settle(invoked, Outcome(header, body))
            if header.is_reusable and header.is_warm:
                self._take_back(environment)
            else:
                self._take_cold_back(environment, is_reusable=header.is_reusable)
        elif isinstance(header, messages.Refused):
            # Nothing was begun, so the event goes to another environment, ahead of all others.
            self._forget(environment)
            self._environments.requeue(invoked)
            self._waiting.watch()
            self._go_on()
        else:
            self._forget(environment)
            self._settle(
                invoked,
                errors.ServiceError("The execution environment was lost while the function ran."),
            )

    def _take_back(self, environment: Environment) -> None:
        now = self._clock.monotonic()
        if self._pace is not None and (rest_s := self._pace.rest_s(environment, now)):
            self._environments.rest(environment)
            asyncio.get_running_loop().call_later(rest_s, self._rested, environment)
            return
        self._go_on_with(environment, self._environments.freed(environment, now))

    def _rested(self, environment: Environment) -> None:
        following = self._environments.rested(environment, self._clock.monotonic())
        self._go_on_with(environment, following)

    def _take_cold_back(self, environment: Environment, *, is_reusable: bool) -> None:
        """Take an environment without a process back; another is warmed for a provisioned one."""
        if is_reusable and environment not in self._environments.provisioned:
            self._take_back(environment)
            return
        self._forget(environment)
        if is_reusable:
            environment.stop()
        self._go_on()

    def _go_on_with(
        self, environment: Environment, following: invocation.Invocation | None
    ) -> None:
        if following is not None:
            self._send(environment, following)
        elif self._is_retired:
            self._stop_idle(before=float("inf"))
        elif self._environments.provisioned.surplus():
            self._stop_surplus()

    def _forget(self, environment: Environment) -> invocation.Invocation | None:
        if self._pace is not None:
            self._pace.forget(environment)
        return self._environments.lost(environment)

    # Starts

    def _impossible(self, error: errors.ApiError) -> None:
        self._waiting.fail(error)
        self._warming.impossible(error.message)

    def _go_on(self) -> None:
        self.start_more()
        self._warming.start_more()

    def start_more(self) -> None:
        """Start the environments that are wanted, as far as the bounds allow."""
        while self._environments.starts_wanted() > 0 and not self._leases.is_pausing:
            with_room = self._leases.with_room()
            if with_room is None:
                return
            if not self._starts.begin(self):
                return
            self._environments.start_begun()
            self._admission.start_began(self._function)
            with_room.ask(messages.Start(), b"", partial(self._started, with_room))

    def _started(
        self, asked: link.AgentLink, header: messages.Header | None, _body: "Body"
    ) -> None:
        if isinstance(header, messages.Started):
            self._leases.started()
            environment = Environment(asked, header.environment)
            following = self._environments.started(environment, self._clock.monotonic())
            self._go_on_with(environment, following)
        else:
            self._environments.start_failed()
            self._admission.start_failed(self._function)
            if isinstance(header, messages.Refused):
                self._leases.refused(asked, header)
            else:
                self._leases.pause("the agent was lost while an environment started")
        self._starts.end()
        self.start_more()

    def _ready(self, environment: Environment) -> None:
        following = self._environments.started_ahead(environment, self._clock.monotonic())
        self._go_on_with(environment, following)

    def _gone(self, of: link.AgentLink, name: str) -> None:
        environment = Environment(of, name)
        if self._environments.is_busy(environment):
            # The two have crossed: what was asked of it has an answer of its own, a refusal.
            return
        if environment in self._environments.provisioned:
            self._warming.died()
        self._forget(environment)
        self._warming.start_more()

    def _lost(self, of: link.AgentLink) -> None:
        for environment in self._environments.of(lambda each: each.link is of):
            self._forget(environment)
        self._warming.start_more()

    # Provisioned concurrency

    def provision(self, target: int) -> None:
        """Keep so many environments started, beside those that invocations have had started."""
        self._warming.aim(0 if self._is_retired else target)
        self._stop_surplus()

    def retry(self) -> None:
        """Try again at once to start those that could not be started."""
        self._warming.retry()

    @property
    def standing(self) -> provisioned.Standing:
        """How the provisioned environments stand."""
        return self._environments.provisioned.standing

    def _stop_surplus(self) -> None:
        for environment in self._environments.idle_beyond_target():
            environment.stop()

    # Going away

    def retire(self) -> None:
        """Keep no environment without work from now on: the version is not current any more."""
        self._is_retired = True
        self._warming.aim(0)
        self._stop_surplus()
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
            if self._pace is not None:
                self._pace.forget(environment)
            environment.stop()

    def close(self) -> None:
        """End all agents of this version, and with them its environments."""
        self._waiting.close()
        self._warming.close()
        self._leases.close()
