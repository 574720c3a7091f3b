"""What makes a gateway one of several, as it sees it itself.

How the others are found and reached is not its matter; on one machine there are none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from inglenook.catalog.catalog import Catalog
from inglenook.routing import streaming
from inglenook_gateway.dispatch import pods
from inglenook_gateway.dispatch.dispatcher import Dispatcher


class Share(Protocol):
    """This gateway's share of the functions."""

    @property
    def runner(self) -> streaming.StreamRunner:
        """Runs events wherever their functions' owners are."""
        ...

    def elsewhere(self, key: str) -> str | None:
        """Return the address of the gateway that owns a key; None if that is this one."""

    def claim(self, function_name: str) -> bool:
        """Return whether a function may be run here now; if it is this gateway's, see to it."""

    def observe(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with each function that may be run here now, or not any more."""

    def observe_view(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever functions may have changed hands."""

    def leave(self) -> None:
        """Own nothing from now on, if another gateway can."""

    async def close(self) -> None:
        """Forward nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """How a gateway becomes one of several."""

    name: str
    public_url: str
    """The API's address as clients see it; empty: whatever each of them has named."""
    http_port: int
    """Where the others serve the API."""
    signing_key: bytes
    """What addresses of code are signed with, so that any of them can serve it."""
    remote: Callable[[Catalog], pods.Remote]
    share: Callable[[Catalog, Dispatcher], Share]
