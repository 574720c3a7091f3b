"""The owner of functions: admission, and one fleet for each version that runs.

An invocation is admitted under its function's limit (it then holds a lease until it is settled) and
handed to the fleet of its version. Nobody who waits for an outcome is needed for it to be recorded:
a caller that hangs up changes nothing for the function, or for the count.

On a cluster functions change hands: `take_over` and `relinquish` (see `handover`).
"""

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING

import msgspec

from inglenook import errors, settings
from inglenook.aio import clock, collector, tasks
from inglenook.capacity import provisioned
from inglenook.model import function
from inglenook.routing import streaming
from inglenook.routing.invocation import Event, Outcome
from inglenook.telemetry import metrics, sampling, watching
from inglenook.wire import messages
from inglenook_gateway.dispatch import (
    admission,
    fleet,
    gauges,
    handover,
    invocation,
    packages,
    pods,
    room,
    shared_pool,
    specialising,
    starts,
)

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_REAP_EVERY_S = 1.0


class Dispatcher:
    """Run events in environments, within the limits."""

    def __init__(
        self,
        *,
        supply: pods.Pods,
        time: clock.Clock,
        limits: settings.Gateway,
        region: str,
        account: str,
        remote: pods.Remote | None = None,
        watcher: watching.Watcher | None = None,
    ) -> None:
        """`remote` is there when environments are in pods of a cluster."""
        self._supply = supply
        self._clock = time
        self._limits = limits
        self._region = region
        self._account = account
        self._admission = admission.Admission(limits, time)
        self._ledger = self._admission.ledger
        self.shared = shared_pool.SharedPool(
            self._ledger, run=self._run, refuse=self._refuse, time=time
        )
        self._starts = starts.Starts(limits.starts_in_flight)
        self._fleets: dict[messages.VersionId, fleet.Fleet] = {}
        self._remote = remote
        self._sent = None if remote is None else packages.Packages(remote.read)
        self._handover = handover.Handover(self._ledger, self._fleets, self._fleet, remote)
        self._room = room.Room(remote.lacking if remote else lambda: 0, time)
        self._moved: Callable[[str], None] | None = None
        self._observers: list[Callable[[messages.VersionId], None]] = []
        self._background = tasks.Tasks()
        self._leftovers = collector.Leftovers(time)
        self._watcher = watcher or watching.Watcher.unread(time)
        self._watcher.tally.source(
            lambda: gauges.samples(self._fleets, self._ledger, limits.account_concurrency)
        )
        self._is_draining = False
        self._settled: asyncio.Event = asyncio.Event()

    def invoke(
        self,
        version: messages.VersionId,
        spec: function.Spec,
        event: Event,
    ) -> asyncio.Future[Outcome]:
        """Admit an event and return the future of its outcome.

        The future may be abandoned; the function runs on. Raises TooManyRequestsError when a limit
        is reached, ServiceError when this gateway is going away. The future itself fails with an
        ApiError when the platform could not run the event, or when the account's limit is reached
        and other gateways had to be asked.
        """
        if self._is_draining:
            raise errors.ServiceError("This gateway is shutting down.")
        name = version.function_name
        now = self._clock.monotonic()
        waits_until = event.waits_until or now + self._limits.queue_timeout_s
        invoked = invocation.Invocation(name, event, waits_until, now)
        arrival = shared_pool.Arrival(version=version, spec=spec, invoked=invoked)
        try:
            self._run(arrival)
        except errors.TooManyRequestsError as error:
            if not isinstance(error, admission.ShareUsedUpError) or not self.shared.wait(arrival):
                self._watcher.throttled(version, event.arn, error.reason)
                raise
        return invoked.outcome

    def _run(self, arrival: shared_pool.Arrival) -> None:
        version, invoked = arrival.version, arrival.invoked
        self._admission.admit(
            invoked.function,
            version.version,
            invoked,
            is_synchronous=invoked.event.is_synchronous,
        )
        found = self._fleet(version, arrival.spec)
        if growth := found.growth:
            self._admission.check_scaling(invoked.function, growth, invoked)
        found.run(invoked)

    def _refuse(self, arrival: shared_pool.Arrival, error: errors.ApiError) -> None:
        invoked = arrival.invoked
        if isinstance(error, errors.TooManyRequestsError):
            self._watcher.throttled(arrival.version, invoked.event.arn, error.reason)
        if not invoked.outcome.done():
            invoked.outcome.set_exception(error)

    def stream(
        self, version: messages.VersionId, spec: function.Spec, event: Event
    ) -> streaming.ResponseStream:
        """Admit an event whose answer is read as the function writes it. Raises as `invoke`."""
        answer = streaming.ResponseStream()
        event = msgspec.structs.replace(event, on_chunk=answer.chunk)
        answer.follow(self.invoke(version, spec, event))
        return answer

    def _settle(self, invoked: invocation.Invocation, outcome: Outcome | errors.ApiError) -> None:
        self._ledger.release(invoked.function, invoked)
        if not invoked.outcome.done():
            if isinstance(outcome, Outcome):
                invoked.outcome.set_result(outcome)
            else:
                self._watcher.failed(invoked.function)
                invoked.outcome.set_exception(outcome)
        self._check_settled()

    def _check_settled(self) -> None:
        if self._is_draining and not self._ledger.total:
            self._settled.set()

    def _fleet(self, version: messages.VersionId, spec: function.Spec) -> fleet.Fleet:
        found = self._fleets.get(version)
        if found is None:
            found = self._fleets[version] = fleet.Fleet(
                specialising.specialise(
                    version,
                    spec,
                    region=self._region,
                    account=self._account,
                    environments_max=(
                        None if self._remote is None else spec.placement.environments_per_pod
                    ),
                ),
                spec,
                supply=self._supply,
                sent=self._sent,
                starts_in_flight=self._starts,
                admitted=self._admission,
                changed=self._tell,
                moved=self._has_moved,
                watch=self._watcher.watch(version, is_traced=spec.tracing == sampling.ACTIVE),
                settle=self._settle,
                time=self._clock,
                limits=self._limits,
                background=self._background,
                trouble=_nothing_known if self._remote is None else self._remote.trouble,
            )
        return found

    # Changing hands

    async def survey(self) -> None:
        """Learn what all pods run: once for all functions that other gateways have given up."""
        await self._handover.survey()

    def found(self) -> set[str]:
        """Return the functions that pods run, as far as is known."""
        return self._handover.found()

    async def take_over(self, function_name: str) -> None:
        """Make this gateway the owner of a function, with all that runs for it already.

        To be awaited before the function's invocations are admitted here, and after a `survey` that
        was begun when nobody else ran it any more. Pods that cannot be reached in time are left
        out; then what runs in them is not counted.
        """
        await self._handover.take_over(function_name)

    def relinquish(self, function_name: str, hand_back: handover.HandBack) -> None:
        """Give a function to another gateway.

        Its invocations without an environment are handed back at once, and later any that their
        environment refuses. They hold nothing here any more; whoever takes them resolves their
        futures. What runs is answered, and counts here until then. Idle environments are left to
        the new owner. Nothing is handed back for a function that has nothing here.
        """

        def handing_back(returned: handover.Returned) -> None:
            hand_back(returned)
            self._check_settled()

        counted = self._ledger.unreserved_executions
        self._handover.relinquish(function_name, handing_back)
        for each in self.shared.take(function_name):
            hand_back(handover.returned(each.version, each.spec, each.invoked))
        self.shared.gave(counted - self._ledger.unreserved_executions)

    def on_moved(self, callback: "Callable[[str], None]") -> None:
        """Call `callback` with each function of which an agent says that another gateway owns it.

        Invocations then wait until the callback's owner has had it relinquished or taken over, but
        for a second or so at most.
        """
        self._moved = callback

    def _has_moved(self, function_name: str) -> bool:
        if self._moved is None:
            return False
        self._moved(function_name)
        return True

    def reserve(self, function_name: str, limit: int | None) -> None:
        """Set or remove a function's reserved concurrency."""
        self._ledger.reserve(function_name, limit)
        self.shared.changed()

    def provision(
        self, version: messages.VersionId, spec: function.Spec, *, environments: int, aside: int
    ) -> None:
        """Keep environments of a version started, and set concurrency aside for it."""
        self._ledger.provide(version.function_name, version.version, aside)
        self.shared.changed()
        if environments and not self._is_draining:
            self._fleet(version, spec).provision(environments)
        elif version in self._fleets:
            self._fleets[version].provision(0)

    def standing(self, version: messages.VersionId) -> provisioned.Standing:
        """Tell how the provisioned environments of a version stand."""
        found = self._fleets.get(version)
        return provisioned.Standing() if found is None else found.standing

    def retry(self, version: messages.VersionId) -> None:
        """Try again at once to start provisioned environments that could not be started."""
        if version in self._fleets:
            self._fleets[version].retry()

    def observe(self, callback: "Callable[[messages.VersionId], None]") -> None:
        """Call `callback` with each version whose provisioned environments stand differently."""
        self._observers.append(callback)

    def _tell(self, version: messages.VersionId) -> None:
        for callback in self._observers:
            callback(version)

    def in_use(self, function_name: str) -> int:
        """Count a function's executions under way."""
        return self._ledger.in_use(function_name)

    @property
    def functions(self) -> set[str]:
        """The functions that have something here, but for what was relinquished."""
        return {version.function_name for version in self._fleets}

    def environments(self) -> dict[messages.VersionId, int]:
        """Return how many environments each version has."""
        return {version: each.size for version, each in self._fleets.items()}

    def retire(self, is_old: "Callable[[messages.VersionId], bool]") -> None:
        """Keep no environments of versions that are not current any more."""
        for version, each in list(self._fleets.items()):
            if is_old(version):
                each.retire()
                self._forget_unused(version)

    def _forget_unused(self, version: messages.VersionId) -> None:
        each = self._fleets[version]
        if each.is_unused:
            del self._fleets[version]
            each.close()
            self._leftovers.more()

    async def reap_forever(self) -> None:
        """Stop what has been idle too long, once a second."""
        while True:
            await asyncio.sleep(_REAP_EVERY_S)
            # First: what this turn is going to end has processes that live on for a moment.
            self._leftovers.collect()
            self._make_room()
            for version, each in list(self._fleets.items()):
                each.reap()
                self._forget_unused(version)
            self._handover.reap()
            self._admission.prune()

    def _make_room(self) -> None:
        idle = itertools.chain.from_iterable(each.idle_since for each in self._fleets.values())
        moment = self._room.before(idle)
        if moment is None:
            return
        for version, each in self._fleets.items():
            if given_up := each.make_room(before=moment):
                logger.info(
                    "idle environments are given up: the nodes are full",
                    extra={"function": version.function_name, "n": given_up},
                )
                function_name = (version.function_name,)
                self._watcher.tally.count(metrics.GIVEN_UP, function_name, by=given_up)

    async def close(self) -> None:
        """Admit nothing more, let what runs finish within the drain time, and let agents go.

        Those of this machine end; those in pods keep their environments for other gateways.
        """
        self._is_draining = True
        self.shared.close()
        for each in self._fleets.values():
            each.close_warming()
        self._handover.close()
        if self._ledger.total:
            try:
                async with asyncio.timeout(self._limits.drain_timeout_s):
                    await self._settled.wait()
            except TimeoutError:
                logger.warning("stopping with work in flight", extra={"n": self._ledger.total})
        await self._background.close()
        for each in (*self._fleets.values(), *self._handover.leaving):
            each.let_go()
        self._fleets.clear()


def _nothing_known(_runtime: str) -> None:
    return None
