"""All that the leader does, from the first listing to the last turn: `start`, then `stop`.

Nothing here runs in a standby. The order matters: first everything is listed, so that no pool is
filled before its pods are known; then the queues open and the watches begin.
"""

import asyncio
from collections.abc import Callable

from inglenook import settings as all_settings
from inglenook.aio import clock, tasks
from inglenook.model.account import Account
from inglenook.store import documents
from inglenook.telemetry import metrics, tally
from inglenook_operator.cluster import api, events, fetching, index, lambda_api
from inglenook_operator.cluster.index import Key
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.control import agenda as agendas
from inglenook_operator.control import (
    allocations,
    choices,
    counting,
    declarations,
    deletions,
    deployments,
    imaging,
    mirroring,
    pooling,
    resync,
    runtimes,
    sources,
    statuses,
    tending,
    upkeep,
)
from inglenook_operator.reconcile import imaged, names, pods
from inglenook_operator.reconcile.names import Kind
from inglenook_operator.resources import pod

_RETRY_S = 2.0
_OF_THE_AGENTS = (
    *("init_timeout_s", "spares", "stream_bytes_per_s", "orphan_timeout_s", "drain_timeout_s"),
)
"""The settings of agents that are an installation's, and not of how their pods are made."""


class Leading:
    """The work of the replica that leads."""

    def __init__(
        self,
        *,
        settings: all_settings.Settings,
        api: api.Api,
        store: documents.Store,
        blobs: sources.Blobs,
        numbers: tally.Tally,
        died: Callable[[str], None],
        time: clock.Clock,
    ) -> None:
        """Call `died` with the name of what the process cannot do without, when it has ended."""
        cluster = settings.cluster
        self._numbers = numbers
        self._store = store
        self._background = tasks.Tasks(on_failure=died)
        self._clock = time
        self._agenda = agendas.Agenda(keep=self._keep, declare=self._declare)
        self.index = index.Index(self._agenda.changed)
        around = Surroundings(
            api=api,
            index=self.index,
            events=events.Events(api=api, time=time),
            namespace=cluster.functions_namespace,
            clock=time,
        )
        self._pools = pooling.Pools(around, platform=_platform(settings))
        self._runtimes = runtimes.Runtimes(around, pools=self._pools)
        self._imaging = imaging.Imaging(around, platform=images_platform(settings.operator))
        self._tending = tending.Tending(around, cpu_limits=settings.operator.cpu_limits)
        self._counting = counting.Counting(around)
        lambda_calls = lambda_api.LambdaApi(api_url(settings), region=cluster.region)
        told = statuses.Statuses(
            around, endpoint=cluster.public_url or api_url(settings), region=cluster.region
        )
        looked_up = sources.Sources(around, blobs=blobs, fetch=fetching.fetch)
        deployed = deployments.Deployments(around, sources=looked_up)
        account = Account(id=cluster.account, region=cluster.region)
        self._declarations = declarations.Declarations(
            around,
            lambda_api=lambda_calls,
            statuses=told,
            choices=choices.Choices(around, deployments=deployed, account=account),
            deployments=deployed,
            mirror=mirroring.Mirror(around),
        )
        self._deletions = deletions.Deletions(around, lambda_api=lambda_calls, statuses=told)
        self._allocations = allocations.Allocations(around, lambda_api=lambda_calls)
        self._resync = resync.Resync(
            api=api,
            index=self.index,
            namespace=cluster.functions_namespace,
            interval_s=settings.operator.resync_interval_s,
            missed=lambda count: numbers.count(metrics.OPERATOR_WATCH_MISSED, by=count),
            stalled=lambda: died("watch"),
            done=self._agenda.everything,
        )
        numbers.read(metrics.POOL_PODS, self._pool_pods)

    async def start(self) -> None:
        """List everything and begin. Waits for an API server that is away."""
        while True:
            try:
                await self._resync.once()
                break
            except api.AWAY:
                await asyncio.sleep(_RETRY_S)
        self._agenda.open(index=self.index, pools=self._pools, imaging=self._imaging)
        _ = self._background.start(self._resync.run(), name="resync")
        _ = self._background.start(upkeep.activate(self._store, self.index), name="activation")
        _ = self._background.start(upkeep.recover(self._store, self._clock), name="recovery")

    async def stop(self) -> None:
        """Begin nothing more, and give up what is under way: all of it is safe to repeat."""
        await self._agenda.close()
        await self._background.close()

    async def _keep(self, key: Key) -> float | None:
        with _counted(self._numbers, key.plural):
            match key.plural:
                case names.RUNTIMES:
                    return await self._runtimes.reconcile(key.name)
                case names.PODS:
                    return await self._tending.reconcile(key.name)
                case agendas.IMAGES:
                    return await self._imaging.reconcile(key.name)
                case _:
                    return await self._counting.reconcile(key.name)

    async def _declare(self, key: Key) -> float | None:
        kind = Kind(key.plural)
        with _counted(self._numbers, key.plural):
            if kind is Kind.FUNCTION:
                again_s = await self._deletions.reconcile(key.name)
                if again_s is not None:
                    return again_s
            again_s = await self._declarations.reconcile(kind, key.name)
            if kind is Kind.PROVISIONED and again_s is None:
                return await self._allocations.reconcile(key.name)
            return again_s

    def _pool_pods(self) -> dict[tuple[str, ...], float]:
        counted: dict[tuple[str, ...], float] = {}
        for one in map(pods.view, self.index.all(names.PODS)):
            if one.is_live:
                labels = one.pool, one.state.value or "unknown"
                counted[labels] = counted.get(labels, 0) + 1
        return counted


class _counted:  # noqa: N801 - reads as a function
    """Count a turn, and how it ended."""

    def __init__(self, numbers: tally.Tally, kind: str) -> None:
        self._numbers = numbers
        self._kind = kind

    def __enter__(self) -> None: ...

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        result = "ok" if failure is None else "error"
        self._numbers.count(metrics.OPERATOR_RECONCILED, (self._kind, result))


def api_url(settings: all_settings.Settings) -> str:
    """Return where the Lambda API is."""
    cluster = settings.cluster
    usual = f"http://inglenook-gateway.{cluster.namespace}:{cluster.http_port}"
    return settings.operator.api_url or usual


def _platform(settings: all_settings.Settings) -> pod.Platform:
    cluster, operator = settings.cluster, settings.operator
    return pod.Platform(
        agent_image=operator.agent_image,
        agent_pull_policy=operator.agent_image_pull_policy,
        agent_port=cluster.agent_port,
        secret_name=operator.secret_name,
        secret_folder=cluster.secret_file.rpartition("/")[0],
        region=cluster.region,
        account=cluster.account,
        agent_variables=agent_variables(settings.agent),
        cpu_limits=operator.cpu_limits,
    )


def images_platform(operator: all_settings.Operator) -> imaged.Platform:
    """Return what the operator was told of the pods of images."""
    secrets = (name.strip() for name in operator.image_pull_secrets.split(","))
    return imaged.Platform(
        pull_policy=operator.image_pull_policy,
        pull_secrets=tuple(name for name in secrets if name),
        pool_max=operator.image_pool_max,
    )


def agent_variables(agent: all_settings.Agent) -> dict[str, str]:
    """Return the variables by which agents are told what the operator was told of them."""
    usual = all_settings.Agent()
    return {
        f"INGLENOOK_AGENT_{name.upper()}": str(getattr(agent, name))
        for name in _OF_THE_AGENTS
        if getattr(agent, name) != getattr(usual, name)
    }
