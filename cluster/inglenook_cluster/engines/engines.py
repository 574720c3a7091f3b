"""The engines that a process on a cluster stands on: custom resources, and NATS JetStream."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from inglenook import settings
from inglenook_cluster.kube import client, requests
from inglenook_cluster.resources.store import KubernetesStore
from inglenook_cluster.streams.blobs import JetStreamBlobs
from inglenook_cluster.streams.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Open engines; whoever opened them closes them."""

    api: requests.Requests
    """The Kubernetes API, for what is no document."""
    store: KubernetesStore
    nats: Connection
    """For the queue: whoever only puts events into it needs less than whoever works on it."""
    blobs: JetStreamBlobs


@asynccontextmanager
async def opened(options: settings.Cluster) -> AsyncIterator[Engines]:
    """Open all engines, for as long as it takes; close them in the end, last first.

    Raises NoClusterError.
    """
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(client.opened())
        store = KubernetesStore(api, namespace=options.functions_namespace)
        stack.push_async_callback(store.close)
        nats = await Connection.open(options, name=options.pod_name)
        stack.push_async_callback(nats.close)
        blobs = await JetStreamBlobs.open(nats)
        yield Engines(api=requests.Requests(api), store=store, nats=nats, blobs=blobs)
