"""An invocation on its way: what is asked, and what came of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inglenook.wire import messages

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

OnChunk = Callable[["messages.Chunk", "Body", Callable[[int], None]], None]
"""Called synchronously with each piece, in order, and with what gives room for more bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a caller asks a function to do."""

    request_id: str
    arn: str
    """As asked for, with the qualifier."""
    payload: "Body"
    trace_id: str
    client_context: str | None = None
    cognito_identity: str | None = None
    wants_tail: bool = False
    is_synchronous: bool = True
    """Whether the caller waits: the rate of such requests may be limited."""
    on_chunk: "OnChunk | None" = None
    """Hears the pieces of an answer that the runtime streams; None: it is gathered whole."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the function answered; its own failure is an outcome, too."""

    result: messages.Result
    payload: "Body"


class Invocation:
    """One admitted event. Identity is its own; it holds a lease until it is settled."""

    __slots__ = ("event", "function", "outcome", "silent_after", "waits_until")

    def __init__(self, function: str, event: Event, waits_until: float) -> None:
        self.function = function
        self.event = event
        self.waits_until = waits_until
        """On the monotonic clock: when waiting for an environment ends."""
        self.silent_after = 0.0
        """On the monotonic clock: when its agent must have answered."""
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def message(self, environment: str) -> messages.Invoke:
        """Return the message that hands the event to an environment."""
        event = self.event
        return messages.Invoke(
            environment=environment,
            request_id=event.request_id,
            arn=event.arn,
            trace_id=event.trace_id,
            client_context=event.client_context,
            cognito_identity=event.cognito_identity,
            wants_tail=event.wants_tail,
            wants_stream=event.on_chunk is not None,
        )
