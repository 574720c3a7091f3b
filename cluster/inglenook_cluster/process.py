"""A process of the platform in a pod: settings, logs, loop, signals and status, the same in each.

`run` takes a process through its life. SIGTERM and SIGINT begin an orderly stop, and so does a part
that dies; the process then ends with 1, and Kubernetes starts it anew. A second signal ends it at
once.
"""

import asyncio
import functools
import logging
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import uvloop

from inglenook import settings
from inglenook.aio import clock, collector, tasks
from inglenook.telemetry import instruments, json_logs, tally, tracing
from inglenook_cluster import status

logger = logging.getLogger(__name__)

ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - a pod's own network


class Process:
    """What the parts of one process share."""

    def __init__(
        self, part: str, tuned: settings.Settings, seen_with: instruments.Instruments
    ) -> None:
        """`part` is what the process is: `gateway`, `worker`, `operator`."""
        self._part = part
        self.settings = tuned
        self.seen_with = seen_with
        self.clock = clock.SystemClock()
        self.rng = random.Random()  # noqa: S311 - weights, jitter and ids, no secrets
        self.stop = asyncio.Event()
        """Set once the process is to end."""
        self._done: set[str] = set()
        self._failed: list[str] = []
        self._status: status.Status | None = None

    def needs(self, *conditions: str) -> None:
        """Be ready only once each of these is `done`."""
        self._status = status.Status(
            {one: functools.partial(self._done.__contains__, one) for one in conditions},
            metrics=tally.Page(self.seen_with.tally, self._part).text,
            content_type=tally.CONTENT_TYPE,
        )

    def done(self, condition: str) -> None:
        """Learn that a condition of readiness is met."""
        self._done.add(condition)

    async def listen(self, stack: AsyncExitStack) -> None:
        """Tell the status from now on. After `needs`."""
        if self._status is not None:
            await self._status.listen(ANY_ADDRESS, self.settings.cluster.status_port)
            stack.push_async_callback(self._status.close)

    def leave(self) -> None:
        """Be ready no more."""
        if self._status is not None:
            self._status.leave()

    def died(self, name: str) -> None:
        """Learn that a part has died: the process stops, and fails."""
        self._failed.append(name)
        if self._status is not None:
            self._status.died(name)
        self.stop.set()

    @property
    def failed(self) -> list[str]:
        """The parts that have died."""
        return list(self._failed)


Leave = Callable[[], Awaitable[None]]
"""Do what comes before anything is closed."""
Open = Callable[[Process, AsyncExitStack], Awaitable[Leave]]
"""Open a process' parts, each closed by the stack, last first, and serve; cancelled by a stop."""


def run(part: str, open_parts: Open) -> int:
    """Run a process to its end; return its exit code."""
    json_logs.configure()
    try:
        tuned = settings.from_environment()
    except settings.SettingsError as error:
        logger.error("the settings cannot be used: %s", error)  # noqa: TRY400 - no bug
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_live(part, open_parts, tuned))


async def _live(part: str, open_parts: Open, tuned: settings.Settings) -> int:
    async with AsyncExitStack() as stack:
        process = Process(part, tuned, await _instruments(tuned, stack))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _on_signal, process.stop, number)
        leaves: list[Leave] = []

        async def begin() -> None:
            leaves.append(await open_parts(process, stack))
            collector.spare_what_stays()

        # Apart, as a stop may come before everything is there, and what is not may never be.
        beginning = tasks.Tasks(on_failure=process.died)
        _ = beginning.start(begin(), name="start")
        await process.stop.wait()
        await beginning.close()
        process.leave()
        for leave in leaves:
            await leave()
    if process.failed:
        logger.error("a part of the process has died", extra={"parts": process.failed})
        return 1
    return 0


async def _instruments(tuned: settings.Settings, stack: AsyncExitStack) -> instruments.Instruments:
    counted = tally.Tally()
    if not tuned.telemetry.otlp_endpoint:
        return instruments.Instruments(tally=counted)
    traced = await asyncio.to_thread(
        tracing.Tracing,
        tuned.telemetry,
        counted,
        instance=tuned.cluster.pod_name,
        time=clock.SystemClock(),
        rng=random.Random(),  # noqa: S311 - ids of spans, and which traces are kept
    )
    stack.push_async_callback(traced.close)
    return instruments.Instruments(tally=counted, tracing=traced)


def _on_signal(stop: asyncio.Event, number: signal.Signals) -> None:
    if stop.is_set():
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    stop.set()


def main(part: str, open_parts: Open) -> None:
    """Be a program."""
    sys.exit(run(part, open_parts))
