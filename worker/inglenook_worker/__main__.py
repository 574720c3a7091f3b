"""`python -m inglenook_worker`: runs events of the cluster's queue, through the gateways.

It keeps nothing that another worker could not go on with: what it has claimed goes back to the
queue when it stops, or when its leases lapse.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from inglenook.aio import tasks
from inglenook.catalog import targets
from inglenook.catalog.catalog import Catalog
from inglenook.model import account
from inglenook.routing import streaming, traced
from inglenook.telemetry import metrics
from inglenook.wire import proof
from inglenook_cluster import process
from inglenook_cluster.engines import engines
from inglenook_cluster.peers import membership, sharing, watched
from inglenook_cluster.streams.queue import JetStreamQueue
from inglenook_worker import app

logger = logging.getLogger(__name__)


async def serve(of: process.Process, stack: AsyncExitStack) -> process.Leave:
    """Open all parts and work."""
    of.needs("catalog", "queue")
    await of.listen(stack)
    options = of.settings.cluster
    secret = await asyncio.to_thread(proof.read, Path(options.secret_file))
    opened = await stack.enter_async_context(engines.opened(options))
    events = await JetStreamQueue.open(
        opened.nats,
        bytes_max=of.settings.worker.queue_bytes,
        items_max=of.settings.worker.queue_events,
        rng=of.rng,
        died=of.died,
    )
    stack.push_async_callback(events.close)
    of.seen_with.tally.read(metrics.QUEUE_ITEMS, lambda: {(): events.items})
    background = tasks.Tasks(on_failure=of.died)
    stack.push_async_callback(background.close)
    owner = account.Account(id=options.account, region=options.region)
    known = Catalog(owner)
    aims = targets.Targets(known, of.rng, opened.store)
    stack.push_async_callback(aims.close)
    since = await known.load(opened.store)
    _ = background.start(known.follow(opened.store, since), name="follow the store")
    of.done("catalog")
    members = membership.Membership()
    forwarding = sharing.Forwarding(
        name=options.pod_name,
        secret=secret,
        port=options.peers_port,
        members=members,
        known=known,
        time=of.clock,
        queue_timeout_s=of.settings.gateway.queue_timeout_s,
        seen=of.seen_with.tally,
    )
    stack.push_async_callback(forwarding.close)
    source = watched.Watched(opened.api, options.namespace, options.gateways_service)
    _ = background.start(membership.follow(source, members), name="watch the gateways")
    runner: streaming.StreamRunner = forwarding.runner
    if of.seen_with.tracing is not None:
        runner = traced.Traced(runner, of.seen_with.tracing.tracer)
    asynchronous = app.made(
        events=events,
        known=known,
        aims=aims,
        runner=runner,
        owner=owner,
        tuned=of.settings,
        time=of.clock,
        rng=of.rng,
        died=of.died,
        seen=of.seen_with.tally,
        stack=stack,
    )
    stack.push_async_callback(asynchronous.close, of.settings.gateway.drain_timeout_s)
    asynchronous.start()
    of.done("queue")
    logger.info("ready", extra={"worker": options.pod_name})
    return asynchronous.stop


if __name__ == "__main__":
    process.main("worker", serve)
