"""Tends single pods: gives a specialised one its resources, and lets go what has ended.

A pod on a node that is gone never ends by itself: the kubelet that would say so is gone, too. When
such a pod is let go, `reconcile.departures` decides.
"""

import logging
from collections.abc import Mapping
from typing import Any

from inglenook.settings import CpuLimits
from inglenook_cluster.kube.requests import RefusedError
from inglenook_operator.cluster import api, index
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.reconcile import departures, pods
from inglenook_operator.reconcile.pods import Pod, State
from inglenook_operator.resources import sizes

logger = logging.getLogger(__name__)

_NODE_LOOK_S = 1.0
"""How long one look at a node does for all pods of it."""
_FORBIDDEN = 403


class Tending:
    """Reconcile function pods, one at a time."""

    def __init__(self, around: Surroundings, *, cpu_limits: CpuLimits) -> None:
        self._around = around
        self._cpu_limits = cpu_limits
        self._nodes: dict[str, tuple[float, departures.Node]] = {}
        """When a node was last looked at, and how it was."""

    async def reconcile(self, name: str) -> float | None:
        """Look at one pod; return when to look again, in seconds."""
        body = self._around.index.get("pods", name)
        if body is None:
            return None
        one = pods.view(body)
        if one.is_leaving or (one.is_cut_off and not one.has_ended):
            return await self._let_go(one)
        if one.has_ended:
            # Pools delete theirs, having counted how they ended.
            if one.state not in (State.POOLED, State.RETIRING):
                await self._around.api.delete(api.pods(self._around.namespace, name), uid=one.uid)
            return None
        if one.state is State.SPECIALISED and one.memory_mb is not None:
            await self._resize(one, body)
        return None

    async def _let_go(self, one: Pod) -> float | None:
        now, node = self._around.clock.now(), None
        if one.node is not None and departures.needs_node(one, now):
            node = await self._node(one.node)
        decided = departures.decide(one, node, now)
        path, about = api.pods(self._around.namespace, one.name), {"pod": one.name, "at": one.node}
        if decided.is_forced and await self._around.api.delete(path, uid=one.uid, grace_s=0):
            logger.info("a pod of a node that is gone was deleted", extra=about)
        if decided.is_deleted:
            logger.info("the node of a pod is gone", extra=about)
            left = await self._around.api.delete(path, uid=one.uid)
            if left is not None and left.get("kind") == "Pod":
                self._around.index.put("pods", left)
        return decided.again_s

    async def _node(self, name: str) -> departures.Node:
        """Look at a node; who may not takes it for one that is ready."""
        now = self._around.clock.monotonic()
        looked, known = self._nodes.get(name, (float("-inf"), departures.Node.READY))
        if now < looked + _NODE_LOOK_S:
            return known
        try:
            known = departures.node(await self._around.api.get(api.node(name)))
        except RefusedError as error:
            if error.status != _FORBIDDEN:
                raise
            logger.warning("nodes cannot be looked at", extra={"node": name, "why": str(error)})
            known = departures.Node.READY
        self._nodes[name] = now, known
        return known

    async def _resize(self, one: Pod, body: index.Body) -> None:
        if trouble := pods.resize_trouble(body):
            await self._say(one, body, trouble)
        present = pods.function_resources(body)
        wanted = sizes.container(one.memory_mb or 0, one.environments_max, self._cpu_limits)
        if not one.has_started:
            wanted = sizes.for_init(wanted, present)
        if _has(present, wanted):
            return
        path = api.pods(self._around.namespace, one.name, "resize")
        try:
            resized = await self._around.api.merge_strategic(path, sizes.patch(wanted))
            self._around.index.put("pods", resized)
        except RefusedError as error:
            if error.status == api.GONE:
                return
            if error.status not in (400, 403, 422):
                raise
            trouble = pods.Trouble(reason="ResizeRefused", message=str(error))
            await self._say(one, body, trouble)

    async def _say(self, one: Pod, body: index.Body, trouble: pods.Trouble) -> None:
        """Tell it on the pod, and on the function, whose memory is what does not fit."""
        await self._around.events.post(body, reason=trouble.reason, message=trouble.message)
        owner = self._around.index.get("functions", one.function) if one.function else None
        if owner is not None:
            message = f"The pod {one.name} cannot have {one.memory_mb} MB: {trouble.message}"
            await self._around.events.post(owner, reason=trouble.reason, message=message)


def _has(resources: Mapping[str, Any], wanted: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether resources say what is wanted; each is printed as the API server prints it."""
    return all(
        (resources.get(side) or {}).get(name) == value
        for side, values in wanted.items()
        for name, value in values.items()
    )
