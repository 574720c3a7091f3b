"""Pods of the cluster for the dispatcher: leased from memory, found again after a crash.

`ClusterPods` implements `dispatch.pods.Pods` and `dispatch.pods.Census`. A lease takes an open
connection to a free pod, if there is one; else it connects; else it waits, in turn, until there is
a pod. No request to the Kubernetes API stands between: pods are watched, labels and demand are
written afterwards.
"""

import asyncio
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from inglenook import errors
from inglenook.aio import clock, tasks
from inglenook_cluster import labels
from inglenook_cluster.kube import requests
from inglenook_gateway.cluster import (
    census,
    demand,
    dialling,
    labelling,
    pod_watch,
    podmap,
    runtimes,
    spares,
    turns,
)
from inglenook_gateway.dispatch import pods

_SPARES_EACH = 8
_ASK_AGAIN_S = 5.0
"""How often it is asked whether there is still such a runtime while somebody waits for a pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Who leases, and where."""

    gateway: str
    """The name of this gateway's pod."""
    namespace: str
    """Of the function pods and the Runtimes."""
    agent_port: int
    secret: bytes


class ClusterPods:
    """The function pods of a cluster. `start`, and in the end `close`."""

    def __init__(
        self,
        api: requests.Requests,
        place: Place,
        *,
        resource_name: Callable[[str], str],
        time: clock.Clock,
        died: Callable[[str], None],
    ) -> None:
        """`resource_name` tells the name of a function's resource; `died` hears of failed parts."""
        self._clock = time
        self._tasks = tasks.Tasks(on_failure=died)
        self._map = podmap.PodMap(place.gateway)
        self._dialler = dialling.Dialler(
            name=place.gateway, secret=place.secret, port=place.agent_port
        )
        self._spares = spares.Spares(
            self._map,
            self._dialler,
            each=_SPARES_EACH,
            owned=self._tasks,
            changed=self._changed,
        )
        self._turns = turns.Turns()
        self._runtimes = runtimes.Runtimes(api, place.namespace, time)
        self._labelling = labelling.Labelling(api, place.namespace, resource_name=resource_name)
        self._census = census.PodCensus(self._map, self._dialler, self._labelling)
        self._demand = demand.Demand()
        self._signal = demand.DemandSignal(
            api,
            place.namespace,
            place.gateway,
            demand=self._demand,
            waiting=self._turns.waiting,
            time=time,
        )
        self._watch = pod_watch.PodWatch(api, place.namespace, self._map, self._changed)

    def start(self) -> None:
        """Begin to follow the pods."""
        _ = self._tasks.start(self._watch.run(), name="watch the pods")
        _ = self._tasks.start(self._signal.run(), name="tell the demand")

    async def ready(self) -> None:
        """Wait until all pods that there are have been listed."""
        await self._watch.listed.wait()

    async def close(self) -> None:
        """Follow nothing any more. Leased pods stay with whoever has their connections."""
        self._spares.close()
        await self._labelling.close()
        await self._tasks.close()

    @property
    def waiting(self) -> dict[str, int]:
        """How many leases wait for a pod, by pool."""
        return self._turns.waiting()

    @property
    def free(self) -> dict[str, int]:
        """How many pods are free, by pool, as far as is known."""
        return {pool: self._map.free_count(pool) for pool in self._map.pools}

    @property
    def at_hand(self) -> dict[str, int]:
        """How many of them can be had without connecting first."""
        return self._spares.count

    def _changed(self) -> None:
        for pool in self._turns.waiting():
            self._turns.wake(pool, self._map.free_count(pool))
        self._spares.refill_soon()

    # Leasing (`pods.Pods`)

    async def lease(self, wanted: pods.Wanted, *, is_ahead: bool) -> pods.Pod:
        """Lease a pod. Raises InvalidRuntimeError if the cluster has no such runtime."""
        pool = labels.pool(wanted.runtime, wanted.runtime_class)
        turn = self._turns.new(pool, is_ahead=is_ahead)
        try:
            while (found := await self._try(turn)) is None:
                await self._wait(turn, wanted.runtime)
            return self._leased(pool, *found)
        finally:
            self._turns.leave(turn)
            self._changed()

    def has_free(self, wanted: pods.Wanted) -> bool:
        """Whether there are more free pods than those who wait for one."""
        pool = labels.pool(wanted.runtime, wanted.runtime_class)
        return self._map.free_count(pool) > self._turns.count(pool)

    async def _try(self, turn: turns.Turn) -> tuple[str, dialling.Greeted] | None:
        """Take a pod if it is one's turn; else, and if there is none after all, join the queue."""
        found = None
        while found is None and self._turns.before(turn) < self._map.free_count(turn.pool):
            # Not in the queue while connecting: the pod is taken, and counts no more.
            self._turns.leave(turn)
            found = self._spares.take(turn.pool)
            if found is None:
                free = self._map.free(turn.pool)
                seen = next((each for each in free if not self._spares.has(each.name)), None)
                if seen is None:
                    break  # all are being connected to ahead; who does that will tell
                found = await self._dial(seen)
        if found is None:
            turn.news.clear()
            self._turns.join(turn)
            self._signal.stir()
        return found

    async def _dial(self, seen: podmap.Seen) -> tuple[str, dialling.Greeted] | None:
        self._map.take(seen.name)
        try:
            greeted = await self._spares.greet(seen)
        except BaseException:
            self._map.give_back(seen.name)
            raise
        return None if greeted is None else (seen.name, greeted)

    async def _wait(self, turn: turns.Turn, runtime: str) -> None:
        if not await self._may_come(turn.pool, runtime):
            raise errors.InvalidRuntimeError(
                f"The runtime {runtime} is not available on this cluster: it has no Runtime of "
                "that name."
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(_ASK_AGAIN_S):
                await turn.news.wait()
            return
        # Pods may be on their way and never come: what the operator says of them is for the caller.
        await self._runtimes.exists(runtime)

    def trouble(self, runtime: str) -> str | None:
        """Return why pods of a runtime do not start, as far as was heard while leases waited."""
        return self._runtimes.trouble(runtime)

    def lacking(self) -> int:
        """Return how many pods cannot start because the nodes are full."""
        return self._map.lacking()

    async def _may_come(self, pool: str, runtime: str) -> bool:
        """Whether there are pods of a pool, or will be."""
        if not self._watch.listed.is_set() or self._map.has_any(pool):
            return True
        # They may have come while this was being asked.
        return await self._runtimes.exists(runtime) or self._map.has_any(pool)

    def _leased(self, pool: str, name: str, greeted: dialling.Greeted) -> pods.Pod:
        self._demand.leased(pool, self._clock.monotonic())

        def give_back() -> None:
            self._map.give_back(name)
            greeted.connection.open(greeted)
            self._spares.put(pool, name, greeted)
            self._changed()

        return pods.Pod(
            name=name,
            connection=greeted.connection,
            is_local=False,
            specialised=partial(self._labelling.specialised, name),
            started=partial(self._labelling.started, name),
            give_back=give_back,
        )

    # Finding again (`pods.Census`)

    async def take(self) -> None:
        """Ask all pods in doubt what they run."""
        await self.ready()
        await self._census.take()

    def functions(self) -> set[str]:
        """Return the functions that pods run, as far as is known."""
        return self._census.functions()

    async def of(
        self, function_name: str, known: Container[str]
    ) -> Sequence[tuple[pods.Pod, pods.Found]]:
        """Return the pods that run a function, by their labels and by what they have said."""
        await self.ready()
        return await self._census.of(function_name, known)
