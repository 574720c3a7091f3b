"""Keeps a Runtime for each container image that is some function's code.

One image at a time, by the name of its Runtime: it is made before the function can become Active
(activation waits for it), brought up to the installation's settings, and deleted once no function
and no version has the image and nothing runs in its pods.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from inglenook.model import images
from inglenook_cluster import labels
from inglenook_cluster.kube.requests import RefusedError
from inglenook_operator.cluster import api
from inglenook_operator.cluster.index import Body, Key
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.reconcile import imaged, names, pods
from inglenook_operator.reconcile.pods import State

logger = logging.getLogger(__name__)

_STILL_RUNS_S = 10.0


class Imaging:
    """Reconcile the Runtimes of images."""

    def __init__(self, around: Surroundings, *, platform: imaged.Platform) -> None:
        self._around = around
        self._platform = platform
        self._read: dict[tuple[str, str], frozenset[str]] = {}
        """The images of functions and versions, by uid and resource version."""

    async def reconcile(self, name: str) -> float | None:
        """Look at one Runtime; return when to look again, in seconds."""
        uri = next((one for one in self._in_use() if images.runtime_name(one) == name), None)
        present = self._around.index.get(names.RUNTIMES, name)
        if uri is None:
            return await self._delete(present)
        wanted = imaged.manifest(uri, platform=self._platform, namespace=self._around.namespace)
        path = api.custom(names.RUNTIMES, self._around.namespace)
        try:
            if present is None:
                made = await self._around.api.create(path, wanted)
                logger.info("a runtime was made for an image", extra={"runtime": name})
            elif imaged.differs(present, wanted):
                made = await self._around.api.merge(f"{path}/{name}", {"spec": wanted["spec"]})
            else:
                return None
        except RefusedError as error:
            if error.status in (api.CONFLICT, api.GONE):
                return 1.0  # the watch is about to tell
            raise
        self._around.index.put(names.RUNTIMES, made)
        return None

    async def _delete(self, present: Body | None) -> float | None:
        if present is None or not imaged.is_of_image(present):
            return None
        metadata = present["metadata"]
        if self._is_running(metadata["name"]):
            return _STILL_RUNS_S
        await self._around.api.delete(
            api.custom(names.RUNTIMES, self._around.namespace, metadata["name"]),
            uid=metadata["uid"],
        )
        logger.info("the runtime of an image was deleted", extra={"runtime": metadata["name"]})
        return None

    def _is_running(self, name: str) -> bool:
        return any(
            one.state is State.SPECIALISED and one.is_live and labels.parts(one.pool)[0] == name
            for one in map(pods.view, self._around.index.all(names.PODS))
        )

    def users(self, name: str) -> list[Key]:
        """Return the functions and versions whose pods are those of a Runtime."""
        return [
            Key(kind.value, body["metadata"]["name"])
            for kind in imaged.KINDS
            for body in self._around.index.all(kind.value)
            if any(images.runtime_name(uri) == name for uri in self._uris(kind, body))
        ]

    def _in_use(self) -> Iterable[str]:
        known = self._read
        self._read = {}
        found: set[str] = set()
        for kind in imaged.KINDS:
            for body in self._around.index.all(kind.value):
                key = _version(body)
                self._read[key] = known[key] if key in known else imaged.uris(kind, body)
                found |= self._read[key]
        return sorted(found)

    def _uris(self, kind: names.Kind, body: Mapping[str, Any]) -> frozenset[str]:
        found = self._read.get(_version(body))
        return imaged.uris(kind, body) if found is None else found


def _version(body: Mapping[str, Any]) -> tuple[str, str]:
    metadata = body["metadata"]
    return metadata["uid"], metadata["resourceVersion"]
