"""An invocation on its way: an event that holds its lease until it is settled."""

import asyncio
from typing import TYPE_CHECKING

from inglenook.routing.invocation import Event, Outcome
from inglenook.wire import messages

if TYPE_CHECKING:
    from inglenook.telemetry.journeys import Journey


class Invocation:
    """One admitted event. Identity is its own; it holds a lease until it is settled."""

    __slots__ = (
        "admitted_at",
        "event",
        "function",
        "journey",
        "outcome",
        "silent_after",
        "waits_until",
    )

    def __init__(
        self, function: str, event: Event, waits_until: float, admitted_at: float = 0.0
    ) -> None:
        self.function = function
        self.event = event
        self.waits_until = waits_until
        """On the monotonic clock: when waiting for an environment ends."""
        self.admitted_at = admitted_at
        self.silent_after = 0.0
        """On the monotonic clock: when its agent must have answered."""
        self.journey: Journey | None = None
        """Of an invocation whose trace is kept."""
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def message(self, environment: str) -> messages.Invoke:
        """Return the message that hands the event to an environment."""
        event = self.event
        return messages.Invoke(
            environment=environment,
            request_id=event.request_id,
            arn=event.arn,
            trace_id=event.trace_id if self.journey is None else self.journey.header,
            client_context=event.client_context,
            cognito_identity=event.cognito_identity,
            wants_tail=event.wants_tail,
            wants_stream=event.on_chunk is not None,
        )
