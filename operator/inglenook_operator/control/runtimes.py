"""Keeps a Runtime's status true: how many pods wait and work, and why none does."""

from typing import Any

from inglenook_operator.cluster import index
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.control import pooling
from inglenook_operator.reconcile import conditions, pods, pools

PLURAL = "runtimes"


class Runtimes:
    """Reconcile Runtimes, one at a time."""

    def __init__(self, around: Surroundings, *, pools: pooling.Pools) -> None:
        self._around = around
        self._pools = pools

    async def reconcile(self, name: str) -> float | None:
        """Look at one Runtime; return when to look again, in seconds."""
        body = self._around.index.get(PLURAL, name)
        if body is None or "deletionTimestamp" in body["metadata"]:
            return None
        spec = pooling.decoded(body)
        if isinstance(spec, pods.Trouble):
            await self._tell(body, {}, spec)
            return None
        outlook = await self._pools.reconcile(body, spec)
        counts = outlook.counts
        shown = {
            "pooled": counts.pooled,
            "starting": counts.starting,
            "specialised": counts.specialised,
            "wanted": outlook.wanted,
        }
        trouble = pools.shown_trouble(
            counts, least=spec.pool.min, found=outlook.trouble, said=_said(body)
        )
        await self._tell(body, shown, trouble)
        return outlook.again_s

    async def _tell(
        self, body: index.Body, shown: dict[str, Any], trouble: pods.Trouble | None
    ) -> None:
        """Write the status if it says something new, and an Event if that is bad news."""
        status = body.get("status") or {}
        generation = body["metadata"]["generation"]
        said = conditions.Condition(
            type=conditions.READY,
            status=trouble is None,
            reason="PoolReady" if trouble is None else trouble.reason,
            message="" if trouble is None else trouble.message,
        )
        merged = conditions.merged(
            status.get("conditions"), [said], generation=generation, now=self._around.clock.now()
        )
        wanted = {**shown, "observedGeneration": generation, "conditions": merged}
        if trouble is not None and trouble.reason != conditions.POOL_FILLS:
            await self._around.events.post(body, reason=trouble.reason, message=trouble.message)
        if all(status.get(key) == value for key, value in wanted.items()):
            return
        await self._around.merge_status(PLURAL, body["metadata"]["name"], wanted)


def _said(body: index.Body) -> pods.Trouble | None:
    """Return the trouble that the status of this very generation tells."""
    for one in (body.get("status") or {}).get("conditions") or ():
        is_bad = one["type"] == conditions.READY and one["status"] == "False"
        is_of_now = one.get("observedGeneration") == body["metadata"]["generation"]
        if is_bad and is_of_now and one["reason"] != conditions.POOL_FILLS:
            return pods.Trouble(reason=one["reason"], message=one.get("message", ""))
    return None
