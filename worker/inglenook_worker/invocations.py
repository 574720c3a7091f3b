"""Running an event, and recording what came of it.

The outcome, the next attempt and all that is to be delivered are one write of the queue, so that a
crash between any two lines repeats the attempt at worst.
"""

import logging
import random
from typing import assert_never

from inglenook.aio import clock
from inglenook.events import queue, records, retrying, work
from inglenook.model import function
from inglenook.telemetry import metrics, runs, tally
from inglenook_worker.functions import Functions

logger = logging.getLogger(__name__)

_GONE = "FunctionDeleted"
"""Beside the conditions of records: the function that accepted the event is no more."""


class Invocations:
    """Run claimed events."""

    def __init__(
        self,
        *,
        events: queue.Queue,
        functions: Functions,
        pace: retrying.Pace,
        time: clock.Clock,
        rng: random.Random,
        seen: tally.Tally | None = None,
    ) -> None:
        self._seen = seen or tally.Tally()
        self._events = events
        self._functions = functions
        self._pace = pace
        self._clock = time
        self._rng = rng

    async def handle(self, claim: queue.Claim, event: work.Invocation) -> bool:
        """Run an event and settle its claim; return whether it could be run.

        Raises what the queue raises, and ServiceError if a destination cannot be looked up.
        """
        attempt: retrying.Attempt | None = None
        policy = self._functions.policy(event)
        decision: retrying.Decision
        if retrying.is_too_old(event, policy, now=self._clock.now(), pace=self._pace):
            decision = retrying.Finish(condition=retrying.Condition.EVENT_AGE_EXCEEDED)
        else:
            age_s = max(0.0, self._clock.now() - event.accepted_at)
            self._seen.observe(metrics.EVENT_AGE, age_s, _labels(event))
            attempt = await self._functions.run(event, claim.payload)
            # Read again, so that a change meanwhile applies.
            policy = self._functions.policy(event)
            decision = retrying.decide(
                event, attempt, policy, now=self._clock.now(), pace=self._pace, rng=self._rng
            )
        await self._record(claim, event, attempt, decision, policy)
        return not isinstance(attempt, retrying.NotNow)

    async def _record(
        self,
        claim: queue.Claim,
        event: work.Invocation,
        attempt: retrying.Attempt | None,
        decision: retrying.Decision,
        policy: retrying.Policy,
    ) -> None:
        told = {"function": event.function_name, "request_id": event.request_id}
        match decision:
            case retrying.Retry(event=again, due=due):
                await self._events.reschedule(claim, due=due, state=work.encode(again))
            case retrying.Drop(reason=reason):
                logger.warning("event dropped", extra=told | {"reason": reason})
                await self._events.settle(claim)
                self._seen.count(metrics.EVENTS_DROPPED, (*_labels(event), _GONE))
            case retrying.Finish(condition=condition):
                if condition is not retrying.Condition.SUCCESS:
                    logger.info("event given up", extra=told | {"condition": condition.value})
                ended = records.Ended(
                    event=event,
                    payload=claim.payload,
                    attempt=attempt,
                    condition=condition,
                    function_arn=self._functions.arn(
                        event.function_name, event.qualifier or function.LATEST
                    ),
                    at=self._clock.now(),
                )
                await self._events.settle(claim, await self._followers(ended, policy))
                if condition is not retrying.Condition.SUCCESS:
                    self._seen.count(metrics.EVENTS_DROPPED, (*_labels(event), condition.value))
            case _:
                assert_never(decision)

    async def _followers(self, ended: records.Ended, policy: retrying.Policy) -> list[queue.Item]:
        """Return what the queue is to do next; a function as the destination gets an event."""
        items = []
        for delivery, body in records.deliveries(ended, policy, self._pace):
            following: work.Work | None = delivery
            if delivery.target.split(":")[2:3] == ["lambda"]:
                following = await self._functions.accept(delivery.target, delivery, now=ended.at)
            if following is None:
                logger.error(
                    "destination is no function here",
                    extra={"target": delivery.target, "request_id": delivery.request_id},
                )
                continue
            items.append(work.item(following, body, due=ended.at))
        return items


def _labels(event: work.Invocation) -> tuple[str, str]:
    return event.function_name, runs.qualified(event.function_name, event.qualifier)
