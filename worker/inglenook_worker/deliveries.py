"""Delivering records and dead letters, each until it has arrived or is too old.

A destination that is away costs a try now and then and loses nothing up to the event's age; what
is then still here is given up with an error in the log.
"""

import logging
import random
from typing import Protocol

import msgspec

from inglenook.aio import clock
from inglenook.events import queue, retrying, work
from inglenook.telemetry import metrics, tally
from inglenook_worker import destinations

logger = logging.getLogger(__name__)


class Destinations(Protocol):
    """What takes a record to where it belongs."""

    async def deliver(self, delivery: work.Delivery, body: bytes) -> None:
        """Deliver. Raises destinations.DeliveryError."""


class Deliveries:
    """Deliver claimed records."""

    def __init__(
        self,
        *,
        events: queue.Queue,
        to: Destinations,
        pace: retrying.Pace,
        time: clock.Clock,
        rng: random.Random,
        seen: tally.Tally | None = None,
    ) -> None:
        self._seen = seen or tally.Tally()
        self._events = events
        self._to = to
        self._pace = pace
        self._clock = time
        self._rng = rng

    async def handle(self, claim: queue.Claim, delivery: work.Delivery) -> bool:
        """Deliver and settle the claim; return whether the destination took it.

        Raises what the queue raises.
        """
        try:
            await self._to.deliver(delivery, claim.payload)
        except destinations.DeliveryError as error:
            await self._put_off(claim, delivery, error)
            return False
        await self._events.settle(claim)
        return True

    async def _put_off(
        self, claim: queue.Claim, delivery: work.Delivery, error: destinations.DeliveryError
    ) -> None:
        is_dead_letter = delivery.form is work.DeliveryForm.DEAD_LETTER
        self._seen.count(
            metrics.DEAD_LETTER_ERRORS if is_dead_letter else metrics.DELIVERY_FAILURES,
            (delivery.function_name,),
        )
        now = self._clock.now()
        told = {
            "target": delivery.target,
            "function": delivery.function_name,
            "request_id": delivery.request_id,
            "reason": str(error),
        }
        if now >= delivery.give_up_at:
            logger.error("delivery given up", extra=told)
            await self._events.settle(claim)
            return
        if delivery.tries == 0:
            logger.warning("delivery failed, and is tried again", extra=told)
        again = msgspec.structs.replace(delivery, tries=delivery.tries + 1)
        due = self._pace.after(now, retrying.backoff_s(delivery.tries, self._rng))
        await self._events.reschedule(
            claim, due=min(due, delivery.give_up_at), state=work.encode(again)
        )
