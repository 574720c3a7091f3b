"""All environments of one version, and the invocations that wait for one.

The pure decisions are `inglenook.capacity.environments`; here they become messages to agents.
`Growth` starts environments for those who wait, `Warming` the provisioned ones, both in the pods
that `Leases` has. What fails for now is tried again for as long as somebody waits; what can never
work fails all that wait, at once, with the reason.

A fleet whose function goes to another gateway *leaves*: who waits is handed back, idle environments
stay where they are for the new owner, and what runs is answered.
"""

import asyncio
from collections.abc import Callable, Iterator

from inglenook import errors, settings
from inglenook.aio import clock, tasks
from inglenook.capacity import environments, estimates, provisioned, rates
from inglenook.model import function
from inglenook.telemetry import watching
from inglenook.wire import messages
from inglenook_gateway.dispatch import (
    admission,
    elsewhere,
    growth,
    invocation,
    leases,
    link,
    packages,
    pods,
    running,
    specialising,
    starts,
    succession,
    waiting,
    warming,
)
from inglenook_gateway.dispatch.environment import Environment


class Fleet:
    """The environments of one version on this gateway."""

    def __init__(  # noqa: PLR0913 - wiring
        self,
        specialise: messages.Specialise,
        spec: function.Spec,
        *,
        supply: pods.Pods,
        sent: packages.Packages | None,
        starts_in_flight: starts.Starts,
        admitted: admission.Admission,
        settle: waiting.Settle,
        changed: Callable[[messages.VersionId], None],
        moved: Callable[[str], bool],
        watch: watching.Watch,
        time: clock.Clock,
        limits: settings.Gateway,
        background: tasks.Tasks,
        trouble: Callable[[str], str | None],
    ) -> None:
        """Call `changed` with the version whenever its provisioned environments stand differently.

        `moved` is called with the function's name when an agent says that another gateway owns it;
        it returns whether somebody finds out who does, and nothing is started meanwhile. `trouble`
        tells why pods of a runtime do not start.
        """
        self.id = specialise.id
        self.spec = spec
        self._changed = changed
        self._moved = moved
        self._watch = watch
        self._clock = time
        self._limits = limits
        self._environments: environments.Environments[invocation.Invocation, Environment] = (
            environments.Environments()
        )
        self._elsewhere = elsewhere.Elsewhere(specialise.id, admitted.ledger)
        self._waiting = waiting.Waiting(
            self._environments,
            settle=settle,
            time=time,
            timeout_s=limits.queue_timeout_s,
            runtime=spec.runtime_name,
            trouble=trouble,
        )
        times = estimates.StartTimes()
        holds: estimates.Holds[Environment] = estimates.Holds()
        self._leases = leases.Leases(
            specialise,
            specialising.wanted(specialise, spec),
            supply=supply,
            sent=sent,
            background=background,
            timeout_s=limits.queue_timeout_s,
            at_once=limits.starts_in_flight,
            times=times,
            tenant=self,
            watch=watch,
        )
        silence_s = specialise.timeout_s + limits.answer_grace_s
        self._running = running.Running(
            self._environments,
            holds=holds,
            elsewhere=self._elsewhere,
            settle=settle,
            owner=self,
            watch=watch,
            time=time,
            silence_s=silence_s,
            pace=rates.Pace() if limits.request_rate_limit else None,
        )
        self._growth = growth.Growth(
            specialise.id.function_name,
            self._environments,
            holds=holds,
            times=times,
            pods=self._leases,
            starts_in_flight=starts_in_flight,
            admitted=admitted,
            watch=watch,
            time=time,
            took=self._running.go_on_with,
        )
        self._warming = warming.Warming(
            self._environments.provisioned,
            pods=self._leases,
            starts_in_flight=starts_in_flight,
            owner=self,
            watch=watch,
        )
        self._succession = succession.Succession(
            specialise.id,
            self._environments,
            pods_of=self._leases,
            runs=self._running,
            counted=self._elsewhere,
            time=time,
            silence_s=silence_s,
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
    def pool(self) -> environments.Environments[invocation.Invocation, Environment]:
        """Its environments, to be looked at."""
        return self._environments

    @property
    def pod_names(self) -> set[str]:
        """The names of its pods."""
        return {each.pod.name for each in self._leases.links}

    @property
    def growth(self) -> int:
        """How many more starts there may be if one more invocation came now."""
        return self._environments.starts_wanted_by_next()

    # Invocations

    def run(self, invoked: invocation.Invocation) -> None:
        """Hand an admitted invocation to an environment, now or when there is one."""
        if self._watch.is_traced:
            invoked.journey = self._watch.journey(invoked.event.trace_id, self._watch.now())
        self._growth.arrived(invoked.admitted_at)
        environment = self._environments.arrive(invoked)
        if environment is not None:
            self._running.send(environment, invoked)
            return
        self._waiting.watch()
        self._growth.start_more()

    # What comes of them (`running.Owner`).

    def refused(self, invoked: invocation.Invocation, why: messages.Refusal) -> None:
        if self._succession.hand_back is not None:
            self._succession.hand_back(invoked)
            return
        self._environments.requeue(invoked)
        self._waiting.watch()
        if why is messages.Refusal.MOVED:
            self.moved()
        self.go_on()

    def idle(self) -> None:
        self._waiting.rest()
        if self._succession.hand_back is not None:
            self._succession.let_go()
        elif self._is_retired:
            self._stop_idle(before=float("inf"))
        elif self._environments.provisioned.surplus():
            self._stop_surplus()

    # What its pods say (`leases.Tenant`).

    def wanted(self) -> tuple[int, int]:
        ahead = self._environments.provisioned.starts_wanted()
        return self._growth.starts_wanted(), 0 if self._warming.is_pausing else ahead

    def impossible(self, error: errors.ApiError) -> None:
        self._waiting.fail(error)
        self._warming.impossible(error.message)

    def go_on(self) -> None:
        if self._succession.hand_back is not None:
            self._succession.let_go()
            return
        self._growth.start_more()
        self._warming.start_more()

    def moved(self) -> None:
        if self._succession.hand_back is None:
            self._leases.patience.is_held_up = self._moved(self.id.function_name)

    # What becomes of those that are started ahead (`warming.Owner`).

    def ready(self, environment: Environment) -> None:
        following = self._environments.started_ahead(environment, self._clock.monotonic())
        self._running.go_on_with(environment, following)

    def changed(self) -> None:
        self._changed(self.id)

    def gone(self, of: link.AgentLink, name: str) -> None:
        environment = Environment(of, name)
        if self._environments.is_busy(environment):
            # The two have crossed: what was asked of it has an answer of its own, a refusal.
            return
        if environment in self._environments.provisioned:
            self._warming.died()
        self._running.forget(environment)
        self._warming.start_more()

    def freed(self, of: link.AgentLink, name: str) -> None:
        self._succession.freed(Environment(of, name))

    def lost(self, of: link.AgentLink) -> None:
        for environment in self._environments.of(lambda each: each.link is of):
            self._running.forget(environment)
        self._warming.start_more()

    # Provisioned concurrency

    def provision(self, target: int) -> None:
        """Keep so many environments started, beside those that invocations have had started."""
        self._environments.promote(target)
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

    # Changing hands

    def adopt(self, pod: pods.Pod) -> asyncio.Future[bool]:
        """Take over a pod that runs this version; the future tells whether its agent agreed."""
        return self._succession.adopt(pod)

    def leave(self, hand_back: succession.HandBack) -> None:
        """Give the function to another gateway: who waits is handed back, now or as it comes to it.

        What runs is answered here, and counts until then. To be called once.
        """
        self._warming.close()
        self._growth.close()
        self._succession.leave(hand_back)

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
        for environment, invoked in self._environments.busy.items():
            if invoked.silent_after < now:
                environment.link.end("silent past the function's timeout")
        self._environments.shrink()
        if self._succession.hand_back is not None:
            return
        self._succession.give_up_overdue(now)
        self._stop_idle(before=now - self._limits.environment_idle_timeout_s)
        self._leases.trim()
        if self._leases.patience.is_held_up:
            # The function has not been taken from this gateway, or has come back to it.
            self._leases.patience.is_held_up = False
            self.go_on()

    @property
    def idle_since(self) -> Iterator[float]:
        """Since when each of its idle environments that may be given up has been idle."""
        return iter(()) if self._succession.hand_back else self._environments.idle_since()

    def make_room(self, *, before: float) -> int:
        """Stop the environments that have been idle since before a moment; return how many."""
        return 0 if self._succession.hand_back else self._stop_idle(before=before)

    def _stop_idle(self, *, before: float) -> int:
        stopped = self._environments.idle_since_before(before)
        for environment in stopped:
            self._running.forget(environment)
            environment.stop()
        return len(stopped)

    def close(self) -> None:
        """End all pods of this version, and with them its environments."""
        self._waiting.close()
        self._warming.close()
        self._growth.close()
        self._leases.close()

    def close_warming(self) -> None:
        """Start no provisioned environments any more; those that are there stay."""
        self._warming.close()

    def forget_elsewhere(self) -> None:
        """Count nothing any more that runs for a former owner."""
        self._elsewhere.release_all()

    def let_go(self) -> None:
        """End, and leave pods that can do without this gateway to another."""
        self._waiting.close()
        self._warming.close()
        self._growth.close()
        self._elsewhere.release_all()
        self._leases.let_go()
