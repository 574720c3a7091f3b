"""The view that this process goes by, and the watch that keeps it up to date.

Whatever happens to the watch, the last view stays: with the Kubernetes API away, invocations go on
among those that were there.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from inglenook.aio import backoff
from inglenook_cluster.peers import endpoints, views

logger = logging.getLogger(__name__)

_TROUBLE_S = (0.1, 5.0)
"""The first and the longest pause after a failure of the watch."""


class Membership:
    """The present view, and who is told of the next one. Belongs to one event loop."""

    def __init__(self) -> None:
        self.view = views.View()
        self._subscribers: list[Callable[[views.View, views.View], None]] = []
        self._changed: asyncio.Event = asyncio.Event()

    def subscribe(self, callback: Callable[[views.View, views.View], None]) -> None:
        """Call `callback` with the view before and after every change, in order of subscribing."""
        self._subscribers.append(callback)

    def learn(self, found: views.View) -> None:
        """Take what was read last, if it is news."""
        old, new = self.view, views.next_view(self.view, found)
        if new is old:
            return
        self.view = new
        if new.members != old.members:
            change = views.difference(old, new)
            logger.info(
                "the gateways have changed",
                extra={
                    "members": sorted(new.members),
                    "joined": sorted(change.joined),
                    "left": sorted(change.left),
                    "died": sorted(change.died),
                },
            )
        for callback in self._subscribers:
            callback(old, new)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def change(self) -> None:
        """Wait until the next view."""
        await self._changed.wait()


class Source(Protocol):
    """Where the slices are read from."""

    async def list(self) -> bytes:
        """Return all slices of the service. Raises anything."""

    def watch(self, since: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Yield the events after a resource version, a line each; ends now and then.

        Raises anything; `endpoints.GoneError` when that version is too old.
        """


async def follow(source: Source, membership: Membership) -> None:
    """Keep a membership up to date, without end."""
    pauses = backoff.Backoff(*_TROUBLE_S)
    slices = endpoints.Slices()
    is_listed = False
    while True:
        try:
            if not is_listed:
                membership.learn(slices.replace(await source.list()))
                is_listed = True
            async with source.watch(slices.resume_from) as lines:
                async for line in lines:
                    pauses.reset()
                    membership.learn(slices.apply(line))
            # Ended as watches do; one that ends at once each time must not become a busy loop.
            await asyncio.sleep(pauses.next())
        except endpoints.GoneError:
            is_listed = False
        except Exception as error:  # noqa: BLE001 - the one place where this loop's errors end
            logger.warning("the gateways cannot be watched now", extra={"why": repr(error)})
            is_listed = False
            await asyncio.sleep(pauses.next())
