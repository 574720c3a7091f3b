"""Keeps the pools: as many generic pods of each runtime ready as demand suggests.

One Runtime at a time is looked at as a whole: its pool, and one for each runtime class that a
function with this runtime asks for. What to do is `reconcile.pools`' decision; here it is done.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from inglenook_cluster import labels
from inglenook_cluster.kube.requests import RefusedError
from inglenook_operator.cluster import api
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.reconcile import demand, pods, pools
from inglenook_operator.reconcile.demand import Demand
from inglenook_operator.reconcile.pace import Pace
from inglenook_operator.reconcile.pods import Pod, State
from inglenook_operator.resources import pod, runtime

logger = logging.getLogger(__name__)

_SETTLED_S = 30.0
"""A pod that has been ready for so long shows that its template works."""
_IDLE_LOOK_S = 15.0
"""Demand falls without an event; so often a pool is looked at anyway."""


@dataclass(slots=True)
class _Memory:
    """What is remembered of a pool beside its pods."""

    demand: Demand = field(default_factory=Demand)
    pace: Pace = field(default_factory=Pace)
    failures: pools.Failures = field(default_factory=pools.Failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How a Runtime's pools are, for its status."""

    counts: pools.Counts
    trouble: pods.Trouble | None
    wanted: int
    again_s: float


class Pools:
    """The pools of all runtimes."""

    def __init__(self, around: Surroundings, *, platform: pod.Platform) -> None:
        self._around = around
        self._platform = platform
        self._memories: dict[str, _Memory] = defaultdict(_Memory)
        self._retiring_since: dict[str, float] = {}

    def observe(self, before: Pod | None, after: Pod | None) -> None:
        """Take in a change of a pod: who was leased, who fails, who retires."""
        now = self._around.clock.now()
        if after is None:
            if before is not None:
                self._retiring_since.pop(before.uid, None)
            return
        memory = self._memories[after.pool]
        if after.state is State.RETIRING:
            self._retiring_since.setdefault(after.uid, now)
        if before is None:
            return
        if after.is_ready and not before.is_ready and not before.is_cut_off:
            memory.pace.became_ready(now)
        if after.state is State.SPECIALISED and before.state is not State.SPECIALISED:
            memory.demand.leased(now)
            memory.failures = pools.Failures()
        ends = after.has_ended and not before.has_ended and not after.is_leaving
        if ends and after.state is not State.SPECIALISED:
            memory.failures = pools.Failures(count=memory.failures.count + 1, last=now)

    async def reconcile(self, body: Mapping[str, Any], spec: runtime.Runtime) -> Outlook:
        """Do what is to be done now for a Runtime's pools."""
        name = body["metadata"]["name"]
        of_runtime = self._pods(name)
        wanted_pools = {labels.pool(name, one) for one in (None, *self._classes(name))}
        said = (body.get("status") or {}).get("demand")
        now = self._around.clock.now()
        for members in of_runtime.values():
            self._retiring_since |= pools.unheard(members, self._retiring_since, now)
        waits, trouble, wanted = [_IDLE_LOOK_S], None, 0
        for pool in sorted(wanted_pools | of_runtime.keys()):
            memory, members = self._memories[pool], of_runtime.get(pool, [])
            target = keep = 0
            if pool in wanted_pools:
                target = memory.demand.target(
                    spec.pool, waiting=demand.waiting(said, now, pool=pool), now=now
                )
                keep = memory.demand.keep(spec.pool, now)
            manifest = self._manifest(body, spec, labels.parts(pool)[1])
            template = pod.template(manifest)
            if any(one.is_ready and one.created < now - _SETTLED_S for one in members):
                memory.failures = pools.Failures()
            plan = pools.plan(
                members,
                aim=pools.Aim(target=target, keep=keep, at_once=memory.pace.at_once(now)),
                template=template,
                retiring_since=self._retiring_since,
                failures=memory.failures,
                now=now,
            )
            wanted += target
            refused = await self._carry_out(body, pool, plan, manifest)
            failed = pools.trouble(members, template, now) or _failing(memory, members)
            trouble = trouble or refused or failed
            waits += [] if plan.again_s is None else [plan.again_s]
        everything = [one for members in self._pods(name).values() for one in members]
        return Outlook(
            counts=pools.counts(everything), trouble=trouble, wanted=wanted, again_s=min(waits)
        )

    def _pods(self, runtime_name: str) -> dict[str, list[Pod]]:
        found: dict[str, list[Pod]] = defaultdict(list)
        for one in map(pods.view, self._around.index.all("pods")):
            if labels.parts(one.pool)[0] == runtime_name:
                found[one.pool].append(one)
        return found

    def _classes(self, runtime_name: str) -> set[str]:
        """Return the runtime classes that functions with this runtime ask for."""
        found = set()
        for body in self._around.index.all("functions"):
            spec = body.get("spec") or {}
            if spec.get("runtime") == runtime_name and spec.get("runtimeClassName"):
                found.add(spec["runtimeClassName"])
        return found

    def _manifest(
        self, body: Mapping[str, Any], spec: runtime.Runtime, runtime_class: str | None
    ) -> dict[str, Any]:
        metadata = body["metadata"]
        return pod.manifest(
            platform=self._platform,
            runtime=spec,
            owner=pod.Owner(name=metadata["name"], uid=metadata["uid"]),
            runtime_class=runtime_class,
            namespace=self._around.namespace,
        )

    async def _carry_out(
        self, body: Mapping[str, Any], pool: str, plan: pools.Plan, manifest: Mapping[str, Any]
    ) -> pods.Trouble | None:
        """Do it; return what the API server has against the pods, if it has."""
        for one in plan.retire:
            await self._retire(one)
        for one in plan.delete:
            if one.has_failed and one.trouble is not None and one.state is not State.SPECIALISED:
                await self._around.events.post(
                    body, reason=one.trouble.reason, message=f"{one.name}: {one.trouble.message}"
                )
            await self._delete(one)
        for _ in range(plan.create):
            try:
                created = await self._around.api.create(api.pods(self._around.namespace), manifest)
            except RefusedError as error:
                if error.status in (403, 422):
                    # A quota, an admission policy, or a spec that no pod may have.
                    return pods.Trouble(reason="PodRefused", message=str(error))
                raise
            self._around.index.put("pods", created)
        if plan.create or plan.delete:
            logger.info(
                "a pool was changed",
                extra={"pool": pool, "more": plan.create, "fewer": len(plan.delete)},
            )
        return None

    async def _retire(self, one: Pod) -> None:
        patch = {
            "metadata": {
                # Refused if a gateway has taken the pod meanwhile.
                "resourceVersion": one.resource_version,
                "labels": {labels.STATE: labels.RETIRING},
            }
        }
        try:
            changed = await self._around.api.merge(
                api.pods(self._around.namespace, one.name), patch
            )
        except RefusedError as error:
            if error.status in (api.CONFLICT, api.GONE):
                return
            raise
        self._around.index.put("pods", changed)

    async def _delete(self, one: Pod) -> None:
        left = await self._around.api.delete(
            api.pods(self._around.namespace, one.name),
            uid=one.uid,
            resource_version=None if one.has_ended else one.resource_version,
        )
        if left is not None and left.get("kind") == "Pod":
            self._around.index.put("pods", left)


def _failing(memory: _Memory, members: list[Pod]) -> pods.Trouble | None:
    if memory.failures.count <= 1 or any(one.is_ready for one in members):
        return None
    return pods.Trouble(
        reason="PodsFail",
        message=f"The last {memory.failures.count} pods have ended before a function ran in them.",
    )


def decoded(body: Mapping[str, Any]) -> runtime.Runtime | pods.Trouble:
    """Read a Runtime; return what is wrong with it if something is."""
    try:
        return runtime.decode(body.get("spec") or {})
    except msgspec.ValidationError as error:
        return pods.Trouble(reason="InvalidSpec", message=str(error))
