"""Functions as a catalog knows them and a runner runs them: what the worker runs events with.

The runner is the dispatcher beside it in one process, and the owners of the functions on a cluster.
"""

import random
import uuid

from inglenook import errors
from inglenook.aio import clock
from inglenook.catalog import catalog, targets
from inglenook.catalog.target import Target
from inglenook.events import retrying, work
from inglenook.model import account, function
from inglenook.model.arn import FunctionRef
from inglenook.routing import invocation
from inglenook.store import kinds
from inglenook.telemetry import traces

_THROTTLED = errors.TooManyRequestsError.status


class CataloguedFunctions:
    """A worker's `Functions`, from a catalog and a runner."""

    def __init__(
        self,
        *,
        known: catalog.Catalog,
        aims: targets.Targets,
        runner: invocation.Runner,
        owner: account.Account,
        time: clock.Clock,
        rng: random.Random,
    ) -> None:
        self._known = known
        self._aims = aims
        self._runner = runner
        self._owner = owner
        self._clock = time
        self._rng = rng

    def policy(self, event: work.Invocation) -> retrying.Policy:
        if self._acceptor(event) is None:
            return retrying.Policy()
        qualifier = event.qualifier or function.LATEST
        target = self._shown(event.function_name, qualifier)
        dead_letters = None if target is None else target.spec.dead_letter_target
        config = self._known.qualified(kinds.EVENT_INVOKE, event.function_name, qualifier)
        if config is None:
            return retrying.Policy(dead_letter_target=dead_letters)
        return retrying.Policy(
            retry_attempts=config.retry_attempts,
            event_age_s=config.event_age_s,
            on_success=config.on_success,
            on_failure=config.on_failure,
            dead_letter_target=dead_letters,
        )

    def _acceptor(self, event: work.Invocation) -> function.Function | None:
        """Return the function that an event was accepted for, as long as it is there.

        One that was made later under the same name has no say, and must not get its records.
        """
        owner = self._known.living(event.function_name)
        return owner if owner is not None and owner.uid == event.function_uid else None

    def _shown(self, name: str, qualifier: str) -> Target | None:
        """Return what stands under a qualifier, without drawing from an alias' weights."""
        target = self._known.target(name, qualifier)
        if target is None:
            alias = self._known.alias(name, qualifier)
            if alias is not None:
                target = self._known.target(name, alias.function_version)
        return target

    def arn(self, name: str, qualifier: str) -> str:
        return self._owner.function_arn(name, qualifier)

    async def accept(
        self, target: str, cause: work.Delivery, *, now: float
    ) -> work.Invocation | None:
        try:
            ref = self._owner.ref(target)
        except errors.ApiError:
            return None
        owner = self._known.living(ref.name)
        if owner is None:
            await self._aims.read(FunctionRef(ref.name, None))
            owner = self._known.living(ref.name)
        if owner is None:
            return None
        return work.Invocation(
            request_id=str(uuid.uuid4()),
            function_name=ref.name,
            function_uid=owner.uid,
            qualifier=ref.qualifier,
            trace_id=traces.header(self._clock.now(), self._rng),
            accepted_at=now,
        )

    async def run(self, event: work.Invocation, payload: bytes) -> retrying.Attempt:
        ref = FunctionRef(event.function_name, event.qualifier)
        try:
            if self._acceptor(event) is None:
                await self._aims.read(ref)
            if self._acceptor(event) is None:
                return retrying.Missing(message="the function has been deleted")
            target = await self._aims.find(ref)
            outcome = await self._runner.invoke(
                target.id,
                target.spec,
                invocation.Event(
                    request_id=event.request_id,
                    arn=target.invoked_arn(event.qualifier),
                    payload=payload,
                    trace_id=event.trace_id,
                    is_synchronous=False,
                ),
            )
        except errors.ResourceNotFoundError as error:
            return retrying.Missing(message=error.message)
        except errors.ApiError as error:
            owner = self._acceptor(event)
            reserved = None if owner is None else owner.reserved_concurrency
            switched_off = error.status == _THROTTLED and reserved == 0
            return retrying.NotNow(
                status=error.status, message=error.message, is_switched_off=switched_off
            )
        return retrying.Ran(
            executed_version=target.executed_version,
            payload=bytes(outcome.payload),
            failed=outcome.result.error is not None,
        )
