"""Accepting events: into the durable queue, before the caller is answered.

Whatever calls for an asynchronous invocation comes through here, with a function that exists and a
payload that is JSON. What becomes of the event is the worker's.
"""

from typing import Protocol

from inglenook import errors
from inglenook.aio import clock
from inglenook.catalog.target import Target
from inglenook.events import queue, work
from inglenook.model.arn import FunctionRef
from inglenook.telemetry import metrics, runs, tally

_ABSENT_PAYLOAD = b"{}"


class Events(Protocol):
    """Where events are kept; a part of `queue.Queue`."""

    async def put(self, item: queue.Item) -> None:
        """Store an item durably. Raises queue.QueueFullError."""


class EventIntake:
    """Put events into the queue."""

    def __init__(self, events: Events, time: clock.Clock, seen: tally.Tally | None = None) -> None:
        self._seen = seen or tally.Tally()
        self._events = events
        self._clock = time

    async def accept(
        self,
        target: Target,
        ref: FunctionRef,
        payload: bytes | bytearray,
        request_id: str,
        trace_id: str,
    ) -> None:
        """Return once the event is on the disk. Raises TooManyRequestsError if there is no room."""
        now = self._clock.now()
        event = work.Invocation(
            request_id=request_id,
            function_name=target.function_name,
            function_uid=target.id.function_uid,
            # Not what an alias stands for now: that is asked at each attempt.
            qualifier=ref.qualifier,
            trace_id=trace_id,
            accepted_at=now,
        )
        try:
            await self._events.put(work.item(event, payload or _ABSENT_PAYLOAD, due=now))
        except queue.QueueFullError as error:
            raise errors.TooManyRequestsError("CallerRateLimitExceeded") from error
        except queue.ClosedError as error:
            raise errors.ServiceError("This gateway is shutting down.") from error
        name = target.function_name
        self._seen.count(metrics.EVENTS_RECEIVED, (name, runs.qualified(name, ref.qualifier)))
