"""The platform in one process, wired: `inglenook up`.

Everything that a cluster spreads over pods is here at once: the gateway, agents as its pods, the
reconciler that makes functions ready, SQLite for the resources, files for code and logs. Parts are
closed in the reverse order of their making.
"""

import asyncio
import logging
import random
import socket
import uuid
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from inglenook import settings
from inglenook.aio import clock, tasks
from inglenook.events.sqlite import SqliteQueue
from inglenook.model import account
from inglenook.store import code, sqlite
from inglenook.telemetry import instruments, metrics, tally, tracing
from inglenook.upkeep import activation, collection, recovery
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor import supervisor
from inglenook_gateway.app import Gateway
from inglenook_gateway.operations import objects
from inglenook_local import logs, logs_http, metrics_http, pods
from inglenook_worker import app as worker_app

logger = logging.getLogger(__name__)

_SETTLE_TIMEOUT_S = 2.0
"""How long the outcomes of events may take to be recorded once nothing runs any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line decides."""

    host: str = "127.0.0.1"
    port: int = 9550
    """0 takes any free one."""
    data: Path
    region: str = "us-east-1"
    account: str = "000000000000"
    runtimes: Mapping[str, Path] = field(default_factory=dict)
    """Runtime name to interpreter, before what is found on the machine."""


async def serve(
    options: Options, *, ready: Callable[[str, str], None], stop: asyncio.Event
) -> None:
    """Serve until `stop` is set or a part dies; `ready` is told the endpoint, and of the sandbox.

    Raises the store's errors when the data folder cannot be used, OSError when the address cannot,
    and settings.SettingsError. A part that dies stops the platform, and raises RuntimeError.
    """
    tuned = settings.from_environment()
    time = clock.SystemClock()
    owner = account.Account(
        id=options.account,
        region=options.region,
        concurrent_executions=tuned.gateway.account_concurrency,
        code_storage_bytes=tuned.gateway.code_storage_bytes,
    )
    died: list[str] = []

    def part_died(name: str) -> None:
        died.append(name)
        stop.set()

    async with AsyncExitStack() as stack:
        seen_with = await _instruments(tuned.telemetry, time, stack)
        store = await sqlite.SqliteStore.open(options.data / "state.sqlite")
        stack.push_async_callback(store.close)
        await recovery.recover(store)
        events = await SqliteQueue.open(
            options.data / "events.sqlite",
            bytes_max=tuned.worker.queue_bytes,
            items_max=tuned.worker.queue_events,
        )
        stack.push_async_callback(events.close)
        seen_with.tally.read(metrics.QUEUE_ITEMS, lambda: {(): events.items})
        blobs = await code.CodeStore.open(options.data / "code")
        if await store.latest_version():
            # Else it is new: perhaps a damaged one has been moved away, and may yet come back.
            await collection.sweep(store, blobs)
        unpacked = await code.UnpackedCode.open(blobs, options.data / "run" / "code")
        log_files = await stack.enter_async_context(logs.LogFiles(options.data / "logs"))
        agents = AgentSettings(
            init_timeout_s=tuned.agent.init_timeout_s,
            spares=tuned.agent.spares,
            stream_bytes_per_s=tuned.agent.stream_bytes_per_s,
            use_sandbox=tuned.agent.sandbox,
            scratch=options.data / "run" / "environments",
            hidden=(options.data.resolve(),),
            interpreters=options.runtimes,
        )
        background = tasks.Tasks(on_failure=part_died)
        stack.push_async_callback(background.close)
        shared = supervisor.Supervisor(agents, background)
        await shared.start()
        stack.push_async_callback(shared.close)
        supply = pods.LocalPods(
            shared=shared, code=unpacked, sink=log_files, time=time, settings=agents
        )
        stack.push_async_callback(supply.close)
        gateway = Gateway(
            store=store,
            blobs=blobs,
            objects=objects.S3Objects(tuned.aws, region=options.region, time=time),
            supply=supply,
            events=events,
            owner=owner,
            options=tuned.gateway,
            time=time,
            rng=random.Random(),  # noqa: S311 - draws alias weights, makes no secrets
            extra={
                logs_http.PATH: logs_http.LogsEndpoint(log_files),
                metrics_http.PATH: metrics_http.MetricsEndpoint(
                    tally.Page(seen_with.tally, "local")
                ),
            },
            seen_with=seen_with,
        )
        asynchronous = worker_app.made(
            events=events,
            known=gateway.catalog,
            aims=gateway.targets,
            runner=gateway.runner,
            owner=owner,
            tuned=tuned,
            time=time,
            rng=random.Random(),  # noqa: S311 - alias weights and jitter, no secrets
            died=part_died,
            seen=seen_with.tally,
            stack=stack,
        )
        # After `stop` below: what is under way ends while the gateway drains.
        stack.push_async_callback(asynchronous.close, _SETTLE_TIMEOUT_S)
        await gateway.start()
        stack.push_async_callback(gateway.close)
        # A reader who follows a log would otherwise keep the server open.
        stack.callback(log_files.end_following)
        reconciler = activation.Activation(
            store=store,
            code=unpacked,
            runtimes=supply,
            new_revision=lambda: str(uuid.uuid4()),
            written=gateway.catalog.apply,
        )
        _ = background.start(reconciler.run(), name="activate functions")
        garbage = collection.Collection(store=store, blobs=blobs, unpacked=unpacked, time=time)
        _ = background.start(garbage.run(), name="collect code")
        asynchronous.start()
        stack.push_async_callback(asynchronous.stop)
        ready(await gateway.listen(options.host, options.port), shared.walls.summary())
        await stop.wait()
    if died:
        raise RuntimeError(f"stopped because a part of the platform failed: {', '.join(died)}")


async def _instruments(
    options: settings.Telemetry, time: clock.Clock, stack: AsyncExitStack
) -> instruments.Instruments:
    counted = tally.Tally()
    if not options.otlp_endpoint:
        return instruments.Instruments(tally=counted)
    rng = random.Random()  # noqa: S311 - ids of spans, and which traces are kept
    traced = await asyncio.to_thread(
        tracing.Tracing, options, counted, instance=socket.gethostname(), time=time, rng=rng
    )
    stack.push_async_callback(traced.close)
    return instruments.Instruments(tally=counted, tracing=traced)
