"""Writes back into specs what came in through the Lambda API, so that both doors show the same."""

import copy

from inglenook_cluster.kube.requests import RefusedError
from inglenook_operator.cluster import api, index
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.reconcile import mirrored
from inglenook_operator.reconcile.views import Resource


class Mirror:
    """Bring specs after the platform's documents."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def reconcile(self, one: Resource, body: index.Body) -> bool:
        """Mirror a resource if it needs it; return whether it was written, or has changed."""
        spec = mirrored.spec(one)
        if spec is None:
            return False
        written = copy.deepcopy(dict(body)) | {"spec": spec}
        path = api.custom(one.kind.value, self._around.namespace, one.name)
        try:
            self._around.index.put(one.kind.value, await self._around.api.replace(path, written))
        except RefusedError as error:
            if error.status in (api.CONFLICT, api.GONE):
                return True
            raise
        return True
