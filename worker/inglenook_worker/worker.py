"""The worker: claims what is due in the queue, has it done, and settles it.

One loop claims, as far as `Turns` allows; each claim is a task of its own, as a function may take a
quarter of an hour; one loop keeps the leases of what is under way alive. Nothing here decides what
becomes of an item: `Invocations` and `Deliveries` do.

Stopping is in two steps, so that the gateway can finish what runs in between: `stop` claims nothing
more; `close` waits for what is under way, then gives the rest back.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from inglenook import errors, settings
from inglenook.aio import backoff, clock, tasks
from inglenook.events import queue, work
from inglenook.telemetry import metrics, tally
from inglenook_worker import turns
from inglenook_worker.deliveries import Deliveries
from inglenook_worker.invocations import Invocations

logger = logging.getLogger(__name__)

_TROUBLE_S = (0.1, 10.0)
"""The first and the longest pause after a failure of the queue."""
_UNREADABLE_S = 300.0
_LOOK_S = 60.0
"""The clock on the wall may be set, and stands still for nobody whose machine sleeps."""


class Worker:
    """Work on a queue until stopped."""

    def __init__(
        self,
        *,
        events: queue.Queue,
        invocations: Invocations,
        deliveries: Deliveries,
        options: settings.Worker,
        time: clock.Clock,
        died: Callable[[str], None],
        seen: tally.Tally | None = None,
    ) -> None:
        """Call `died` with the name of a loop that has failed."""
        self._events = events
        self._invocations = invocations
        self._deliveries = deliveries
        self._options = options
        self._clock = time
        self._turns = turns.Turns(max(1, options.event_concurrency))
        self._wake = asyncio.Event()
        self._claims: dict[int, queue.Claim] = {}
        self._renewed_at = time.now()
        self._claiming = tasks.Tasks(on_failure=died)
        self._renewing = tasks.Tasks(on_failure=died)
        self._running = tasks.Tasks()
        if seen is not None:
            seen.read(metrics.QUEUE_UNDER_WAY, lambda: {(): len(self._claims)})

    def start(self) -> None:
        """Begin to work."""
        self._events.watch(self._heads_changed)
        _ = self._claiming.start(self._claim_forever(), name="claim events")
        _ = self._renewing.start(self._renew_forever(), name="renew leases")

    async def stop(self) -> None:
        """Claim nothing more. Safe to repeat."""
        await self._claiming.close()

    async def close(self, timeout_s: float) -> None:
        """Let what is under way finish within a time, and give back the rest."""
        await self.stop()
        if not await self._running.wait(timeout_s):
            logger.warning("stopping with events under way", extra={"n": len(self._running)})
        await self._renewing.close()
        await self._running.close()

    def _heads_changed(self, heads: queue.Heads) -> None:
        self._turns.due(heads)
        self._wake.set()

    async def _claim_forever(self) -> None:
        pauses = backoff.Backoff(*_TROUBLE_S)
        while True:
            self._wake.clear()
            picked = self._turns.pick(self._clock.now())
            if not picked:
                await self._until_woken()
                continue
            try:
                now = self._clock.now()
                if now - self._renewed_at > self._options.lease_s / 2:
                    # The clock was set, or the machine slept: what runs here is not to be had.
                    await self._renew(now)
                claims = await self._events.claim(
                    picked, now=now, until=now + self._options.lease_s
                )
            except errors.ApiError:
                logger.exception("events could not be claimed")
                self._count_unused(picked, [])
                await asyncio.sleep(pauses.next())
                continue
            pauses.reset()
            self._count_unused(picked, claims)
            for claim in claims:
                self._claims[claim.id] = claim
                _ = self._running.start(self._work_on(claim), name=f"event {claim.id}")

    async def _until_woken(self) -> None:
        at = self._turns.wakes_at()
        if at is None:
            await self._wake.wait()
            return
        try:
            async with asyncio.timeout(min(_LOOK_S, max(0.0, at - self._clock.now()))):
                await self._wake.wait()
        except TimeoutError:
            return

    def _count_unused(self, picked: dict[str, int], claims: list[queue.Claim]) -> None:
        for claim in claims:
            picked[claim.group] -= 1
        for group, count in picked.items():
            if count:
                self._turns.unused(group, count)

    async def _work_on(self, claim: queue.Claim) -> None:
        was_done = False
        try:
            was_done = await self._handle(claim)
        except asyncio.CancelledError:
            await self._give_back(claim)
            raise
        except queue.StaleClaimError:
            logger.warning("the lease of an event was lost", extra={"item": claim.id})
        except queue.ClosedError:
            logger.info("the queue was closed before an event was settled")
        except Exception:
            # Its lease lapses, and it is tried again.
            logger.exception("an event could not be worked on", extra={"item": claim.id})
        finally:
            if self._claims.get(claim.id) is claim:
                del self._claims[claim.id]
            if was_done:
                self._turns.succeeded(claim.group)
            else:
                self._turns.throttled(claim.group, self._clock.now(), self._options.time_scale)
            self._wake.set()

    async def _handle(self, claim: queue.Claim) -> bool:
        try:
            what = work.decode(claim.state)
        except msgspec.DecodeError as error:
            # Perhaps a newer Inglenook wrote it; it can wait for that one to come back.
            logger.error("an event cannot be read", extra={"item": claim.id, "reason": str(error)})  # noqa: TRY400 - no bug
            due = self._clock.now() + _UNREADABLE_S
            await self._events.reschedule(claim, due=due, state=claim.state)
            return False
        if isinstance(what, work.Invocation):
            return await self._invocations.handle(claim, what)
        return await self._deliveries.handle(claim, what)

    async def _give_back(self, claim: queue.Claim) -> None:
        try:
            await self._events.release(claim)
        except (queue.QueueError, errors.ApiError):
            # Settled already, or the lease ends by itself.
            return

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(self._options.lease_s / 3)
            try:
                await self._renew(self._clock.now())
            except errors.ApiError:
                logger.exception("the leases of events could not be renewed")

    async def _renew(self, now: float) -> None:
        if held := list(self._claims.values()):
            await self._events.extend(held, until=now + self._options.lease_s)
        self._renewed_at = now
