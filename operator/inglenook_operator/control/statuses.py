"""Writes the conditions of declared resources, when they say something new, and their Events."""

from typing import Any

from inglenook.model import images
from inglenook_operator.cluster import index
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.reconcile import conditions, imaged, names, views
from inglenook_operator.reconcile.conditions import Condition
from inglenook_operator.reconcile.views import Resource


class Statuses:
    """Tell people how it stands with what they declared."""

    def __init__(self, around: Surroundings, *, endpoint: str, region: str) -> None:
        """`endpoint` is the Lambda API's address, as far as anybody has said what clients use."""
        self._around = around
        self._endpoint = endpoint
        self._region = region

    async def tell(
        self, one: Resource, body: index.Body, accepted: Condition, *, is_observed: bool = False
    ) -> None:
        """Write what is said of a resource. With `is_observed` its generation was dealt with."""
        ready = self._readiness(one, body)
        said = [accepted, *((ready,) if ready is not None else ())]
        wanted: dict[str, Any] = {
            "conditions": conditions.merged(
                one.conditions,
                said,
                generation=one.generation,
                now=self._around.clock.now(),
            )
        }
        if is_observed:
            wanted["observedGeneration"] = one.generation
        wanted |= views.addresses(one, self._endpoint, self._region)
        bad = [each for each in said if each.status is False]
        for each in bad:
            await self._around.events.post(
                body, reason=each.reason, message=each.message or each.reason
            )
        status = body.get("status") or {}
        if all(status.get(key) == value for key, value in wanted.items()):
            return
        await self._around.merge_status(one.kind.value, one.name, wanted)
        if accepted.status is True and not (one.is_accepted or one.is_of_the_api):
            await self._around.events.post(
                body, reason="Accepted", message="The platform has taken it over.", type="Normal"
            )

    def _readiness(self, one: Resource, body: index.Body) -> Condition | None:
        """Return whether something can run, as far as the platform and its image's pods tell."""
        ready = views.readiness(one)
        if ready is None or not ready.status or one.kind not in imaged.KINDS:
            return ready
        of_images = (
            self._around.index.get(names.RUNTIMES, images.runtime_name(uri))
            for uri in imaged.uris(one.kind, body)
        )
        return imaged.trouble(of_images) or ready
