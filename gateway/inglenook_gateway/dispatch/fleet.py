"""All environments of one version, and the invocations that wait for one.

The pure decisions are `inglenook.capacity.environments`; here they become messages to agents. A
fleet leases a pod when it has none with room (one lease under way at a time: single flight),
specialises it, and starts as many environments as invocations wait, within the bound of `Starts`.
What fails for now is tried again with growing pauses for as long as somebody waits; what can never
work fails all that wait, at once, with the reason.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from inglenook import errors, settings
from inglenook.aio import clock, tasks
from inglenook.capacity import environments
from inglenook.wire import messages
from inglenook_gateway.dispatch import invocation, link, pods, starts

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

logger = logging.getLogger(__name__)

_PAUSE_FIRST_S = 0.05
_PAUSE_MOST_S = 2.0

_PERMANENT: dict[messages.Refusal, type[errors.ApiError]] = {
    messages.Refusal.CODE_UNAVAILABLE: errors.InvalidZipFileError,
    messages.Refusal.RUNTIME_UNAVAILABLE: errors.InvalidRuntimeError,
}


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
        self._supply = supply
        self._starts = starts_in_flight
        self._settle = settle
        self._clock = time
        self._limits = limits
        self._background = background
        self._environments: environments.Environments[invocation.Invocation, Environment] = (
            environments.Environments()
        )
        self._links: list[link.AgentLink] = []
        self._is_leasing = False
        self._is_retired = False
        self._pause_s = 0.0
        self._resume: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def version(self) -> messages.VersionId:
        return self._specialise.id

    @property
    def is_unused(self) -> bool:
        """Whether nothing runs, starts or waits here."""
        return self._environments.is_unused and not self._is_leasing

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
        while self._environments.starts_wanted() > 0 and self._resume is None:
            with_room = next((each for each in self._links if each.has_room), None)
            if with_room is None:
                self._lease()
                return
            if not self._starts.begin(self):
                return
            self._environments.start_begun()
            with_room.ask(messages.Start(), b"", partial(self._started, with_room))

    def _started(
        self, asked: link.AgentLink, header: messages.Header | None, _body: "Body"
    ) -> None:
        if isinstance(header, messages.Started):
            self._pause_s = 0.0
            environment = Environment(asked, header.environment)
            following = self._environments.started(environment, self._clock.monotonic())
            if following is not None:
                self._send(environment, following)
            elif self._is_retired:
                self._stop_idle(before=float("inf"))
        else:
            self._environments.start_failed()
            if isinstance(header, messages.Refused):
                self._refused(asked, header)
            else:
                self._pause("the agent was lost while an environment started")
        self._starts.end()
        self.start_more()

    def _refused(self, asked: link.AgentLink, refused: messages.Refused) -> None:
        match refused.reason:
            case messages.Refusal.FULL | messages.Refusal.DRAINING:
                asked.has_room = False
            case messages.Refusal.CODE_UNAVAILABLE | messages.Refusal.RUNTIME_UNAVAILABLE:
                self._fail_waiting(_PERMANENT[refused.reason](refused.message))
            case _:
                self._pause(f"{refused.reason.value}: {refused.message}")

    def _pause(self, why: str) -> None:
        self._pause_s = min(_PAUSE_MOST_S, max(_PAUSE_FIRST_S, self._pause_s * 2))
        logger.warning(
            "cannot start an environment; trying again",
            extra={"function": self.version.function_name, "pause_s": self._pause_s, "why": why},
        )
        if self._resume is None:
            loop = asyncio.get_running_loop()
            self._resume = loop.call_later(self._pause_s, self._go_on)

    def _go_on(self) -> None:
        self._resume = None
        self.start_more()

    # Pods

    def _lease(self) -> None:
        if not self._is_leasing:
            self._is_leasing = True
            _ = self._background.start(
                self._lease_pod(), name=f"lease a pod for {self.version.function_name}"
            )

    async def _lease_pod(self) -> None:
        try:
            async with asyncio.timeout(self._limits.queue_timeout_s):
                connection = await self._supply.lease(self._specialise.runtime)
            self._is_leasing = False
            leased = link.AgentLink(connection, gone=self._environment_gone, closed=self._lost)
            self._links.append(leased)
            leased.open()
            leased.ask(self._specialise, b"", partial(self._specialised, leased))
            # Until it answers there is a link without room, and no second lease is wanted.
            self._is_leasing = not leased.has_room and not leased.is_closed
        except errors.ApiError as error:
            self._is_leasing = False
            self._fail_waiting(error)
        except Exception as error:  # noqa: BLE001 - the one place where leasing fails and backs off
            self._is_leasing = False
            self._pause(repr(error))

    def _specialised(
        self, leased: link.AgentLink, header: messages.Header | None, _body: "Body"
    ) -> None:
        self._is_leasing = False
        if isinstance(header, messages.Specialised):
            leased.has_room = True
        else:
            if isinstance(header, messages.Refused):
                self._refused(leased, header)
            else:
                self._pause("the agent was lost while it was specialised")
            leased.close("not specialised")
        self.start_more()

    def _environment_gone(self, of: link.AgentLink, name: str) -> None:
        of.has_room = not of.is_closed
        invoked = self._environments.lost(Environment(of, name))
        if invoked is not None and not invoked.outcome.done():
            self._settle(
                invoked,
                errors.ServiceError("The execution environment ended while the function ran."),
            )

    def _lost(self, of: link.AgentLink, reason: str) -> None:
        self._links = [each for each in self._links if each is not of]
        for environment in self._environments.of(lambda each: each.link is of):
            self._environments.lost(environment)
        logger.debug("agent closed", extra={"why": reason})

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
            environment.link.ask(messages.Stop(environment=environment.name), b"", _ignore)

    def close(self) -> None:
        """End all agents of this version, and with them its environments."""
        for timer in (self._resume, self._expiry):
            if timer is not None:
                timer.cancel()
        for each in list(self._links):
            each.close("the gateway needs this version no more")


def _ignore(_header: messages.Header | None, _body: "Body") -> None:
    pass
