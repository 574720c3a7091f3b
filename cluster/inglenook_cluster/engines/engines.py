"""The engines that a process on a cluster stands on: custom resources, and NATS JetStream."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from inglenook import settings
from inglenook_cluster.kube import client, requests
from inglenook_cluster.resources.store import KubernetesStore
from inglenook_cluster.streams.blobs import JetStreamBlobs
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.queue import JetStreamQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Open engines; whoever opened them closes them."""

    api: requests.Requests
    """The Kubernetes API, for what is no document."""
    store: KubernetesStore
    queue: JetStreamQueue
    blobs: JetStreamBlobs


@asynccontextmanager
async def opened(
    options: settings.Settings, *, rng: random.Random, died: Callable[[str], None]
) -> AsyncIterator[Engines]:
    """Open all engines, for as long as it takes; close them in the end, last first.

    `died` hears of parts that fail. Raises NoClusterError.
    """
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(client.opened())
        store = KubernetesStore(api, namespace=options.cluster.functions_namespace)
        stack.push_async_callback(store.close)
        nats = await Connection.open(options.cluster, name=options.cluster.pod_name)
        stack.push_async_callback(nats.close)
        queue = await JetStreamQueue.open(
            nats,
            bytes_max=options.worker.queue_bytes,
            items_max=options.worker.queue_events,
            rng=rng,
            died=died,
        )
        stack.push_async_callback(queue.close)
        blobs = await JetStreamBlobs.open(nats)
        yield Engines(api=requests.Requests(api), store=store, queue=queue, blobs=blobs)
