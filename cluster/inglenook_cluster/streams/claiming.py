"""Choosing what to claim, and claiming it.

The claims of one process follow each other, so that what is given back by one who waits no more is
there for the next. Where several processes claim from one group, the first in turn are wanted by
all, and all but one have tried in vain: the more often that happens, the further down each looks,
at random.
"""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from inglenook.aio import tasks
from inglenook.events import queue
from inglenook.events.queue import Claim
from inglenook_cluster.streams import index
from inglenook_cluster.streams.failures import EngineError
from inglenook_cluster.streams.items import Items
from inglenook_cluster.streams.known import Known

logger = logging.getLogger(__name__)

_CROWD_MAX = 16

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class _Asked:
    wanted: Mapping[str, int]
    now: float
    until: float
    is_abandoned: bool = False


class Claiming:
    """Claim for one process. To be closed."""

    def __init__(self, items: Items, known: Known, rng: random.Random) -> None:
        self._items = items
        self._known = known
        self._rng = rng
        self._turn = asyncio.Lock()
        self._crowd = 1
        """How many times as many items to choose from as are wanted."""
        self._under_way: set[asyncio.Task[list[Claim]]] = set()
        self._giving_back = tasks.Tasks()

    async def close(self) -> None:
        """Finish what is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._giving_back.wait(float("inf"))

    async def claim(self, wanted: Mapping[str, int], *, now: float, until: float) -> list[Claim]:
        """Claim as `queue.Queue` says; who is cancelled gets nothing, and nothing is held."""
        asked = _Asked(wanted=wanted, now=now, until=until)
        task = asyncio.get_running_loop().create_task(self._claim(asked), name="claim items")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            asked.is_abandoned = True
            if task.done() and not task.cancelled() and task.exception() is None:
                _ = self._giving_back.start(self._give_back(task.result()), name="give back items")
            raise

    async def _claim(self, asked: _Asked) -> list[Claim]:
        async with self._turn:
            if self._is_abandoned(asked):
                return []
            claims = await self._take(asked)
            if self._is_abandoned(asked):
                await self._give_back(claims)
                return []
            return claims

    @staticmethod
    def _is_abandoned(asked: _Asked) -> bool:
        return asked.is_abandoned

    async def _give_back(self, claims: Sequence[Claim]) -> None:
        for outcome in await asyncio.gather(
            *(self._items.release(claim) for claim in claims), return_exceptions=True
        ):
            if isinstance(outcome, queue.QueueError):
                # Nobody waits to hear of it, and the lease lapses.
                logger.info("a claim was not given back", extra={"reason": str(outcome)})
            elif outcome is not None:
                raise outcome

    async def _take(self, asked: _Asked) -> list[Claim]:
        chosen: list[int] = []
        for group, limit in asked.wanted.items():
            free = self._known.index.free(group, limit * self._crowd, asked.now)
            chosen += index.spread(free, limit, self._rng)
        # All are read before any is claimed, so that epochs grow in the order of the claims.
        found, failure = _sorted_out(
            await asyncio.gather(
                *(self._items.find(item, asked.now) for item in chosen), return_exceptions=True
            )
        )
        claims, later_failure = _sorted_out(
            await asyncio.gather(
                *(self._items.claim(one, asked.until) for one in found), return_exceptions=True
            )
        )
        self._count(len(chosen), len(claims))
        failure = failure or later_failure
        if failure is not None:
            if not claims:
                raise failure
            # What was claimed has a holder, who must hear of it.
            logger.warning("some items could not be claimed", extra={"reason": failure.message})
        return claims

    def _count(self, chosen: int, claimed: int) -> None:
        if claimed * 2 < chosen:
            self._crowd = min(_CROWD_MAX, self._crowd * 2)
        elif claimed == chosen:
            self._crowd = max(1, self._crowd - 1)


def _sorted_out(
    outcomes: Sequence[T | BaseException | None],
) -> tuple[list[T], EngineError | None]:
    """Return what was got, and the first failure of the engine; others are raised."""
    got: list[T] = []
    failure: EngineError | None = None
    for outcome in outcomes:
        if isinstance(outcome, EngineError):
            failure = failure or outcome
        elif isinstance(outcome, BaseException):
            raise outcome
        elif outcome is not None:
            got.append(outcome)
    return got, failure
