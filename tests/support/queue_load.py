"""A steady load on queues, and its account: what was accepted, and what was done how often."""

import asyncio
import collections
import itertools
from collections.abc import Sequence

from inglenook.events.queue import Claim, Item, Queue

FAR = 1e9
"""A lease that does not lapse in a test."""


class Load:
    """Put into one queue and work on others until told to stop, then work until all is done.

    Nothing is caught: an operation that fails ends the load, and the test.
    """

    def __init__(self, putting: Queue, working: Sequence[Queue]) -> None:
        self._putting = putting
        self._working = working
        self._numbers = itertools.count()
        self._is_over = False
        self._has_settled = asyncio.Event()
        self.accepted: set[bytes] = set()
        self.done: collections.Counter[bytes] = collections.Counter()
        self.settled: set[bytes] = set()

    async def run(self, *, putters: int) -> None:
        """Return when everything that was accepted is settled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(putters):
                _ = group.create_task(self._put())
            for one in self._working:
                _ = group.create_task(self._work(one))

    async def until_settled(self, more: int) -> None:
        """Wait until so many more items are settled."""
        goal = len(self.settled) + more
        while len(self.settled) < goal:
            self._has_settled.clear()
            await self._has_settled.wait()

    def stop(self) -> None:
        self._is_over = True

    async def _put(self) -> None:
        while not self._is_over:
            payload = str(next(self._numbers)).encode()
            await self._putting.put(Item(group="f", due=0, state=b"", payload=payload))
            self.accepted.add(payload)

    async def _work(self, events: Queue) -> None:
        while not self._is_over or self.settled != self.accepted:
            claims = await events.claim({"f": 20}, now=100, until=FAR)
            await asyncio.gather(*(self._settle(events, claim) for claim in claims))

    async def _settle(self, events: Queue, claim: Claim) -> None:
        self.done[claim.payload] += 1
        await events.settle(claim)
        self.settled.add(claim.payload)
        self._has_settled.set()
