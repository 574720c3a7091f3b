"""What every controller works with: the cluster, what is known of it, and the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inglenook.aio import clock
from inglenook_cluster.kube.requests import RefusedError
from inglenook_operator.cluster import api
from inglenook_operator.cluster.api import Api
from inglenook_operator.cluster.events import Events
from inglenook_operator.cluster.index import Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """One namespace of a cluster."""

    api: Api
    index: Index
    events: Events
    namespace: str
    """The functions'."""
    clock: clock.Clock

    async def merge_status(self, plural: str, name: str, status: Mapping[str, Any]) -> None:
        """Merge fields into the status of a custom resource, unless it is gone."""
        path = api.custom(plural, self.namespace, name, "status")
        try:
            changed = await self.api.merge(path, {"status": status})
        except RefusedError as error:
            if error.status == api.GONE:
                return
            raise
        self.index.put(plural, changed)
