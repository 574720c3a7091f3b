"""Labels of specialised pods, written after the fact: no invocation waits for them.

Nor is the first one disturbed: what follows from a label (the API server tells half a dozen
watchers, the kubelet resizes the pod, another one is made for the pool) takes the processors of a
small node for longer than the invocation does. So what there is to write is gathered for a moment,
and mostly is one write.

Tried again until written, or the pod is gone; many at once take turns.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from inglenook.aio import backoff, tasks
from inglenook_cluster import labels
from inglenook_cluster.kube import requests
from inglenook_gateway.dispatch import pods

logger = logging.getLogger(__name__)

_AT_ONCE = 8
_GATHERED_S = 0.1
_CLOSE_TIMEOUT_S = 2.0
_PAUSE_S = (0.1, 10.0)
_NOT_FOUND = 404

Patch = dict[str, dict[str, dict[str, str]]]
"""`metadata`, and in it `labels` and `annotations`."""


class Labelling:
    """Writes what pods have become. To be closed."""

    def __init__(
        self,
        api: requests.Requests,
        namespace: str,
        *,
        resource_name: Callable[[str], str],
    ) -> None:
        """`resource_name` tells the name of a function's resource."""
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self._tasks = tasks.Tasks()
        self._is_closing = asyncio.Event()
        self._resource_name = resource_name
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._unwritten: dict[str, Patch] = {}
        """By pod, what nobody is writing just now."""

    def specialised(self, pod: str, wanted: pods.Wanted) -> None:
        """See to it that a pod is labelled as what it has become."""
        self._have_written(pod, patch(wanted, self._resource_name(wanted.version.function_name)))

    def started(self, pod: str) -> None:
        """See to it that a pod says that an environment has started there."""
        self._have_written(pod, {"metadata": {"annotations": {labels.STARTED: "true"}}})

    def _have_written(self, pod: str, patch: Patch) -> None:
        waiting = self._unwritten.get(pod)
        self._unwritten[pod] = patch if waiting is None else _joined(waiting, patch)
        if waiting is None:
            _ = self._tasks.start(self._write(pod), name=f"label {pod}")

    async def close(self) -> None:
        """Write what there is at once: the next owners look for their pods by it."""
        self._is_closing.set()
        await self._tasks.wait(_CLOSE_TIMEOUT_S)
        await self._tasks.close()

    async def _write(self, pod: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GATHERED_S):
                await self._is_closing.wait()
        pauses = backoff.Backoff(*_PAUSE_S)
        while True:
            async with self._turns:
                patch = self._unwritten.pop(pod, None)
                if patch is None or await self._has_written(pod, patch):
                    return
            self._unwritten[pod] = _joined(patch, self._unwritten.get(pod, {}))
            await asyncio.sleep(pauses.next())

    async def _has_written(self, pod: str, patch: Patch) -> bool:
        """Write it; answer whether that is over."""
        try:
            await self._api.send(
                "PATCH", f"{self._path}/{pod}", body=patch, content_type=requests.MERGE_PATCH
            )
        except requests.RefusedError as error:
            if error.status == _NOT_FOUND:
                return True
            logger.warning("a pod cannot be labelled", extra={"pod": pod, "why": str(error)})
        except Exception as error:  # noqa: BLE001 - tried again; ends with its owner
            logger.debug("a pod is not labelled yet", extra={"pod": pod, "why": repr(error)})
        else:
            return True
        return False


def _joined(earlier: Patch, later: Patch) -> Patch:
    """Return one patch that does what both do."""
    before, after = earlier.get("metadata", {}), later.get("metadata", {})
    return {
        "metadata": {
            kind: {**before.get(kind, {}), **after.get(kind, {})} for kind in before | after
        }
    }


def patch(wanted: pods.Wanted, resource_name: str) -> Patch:
    """Return the merge patch of a pod that has become what it was wanted for."""
    annotations = {
        labels.FUNCTION_NAME: wanted.version.function_name,
        labels.MEMORY_MB: str(wanted.memory_mb),
    }
    if wanted.environments_max is not None:
        annotations[labels.ENVIRONMENTS_MAX] = str(wanted.environments_max)
    return {
        "metadata": {
            "labels": {
                labels.STATE: labels.SPECIALISED,
                labels.FUNCTION: labels.value(resource_name),
                labels.VERSION: labels.value(wanted.version.version),
            },
            "annotations": annotations,
        }
    }
