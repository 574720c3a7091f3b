"""Where agents come from, as the dispatcher sees it."""

from typing import Protocol

from inglenook.wire.connection import Connection


class Pods(Protocol):
    """A supply of generic pods, each with an agent that has run nothing yet."""

    async def lease(self, runtime: str) -> Connection:
        """Lease a pod for `runtime` and return the connection to its agent.

        The pod is the caller's alone; closing the connection ends it. Raises an
        `inglenook.errors.ApiError` when no pod of this runtime can ever be had here; anything else
        means *not now*.
        """
