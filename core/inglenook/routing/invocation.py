"""What is asked of a version of a function, what came of it, and who can be asked.

The words between whoever has a caller (the API, function URLs, the worker) and whoever has the
environments: this gateway, or the one that owns the function.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import msgspec

from inglenook.model import function
from inglenook.wire import messages

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

OnChunk = Callable[["messages.Chunk", "Body", Callable[[int], None]], None]
"""Called synchronously with each piece, in order, and with what gives room for more bytes."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks a function to do.

    A struct, as `Outcome` is, because a frozen dataclass takes ten times as long to make.
    """

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
    waits_until: float | None = None
    """On the monotonic clock, of this process: when waiting for an environment ends, of an event
    that has waited before; None: it begins to wait now."""
    received_at: float | None = None
    """On the monotonic clock, of this process: when the request came in; for traces."""


class Outcome(msgspec.Struct, frozen=True):
    """How the function answered; its own failure is an outcome, too."""

    result: messages.Result
    payload: "Body"


class Runner(Protocol):
    """Who runs events in environments, within the limits."""

    def invoke(
        self, version: messages.VersionId, spec: function.Spec, event: Event
    ) -> asyncio.Future[Outcome]:
        """Admit an event and return the future of its outcome, which may be abandoned.

        Raises TooManyRequestsError when a limit is reached and ServiceError when nobody can take
        it; the future may fail with any ApiError.
        """
        ...
