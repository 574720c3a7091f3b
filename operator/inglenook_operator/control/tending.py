"""Tends single pods: gives a specialised one its resources, and lets go what has ended.

A pod on a node that is gone never ends by itself: the kubelet that would say so is gone, too. Once
such a pod is to be deleted and its node is not ready, it is deleted without waiting.
"""

import logging
from collections.abc import Mapping
from typing import Any

from inglenook_cluster.kube.requests import RefusedError
from inglenook_operator.cluster import api, index
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.reconcile import pods
from inglenook_operator.reconcile.pods import Pod, State
from inglenook_operator.resources import sizes

logger = logging.getLogger(__name__)

_NODE_LOOK_S = 3.0
_LEAVING_LOOK_S = 10.0
_LEAVING_S = 1.5
_FORBIDDEN = 403


class Tending:
    """Reconcile function pods, one at a time."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._nodes: dict[str, tuple[float, bool]] = {}
        """When a node was last looked at, and whether it was ready."""

    async def reconcile(self, name: str) -> float | None:
        """Look at one pod; return when to look again, in seconds."""
        body = self._around.index.get("pods", name)
        if body is None:
            return None
        one = pods.view(body)
        if one.is_leaving:
            return await self._let_go(one)
        if one.has_ended:
            # Pools delete theirs, having counted how they ended.
            if one.state not in (State.POOLED, State.RETIRING):
                await self._around.api.delete(api.pods(self._around.namespace, name), uid=one.uid)
            return None
        if one.state is State.SPECIALISED and one.memory_mb is not None:
            await self._resize(one, body)
        return None

    async def _let_go(self, one: Pod) -> float:
        leaving_s = self._around.clock.now() - (one.leaving_since or 0.0)
        if leaving_s < _LEAVING_S:
            # Almost all are gone by then.
            return _LEAVING_S - leaving_s
        if one.node is not None and await self._is_ready(one.node):
            return _LEAVING_LOOK_S
        path = api.pods(self._around.namespace, one.name)
        if await self._around.api.delete(path, uid=one.uid, grace_s=0):
            logger.info(
                "a pod of a node that is gone was deleted", extra={"pod": one.name, "at": one.node}
            )
        return _LEAVING_LOOK_S

    async def _is_ready(self, name: str) -> bool:
        """Whether a node is; who may not know takes it for one that is."""
        now = self._around.clock.monotonic()
        looked, is_ready = self._nodes.get(name, (float("-inf"), False))
        if now < looked + _NODE_LOOK_S:
            return is_ready
        try:
            node = await self._around.api.get(api.node(name))
        except RefusedError as error:
            if error.status != _FORBIDDEN:
                raise
            logger.warning("nodes cannot be looked at", extra={"node": name, "why": str(error)})
            is_ready = True
        else:
            is_ready = node is not None and pods.is_ready(node)
        self._nodes[name] = now, is_ready
        return is_ready

    async def _resize(self, one: Pod, body: index.Body) -> None:
        if trouble := pods.resize_trouble(body):
            await self._say(one, body, trouble)
        wanted = sizes.container(one.memory_mb or 0, one.environments_max)
        if _has(pods.function_resources(body), wanted):
            return
        path = api.pods(self._around.namespace, one.name, "resize")
        patch = sizes.patch(one.memory_mb or 0, one.environments_max)
        try:
            self._around.index.put("pods", await self._around.api.merge_strategic(path, patch))
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
