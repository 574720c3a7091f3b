"""Events of Kubernetes on our objects, so that `kubectl describe` tells what to do.

One thing said again and again about an object is one Event whose count grows, more and more slowly:
its name is computed from what it says. Posting is best effort: a failure is logged and forgotten.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal

from inglenook.aio import clock
from inglenook_cluster.kube.requests import RefusedError
from inglenook_operator.cluster import api
from inglenook_operator.reconcile import conditions

logger = logging.getLogger(__name__)

_COMPONENT = "inglenook-operator"
_REMEMBERED = 4096
_AGAIN_S = 60.0
_AGAIN_S_MAX = 1800.0
"""The same is said about an object half as often each time, but before Kubernetes forgets it: which
is an hour after it was said last, usually."""
_NAME_LENGTH = 200
_MESSAGE_LENGTH_MAX = 1024


class Events:
    """Post Events."""

    def __init__(self, *, api: api.Api, time: clock.Clock) -> None:
        self._api = api
        self._clock = time
        self._said: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """When something was last said, and how often, by the Event's name."""

    async def post(
        self,
        about: Mapping[str, Any],
        *,
        reason: str,
        message: str,
        type: Literal["Normal", "Warning"] = "Warning",  # noqa: A002 - Kubernetes' word
    ) -> None:
        """Say something about an object."""
        metadata, now = about["metadata"], self._clock.now()
        said = hashlib.sha256("\n".join((metadata["uid"], reason, message)).encode())
        name = f"{metadata['name'][:_NAME_LENGTH]}.{said.hexdigest()[:16]}"
        at, count = self._said.get(name, (0.0, 0))
        if count and now < at + min(_AGAIN_S_MAX, _AGAIN_S * 2.0 ** min(count - 1, 10)):
            return
        self._said[name] = now, count + 1
        self._said.move_to_end(name)
        while len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": {
                "apiVersion": about.get("apiVersion", ""),
                "kind": about.get("kind", ""),
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "type": type,
            "reason": reason,
            "message": message[:_MESSAGE_LENGTH_MAX],
            "source": {"component": _COMPONENT},
            "reportingComponent": _COMPONENT,
            "firstTimestamp": conditions.stamp(now),
            "lastTimestamp": conditions.stamp(now),
            "count": 1,
        }
        try:
            await self._write(body, now)
        except api.AWAY:
            logger.warning("an Event could not be posted", extra={"event": name}, exc_info=True)

    async def _write(self, body: dict[str, Any], now: float) -> None:
        namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
        path = api.core("events", namespace)
        try:
            await self._api.create(path, body)
        except RefusedError as error:
            if error.status != api.CONFLICT:
                raise
            found = await self._api.get(api.core("events", namespace, name)) or {}
            again = {"count": found.get("count", 1) + 1, "lastTimestamp": conditions.stamp(now)}
            await self._api.merge(api.core("events", namespace, name), again)
