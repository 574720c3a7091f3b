"""The owner of functions: admission, and one fleet for each version that runs.

An invocation is admitted under its function's limit (it then holds a lease until it is settled) and
handed to the fleet of its version. Nobody who waits for an outcome is needed for it to be recorded:
a caller that hangs up changes nothing for the function, or for the count.
"""

import asyncio
import dataclasses
import logging
from functools import partial
from typing import TYPE_CHECKING

from inglenook import errors, settings
from inglenook.aio import clock, tasks
from inglenook.capacity import provisioned
from inglenook.model import function
from inglenook.routing.invocation import Event, Outcome
from inglenook.wire import messages
from inglenook_gateway.dispatch import admission, fleet, invocation, pods, starts, streaming

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
    ) -> None:
        self._supply = supply
        self._clock = time
        self._limits = limits
        self._region = region
        self._account = account
        self._admission = admission.Admission(limits, time)
        self._ledger = self._admission.ledger
        self._starts = starts.Starts(limits.starts_in_flight)
        self._fleets: dict[messages.VersionId, fleet.Fleet] = {}
        self._observers: list[Callable[[messages.VersionId], None]] = []
        self._background = tasks.Tasks()
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
        ApiError when the platform could not run the event.
        """
        if self._is_draining:
            raise errors.ServiceError("This gateway is shutting down.")
        name = version.function_name
        invoked = invocation.Invocation(
            name, event, self._clock.monotonic() + self._limits.queue_timeout_s
        )
        self._admission.admit(name, version.version, invoked, is_synchronous=event.is_synchronous)
        found = self._fleet(version, spec)
        if growth := found.growth:
            self._admission.check_scaling(name, growth, invoked)
        found.run(invoked)
        return invoked.outcome

    def stream(
        self, version: messages.VersionId, spec: function.Spec, event: Event
    ) -> streaming.ResponseStream:
        """Admit an event whose answer is read as the function writes it. Raises as `invoke`."""
        answer = streaming.ResponseStream()
        event = dataclasses.replace(event, on_chunk=answer.chunk)
        answer.follow(self.invoke(version, spec, event))
        return answer

    def _settle(self, invoked: invocation.Invocation, outcome: Outcome | errors.ApiError) -> None:
        self._ledger.release(invoked.function, invoked)
        if not invoked.outcome.done():
            if isinstance(outcome, Outcome):
                invoked.outcome.set_result(outcome)
            else:
                invoked.outcome.set_exception(outcome)
        if self._is_draining and not self._ledger.total:
            self._settled.set()

    def _fleet(self, version: messages.VersionId, spec: function.Spec) -> fleet.Fleet:
        found = self._fleets.get(version)
        if found is None:
            found = self._fleets[version] = fleet.Fleet(
                messages.Specialise(
                    id=version,
                    runtime=spec.runtime,
                    handler=spec.handler,
                    code_sha256=spec.code.sha256,
                    memory_mb=spec.memory_mb,
                    timeout_s=spec.timeout_s,
                    ephemeral_storage_mb=spec.ephemeral_storage_mb,
                    log_group=spec.logging.log_group,
                    log_format=spec.logging.format,
                    application_level=spec.logging.application_level or "INFO",
                    system_level=spec.logging.system_level or "INFO",
                    variables=spec.environment or {},
                    layers=[
                        messages.Layer(arn=one.arn, sha256=one.code.sha256) for one in spec.layers
                    ],
                    region=self._region,
                    account=self._account,
                ),
                supply=self._supply,
                starts_in_flight=self._starts,
                admitted=self._admission,
                changed=partial(self._tell, version),
                settle=self._settle,
                time=self._clock,
                limits=self._limits,
                background=self._background,
            )
        return found

    def reserve(self, function_name: str, limit: int | None) -> None:
        """Set or remove a function's reserved concurrency."""
        self._ledger.reserve(function_name, limit)

    def provision(
        self, version: messages.VersionId, spec: function.Spec, *, environments: int, aside: int
    ) -> None:
        """Keep environments of a version started, and set concurrency aside for it."""
        self._ledger.provide(version.function_name, version.version, aside)
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

    async def reap_forever(self) -> None:
        """Stop what has been idle too long, once a second."""
        while True:
            await asyncio.sleep(_REAP_EVERY_S)
            for version, each in list(self._fleets.items()):
                each.reap()
                self._forget_unused(version)
            self._admission.prune()

    async def close(self) -> None:
        """Admit nothing more, let what runs finish within the drain time, and end all agents."""
        self._is_draining = True
        for each in self._fleets.values():
            each.provision(0)
        if self._ledger.total:
            try:
                async with asyncio.timeout(self._limits.drain_timeout_s):
                    await self._settled.wait()
            except TimeoutError:
                logger.warning("stopping with work in flight", extra={"n": self._ledger.total})
        await self._background.close()
        for each in self._fleets.values():
            each.close()
        self._fleets.clear()
