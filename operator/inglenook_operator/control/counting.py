"""Keeps in each Function's status how many environments run it, without a write for each change."""

from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.reconcile import pods
from inglenook_operator.reconcile.pods import State

PLURAL = "functions"
COALESCED_S = 2.0
"""Changes within so much time are one write."""


class Counting:
    """Reconcile the counts of Functions, one at a time."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def reconcile(self, name: str) -> float | None:
        """Write how many pods of a function there are, if its status does not say so."""
        body = self._around.index.get(PLURAL, name)
        if body is None:
            return None
        count = sum(
            one.function == name and one.is_live and one.state is State.SPECIALISED
            for one in map(pods.view, self._around.index.all("pods"))
        )
        if (body.get("status") or {}).get("environments") == count:
            return None
        await self._around.merge_status(PLURAL, name, {"environments": count})
        return None
