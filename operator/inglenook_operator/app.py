"""One replica of the operator, from its settings to its end.

It waits until it leads, then lists, watches and reconciles until it is told to stop or loses its
lease. A replica that has led never waits again: it ends, and is started anew. With all replicas
dead nothing that is warm or pooled stops working; what is declared waits.
"""

import asyncio
import logging
import secrets
import signal
import socket
from contextlib import AsyncExitStack

import kopf

from inglenook import settings as all_settings
from inglenook.aio import tasks
from inglenook.telemetry import metrics
from inglenook_cluster import process
from inglenook_cluster.kube import client, requests
from inglenook_cluster.resources.store import KubernetesStore
from inglenook_operator import handlers
from inglenook_operator.cluster import api, election, packages
from inglenook_operator.control import leading
from inglenook_operator.reconcile import leadership

logger = logging.getLogger(__name__)

_LEASE = "inglenook-operator"
_STOP_S = 5.0


async def serve(of: process.Process, stack: AsyncExitStack) -> process.Leave:
    """Stand by until this replica leads, then begin all that the leader does."""
    handlers.quieten()
    of.needs("begun")
    await of.listen(stack)
    # A standby is as ready as the leader: it is there to lead.
    of.done("begun")
    leads: list[bool] = []
    of.seen_with.tally.read(metrics.OPERATOR_LEADS, lambda: {(): float(bool(leads))})
    kube = await stack.enter_async_context(client.opened())
    store = KubernetesStore(kube, namespace=of.settings.cluster.functions_namespace)
    stack.push_async_callback(store.close)
    elected = _election(of, requests.Requests(kube))
    await elected.lead()
    leads.append(True)
    watches = Watches(of)
    # Closed last: while Kopf ends, which takes its time, somebody else may lead.
    stack.push_async_callback(watches.close)
    stack.push_async_callback(elected.release)
    holding = tasks.Tasks(on_failure=of.died)
    stack.push_async_callback(holding.close)
    _ = holding.start(_hold(elected, of), name="leader election")
    kept = await stack.enter_async_context(packages.opening(of.settings.cluster, store, of.clock))
    work = leading.Leading(
        settings=of.settings,
        api=api.Api(requests.Requests(kube)),
        store=store,
        blobs=kept,
        numbers=of.seen_with.tally,
        died=of.died,
        time=of.clock,
    )
    stack.push_async_callback(work.stop)
    await work.start()
    watches.start(work)

    async def leave() -> None:
        logger.info("stopping")

    return leave


class Watches:
    """Kopf, running beside everything else of this process."""

    def __init__(self, of: process.Process) -> None:
        self._of = of
        self._background = tasks.Tasks(on_failure=of.died)
        self._stops = asyncio.Event()

    def start(self, work: leading.Leading) -> None:
        """Watch, into the index of `work`."""
        _ = self._background.start(self._run(work), name="watches")

    async def close(self) -> None:
        """Watch no more."""
        self._stops.set()
        await self._background.wait(_STOP_S)
        await self._background.close()

    async def _run(self, work: leading.Leading) -> None:
        # Kopf ends all tasks that began after it, unless it is told of them.
        others = asyncio.all_tasks()
        running = await kopf.spawn_tasks(
            registry=handlers.registry(work.index),
            settings=handlers.settings(),
            namespaces=[self._of.settings.cluster.functions_namespace],
            standalone=True,
            stop_flag=self._stops,
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            # It has taken them over, and would end before what depends on it.
            loop.add_signal_handler(number, self._of.stop.set)
        await kopf.run_tasks(running, ignored=others)
        if not self._stops.is_set():
            self._of.died("watches")


async def _hold(elected: election.Election, of: process.Process) -> None:
    await elected.hold()
    of.died("lease")


def _election(of: process.Process, sender: requests.Requests) -> election.Election:
    """Return the election, with requests of its own: a renewal must not wait for others."""
    cluster = of.settings.cluster
    return election.Election(
        api=api.Api(sender),
        namespace=cluster.namespace,
        name=_LEASE,
        me=f"{cluster.pod_name or socket.gethostname()}_{secrets.token_hex(4)}",
        time=of.clock,
        terms=_terms(of.settings.operator),
    )


def _terms(options: all_settings.Operator) -> leadership.Terms:
    duration_s = options.lease_duration_s
    return leadership.Terms(
        duration_s=duration_s, renew_deadline_s=duration_s * 0.75, retry_s=duration_s / 4
    )
