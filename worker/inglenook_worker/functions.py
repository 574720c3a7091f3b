"""The functions as the worker sees them: what it asks of whoever can run them.

In one process that is the gateway beside it; on a cluster, a gateway over HTTP.
"""

from typing import Protocol

from inglenook.events import retrying, work


class Functions(Protocol):
    """Configuration and execution of functions."""

    def policy(self, event: work.Invocation) -> retrying.Policy:
        """Return what is configured now for such events."""
        ...

    def arn(self, name: str, qualifier: str) -> str:
        """Return a qualified ARN."""
        ...

    async def accept(
        self, target: str, cause: work.Delivery, *, now: float
    ) -> work.Invocation | None:
        """Return a new event for the function with this ARN; None if there is none.

        Raises ServiceError if that cannot be told.
        """
        ...

    async def run(self, event: work.Invocation, payload: bytes) -> retrying.Attempt:
        """Run an event; everything that can come of it is an answer, not an exception."""
        ...
