"""One watch over the resources of all kinds, made of a watch for each.

Each kind has a task that follows the API server's watch, begins it anew where it ended, and puts
the changes into a bounded queue: a consumer who does not take them makes the server wait, which in
the end lets the watch expire. A server that is away is waited for.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from inglenook import errors
from inglenook.aio import tasks
from inglenook.aio.backoff import Backoff
from inglenook.store import documents
from inglenook.store.documents import Change
from inglenook_cluster.kube.requests import RefusedError, refusals_told
from inglenook_cluster.resources.api import Api
from inglenook_cluster.resources.definitions import Definition
from inglenook_cluster.resources.events import Events

logger = logging.getLogger(__name__)

T = TypeVar("T")

QUEUE_MAX = 1000
LASTING_S = 50
"""For how long the server is asked to keep one watch."""
SILENCE_S = 75.0
"""After how long without a word a watch is taken for dead: longer than it lasts."""
RETRY_FIRST_S = 0.1
RETRY_MOST_S = 5.0

_GONE = 410


class Watch:
    """The changes of all kinds in one queue. Belongs to one consumer."""

    def __init__(self, api: Api, known: Iterable[Definition]) -> None:
        self._api = api
        self._definitions = tuple(known)
        self._queue: asyncio.Queue[Change | None] = asyncio.Queue(QUEUE_MAX)
        """None wakes a consumer that waits, to see the failure."""
        self._failure: Exception | None = None
        self._tasks = tasks.Tasks()

    async def begin(self) -> list[Change]:
        """Return what exists, in the order of its last writes, and follow what changes then."""
        listings = await self._served(
            lambda: asyncio.gather(*(self._api.list(one) for one in self._definitions))
        )
        changes: list[Change] = []
        for definition, listing in zip(self._definitions, listings, strict=True):
            events = Events(definition, listing.version)
            changes += [change for one in listing.items if (change := events.existing(one))]
            self._follow(events)
        return sorted(changes, key=lambda change: change.document.resource_version)

    async def resume(self, since: int, latest: Callable[[], Awaitable[int]]) -> None:
        """Follow what changes after a version. Raises WatchExpiredError for one of the future."""
        last = await self._served(latest)
        if since > last:
            raise documents.WatchExpiredError(
                f"version {since} is not of this cluster, whose latest is {last}"
            )
        for definition in self._definitions:
            self._follow(Events(definition, since))

    async def next(self) -> Change:
        """Return the next change. Raises what the watch has failed with."""
        change = None
        while change is None:
            self._check()
            change = await self._queue.get()
        self._check()
        return change

    def fail(self, failure: Exception) -> None:
        """Make `next` raise from now on."""
        if self._failure is None:
            self._failure = failure
            if self._queue.empty():
                self._queue.put_nowait(None)

    async def close(self) -> None:
        """End it. Safe to repeat."""
        await self._tasks.close()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _follow(self, events: Events) -> None:
        work = self._followed(events)
        _ = self._tasks.start(work, name=f"watch {events.definition.plural}")

    async def _followed(self, events: Events) -> None:
        try:
            await self._watched_again_and_again(events)
        except documents.StoreError as failure:
            self.fail(failure)
        except Exception as failure:
            # A bug, or a document that cannot be read: whoever consumes ends, instead of waiting.
            logger.exception("a watch failed", extra={"kind": events.definition.plural})
            self.fail(failure)

    async def _watched_again_and_again(self, events: Events) -> None:
        backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S)
        while True:
            before = events.version
            try:
                await self._watched(events)
            except errors.ServiceError as failure:
                logger.warning(
                    "a watch was interrupted",
                    extra={"kind": events.definition.plural, "reason": failure.message},
                )
            else:
                backoff.reset()
            if events.version == before:
                # Nothing has come of it: not at once again.
                await _pause(backoff)

    async def _watched(self, events: Events) -> None:
        lasting_s = LASTING_S + random.randrange(10)  # noqa: S311 - so that not all end at once
        try:
            async with self._api.watch(
                events.definition, events.version, lasting_s=lasting_s, silence_s=SILENCE_S
            ) as lines:
                async for line in lines:
                    change = events.read(line)
                    if change is not None:
                        await self._queue.put(change)
        except RefusedError as refusal:
            if refusal.status == _GONE:
                raise documents.WatchExpiredError(str(refusal)) from refusal
            raise errors.ServiceError(str(refusal)) from refusal

    async def _served(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until the server answers."""
        backoff = Backoff(RETRY_FIRST_S, RETRY_MOST_S)
        while self._failure is None:
            try:
                with refusals_told():
                    return await ask()
            except errors.ServiceError as failure:
                logger.warning("a watch cannot begin yet", extra={"reason": failure.message})
                await _pause(backoff)
        raise self._failure


async def _pause(backoff: Backoff) -> None:
    await asyncio.sleep(backoff.next() * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
