"""Invocations in environments: handed over, answered, and the environment taken back.

This is the invoke path: callbacks, without a task or a future between. An environment that has
answered takes whoever has waited longest, at once; otherwise it is idle.
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol

from inglenook import errors
from inglenook.aio import clock
from inglenook.capacity import environments, estimates, rates
from inglenook.routing.invocation import Outcome
from inglenook.telemetry import watching
from inglenook.wire import messages
from inglenook_gateway.dispatch import elsewhere, invocation, waiting
from inglenook_gateway.dispatch.environment import Environment

if TYPE_CHECKING:
    from inglenook.wire.connection import Body


class Owner(Protocol):
    """Who decides what becomes of them."""

    def refused(self, invoked: invocation.Invocation, why: messages.Refusal) -> None:
        """Take an invocation back that an agent has refused: nothing of it was begun."""

    def idle(self) -> None:
        """Learn that an environment has found nobody waiting."""

    def go_on(self) -> None:
        """Learn that an environment has gone, and another may be needed."""


class Running:
    """What the environments of one version run."""

    def __init__(  # noqa: PLR0913 - wiring
        self,
        pool: environments.Environments[invocation.Invocation, Environment],
        *,
        holds: estimates.Holds[Environment],
        elsewhere: elsewhere.Elsewhere,
        settle: waiting.Settle,
        owner: Owner,
        watch: watching.Watch,
        time: clock.Clock,
        silence_s: float,
        pace: rates.Pace[Environment] | None,
    ) -> None:
        """`silence_s` is how long an agent may take to answer; `pace` rests environments.

        How long they are held, their rest included, is told to `holds`.
        """
        self._pool = pool
        self._holds = holds
        self._elsewhere = elsewhere
        self._settle = settle
        self._owner = owner
        self._watch = watch
        self._clock = time
        self._silence_s = silence_s
        self._pace = pace

    def send(self, environment: Environment, invoked: invocation.Invocation) -> None:
        """Hand an invocation to the environment that the pool has given it."""
        now = self._clock.monotonic()
        invoked.silent_after = now + self._silence_s
        if invoked.journey is not None:
            invoked.journey.sent = now
        self._holds.began(environment, now)
        if self._pace is not None:
            self._pace.began(environment, now)
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
            provisioned = self._pool.provisioned
            self._watch.ran(
                invoked.event.arn,
                header,
                environment in provisioned if provisioned.target else None,
            )
            if invoked.journey is not None:
                self._watch.arrived(invoked.journey, environment.name, header.error)
            self._settle(invoked, Outcome(header, body))
            if header.is_reusable and header.is_warm:
                self._take_back(environment)
            else:
                self._take_cold_back(environment, is_reusable=header.is_reusable)
        elif isinstance(header, messages.Refused):
            # Nothing was begun, so the event goes to another environment, ahead of all others.
            self.forget(environment)
            self._owner.refused(invoked, header.reason)
        else:
            self.forget(environment)
            if invoked.journey is not None:
                self._watch.arrived(invoked.journey, environment.name, "lost")
            self._settle(
                invoked,
                errors.ServiceError("The execution environment was lost while the function ran."),
            )

    def _take_back(self, environment: Environment) -> None:
        now = self._clock.monotonic()
        if self._pace is not None and (rest_s := self._pace.rest_s(environment, now)):
            self._pool.rest(environment)
            asyncio.get_running_loop().call_later(rest_s, self.rested, environment)
            return
        self._holds.ended(environment, now)
        self.go_on_with(environment, self._pool.freed(environment, now))

    def rested(self, environment: Environment) -> None:
        """Let an environment go on that was not to be used yet."""
        now = self._clock.monotonic()
        self._holds.ended(environment, now)
        self.go_on_with(environment, self._pool.rested(environment, now))

    def _take_cold_back(self, environment: Environment, *, is_reusable: bool) -> None:
        """Take an environment without a process back; another is warmed for a provisioned one."""
        if is_reusable and environment not in self._pool.provisioned:
            self._take_back(environment)
            return
        self._holds.ended(environment, self._clock.monotonic())
        self.forget(environment)
        if is_reusable:
            environment.stop()
        self._owner.go_on()

    def go_on_with(self, environment: Environment, following: invocation.Invocation | None) -> None:
        """Let a free environment run what the pool has given it, if anything."""
        if following is not None:
            self._watch.waited(following.admitted_at, following.journey)
            self.send(environment, following)
        else:
            self._owner.idle()

    def forget(self, environment: Environment) -> None:
        """Forget an environment, whatever it did."""
        if self._pace is not None:
            self._pace.forget(environment)
        self._holds.forget(environment)
        self._elsewhere.release(environment)
        self._pool.lost(environment)
