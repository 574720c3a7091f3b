"""Labels of specialised pods, written after the fact: no invocation waits for them.

Tried again until written, or the pod is gone; many at once take turns.
"""

import asyncio
import logging

from inglenook.aio import backoff, tasks
from inglenook_cluster import labels
from inglenook_cluster.kube import requests
from inglenook_gateway.dispatch import pods

logger = logging.getLogger(__name__)

_AT_ONCE = 8
_PAUSE_S = (0.1, 10.0)
_NOT_FOUND = 404


class Labelling:
    """Writes what pods have become."""

    def __init__(self, api: requests.Requests, namespace: str, owned: tasks.Tasks) -> None:
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self._tasks = owned
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def specialised(self, pod: str, wanted: pods.Wanted, resource_name: str) -> None:
        """See to it that a pod is labelled as what it has become."""
        _ = self._tasks.start(self._write(pod, patch(wanted, resource_name)), name=f"label {pod}")

    async def _write(self, pod: str, patch: dict[str, object]) -> None:
        pauses = backoff.Backoff(*_PAUSE_S)
        while True:
            try:
                async with self._turns:
                    await self._api.send(
                        "PATCH",
                        f"{self._path}/{pod}",
                        body=patch,
                        content_type=requests.MERGE_PATCH,
                    )
            except requests.RefusedError as error:
                if error.status == _NOT_FOUND:
                    return
                logger.warning("a pod cannot be labelled", extra={"pod": pod, "why": str(error)})
            except Exception as error:  # noqa: BLE001 - tried again; ends with its owner
                logger.debug("a pod is not labelled yet", extra={"pod": pod, "why": repr(error)})
            else:
                return
            await asyncio.sleep(pauses.next())


def patch(wanted: pods.Wanted, resource_name: str) -> dict[str, object]:
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
