"""`python -m inglenook_gateway`: one gateway of several, in a pod.

Everything is opened before the gateway is ready, and it is nobody's owner before that: readiness is
what makes it a member. To stop, it says that it is not ready and goes on serving until nobody sends
it anything new; then it gives its functions to the others, finishes what runs, and ends.
"""

import asyncio
import functools
import hashlib
import hmac
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from inglenook import settings
from inglenook.aio import allocator, tasks
from inglenook.catalog.catalog import Catalog
from inglenook.model import account, function
from inglenook.store import kinds
from inglenook.wire import messages, proof
from inglenook_cluster import process
from inglenook_cluster.engines import engines
from inglenook_cluster.peers import membership, sharing, watched
from inglenook_cluster.resources import names
from inglenook_cluster.streams import intake
from inglenook_gateway.app import Gateway
from inglenook_gateway.cluster.supply import ClusterPods, Place
from inglenook_gateway.dispatch import pods
from inglenook_gateway.dispatch.dispatcher import Dispatcher
from inglenook_gateway.operations import objects
from inglenook_gateway.several import Several

logger = logging.getLogger(__name__)


async def serve(of: process.Process, stack: AsyncExitStack) -> process.Leave:
    """Open all parts and serve."""
    _ = allocator.keep()
    of.needs("catalog", "pods", "gateways", "api")
    await of.listen(stack)
    options = of.settings.cluster
    secret = await asyncio.to_thread(proof.read, Path(options.secret_file))
    opened = await stack.enter_async_context(engines.opened(options))
    events = await intake.JetStreamIntake.open(
        opened.nats,
        bytes_max=of.settings.worker.queue_bytes,
        items_max=of.settings.worker.queue_events,
    )
    stack.push_async_callback(events.close)
    background = tasks.Tasks(on_failure=of.died)
    stack.push_async_callback(background.close)
    supply = ClusterPods(
        opened.api,
        Place(
            gateway=options.pod_name,
            namespace=options.functions_namespace,
            agent_port=options.agent_port,
            secret=secret,
        ),
        resource_name=functools.partial(names.resource_name, kinds.FUNCTION.name),
        time=of.clock,
        died=of.died,
    )
    supply.start()
    stack.push_async_callback(supply.close)
    members = membership.Membership()
    shares: list[sharing.Sharing] = []

    def share(known: Catalog, dispatcher: Dispatcher) -> sharing.Sharing:
        shares.append(
            sharing.Sharing(
                name=options.pod_name,
                secret=secret,
                port=options.peers_port,
                members=members,
                known=known,
                dispatcher=dispatcher,
                runner=dispatcher,
                pool=dispatcher.shared,
                time=of.clock,
                queue_timeout_s=of.settings.gateway.queue_timeout_s,
                seen=of.seen_with.tally,
            )
        )
        return shares[0]

    gateway = Gateway(
        store=opened.store,
        blobs=opened.blobs,
        objects=objects.S3Objects(of.settings.aws, region=options.region, time=of.clock),
        supply=supply,
        events=events,
        owner=_account(of.settings),
        options=of.settings.gateway,
        time=of.clock,
        rng=of.rng,
        extra={},
        seen_with=of.seen_with,
        several=Several(
            name=options.pod_name,
            public_url=options.public_url,
            http_port=options.http_port,
            signing_key=hmac.digest(secret, b"addresses of code", hashlib.sha256),
            remote=lambda known: pods.Remote(
                read=opened.blobs.read,
                census=supply,
                current=functools.partial(_current, known),
                trouble=supply.trouble,
                lacking=supply.lacking,
            ),
            share=share,
        ),
        runs_images=True,
        died=of.died,
    )
    stack.push_async_callback(gateway.close)
    await gateway.start()
    of.done("catalog")
    await supply.ready()
    of.done("pods")
    source = watched.Watched(opened.api, options.namespace, options.gateways_service)
    _ = background.start(membership.follow(source, members), name="watch the gateways")
    _ = await shares[0].listen(process.ANY_ADDRESS, options.peers_port)
    of.done("gateways")
    _ = await gateway.listen(process.ANY_ADDRESS, options.http_port)
    of.done("api")
    logger.info("ready", extra={"gateway": options.pod_name})

    async def leave() -> None:
        gateway.begin_to_leave()
        await asyncio.sleep(of.settings.gateway.drain_delay_s)
        gateway.leave()

    return leave


def _account(tuned: settings.Settings) -> account.Account:
    return account.Account(
        id=tuned.cluster.account,
        region=tuned.cluster.region,
        concurrent_executions=tuned.gateway.account_concurrency,
        code_storage_bytes=tuned.gateway.code_storage_bytes,
    )


def _current(known: Catalog, version: messages.VersionId) -> function.Spec | None:
    target = known.target(version.function_name, version.version)
    return target.spec if target is not None and target.id == version else None


if __name__ == "__main__":
    process.main("gateway", serve)
