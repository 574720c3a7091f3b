"""Leader election by a Lease of Kubernetes: one of the replicas works, the others wait.

`lead` returns once this replica leads; `hold` then renews and returns when the lease is lost, after
which the process has to end at once: somebody else leads soon. `release` lets the next one begin
without waiting for the lease to run out. A standby only reads the lease, once a second.
"""

import asyncio
import logging
from typing import Any

from inglenook.aio import clock
from inglenook_cluster.kube.requests import RefusedError
from inglenook_operator.cluster import api
from inglenook_operator.reconcile import conditions, leadership

logger = logging.getLogger(__name__)


class Election:
    """This replica's part in choosing a leader."""

    def __init__(
        self,
        *,
        api: api.Api,
        namespace: str,
        name: str,
        me: str,
        time: clock.Clock,
        terms: leadership.Terms | None = None,
    ) -> None:
        """`me` has to differ between all replicas, and between two lives of one."""
        self._api = api
        self._namespace = namespace
        self._name = name
        self._me = me
        self._clock = time
        self._terms = terms or leadership.Terms()
        self._seen: leadership.Seen | None = None
        self._renewed_at = 0.0
        self._lease: dict[str, Any] | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether the last renewal is recent enough for nobody else to lead."""
        now = self._clock.monotonic()
        return leadership.still_leads(self._renewed_at, terms=self._terms, now=now)

    async def lead(self) -> None:
        """Wait until this replica leads."""
        while True:
            if await self._attempt():
                break
            # A standby watches nothing, so it has to ask.
            await asyncio.sleep(self._terms.retry_s)
        logger.info("this replica leads", extra={"identity": self._me})

    async def hold(self) -> None:
        """Renew the lease until it is lost."""
        while True:
            await asyncio.sleep(self._terms.retry_s)
            if not await self._renewal():
                logger.error("the lease is another replica's", extra={"identity": self._me})
                return
            if not self.is_fresh:
                logger.error("the lease could not be renewed", extra={"identity": self._me})
                return

    async def release(self) -> None:
        """Give the lease back, if it is still this replica's."""
        if self._lease is None:
            return
        body = self._body(self._lease, holder="")
        try:
            await self._api.replace(api.leases(self._namespace, self._name), body)
        except api.AWAY:
            # Then it runs out by itself.
            logger.warning("the lease could not be released", exc_info=True)
        self._lease = None

    async def _attempt(self) -> bool:
        try:
            async with asyncio.timeout(self._terms.renew_deadline_s):
                return await self._take()
        except api.AWAY as error:
            logger.warning("the lease could not be read", extra={"error": str(error)})
            return False

    async def _take(self) -> bool:
        path = api.leases(self._namespace, self._name)
        begun = self._clock.monotonic()
        found = await self._api.get(path)
        if found is None:
            return await self._written(None, begun)
        self._seen = leadership.observed(
            self._seen,
            holder=(found.get("spec") or {}).get("holderIdentity") or None,
            version=found["metadata"]["resourceVersion"],
            now=self._clock.monotonic(),
        )
        begun = self._clock.monotonic()
        if not leadership.may_take(self._seen, me=self._me, terms=self._terms, now=begun):
            return False
        return await self._written(found, begun)

    async def _renewal(self) -> bool:
        """Renew; return whether the lease may still be this replica's."""
        begun = self._clock.monotonic()
        left = self._renewed_at + self._terms.renew_deadline_s - begun
        try:
            async with asyncio.timeout(max(left, 0.0)):
                if await self._written(self._lease, begun):
                    return True
                # Refused over its version: somebody has written it, or a write of ours whose
                # answer was lost.
                found = await self._api.get(api.leases(self._namespace, self._name))
        except api.AWAY as error:
            logger.warning("the lease could not be renewed yet", extra={"error": str(error)})
            return True
        if found is None or (found.get("spec") or {}).get("holderIdentity") != self._me:
            self._lease = None
            return False
        self._lease = found
        return True

    async def _written(self, before: dict[str, Any] | None, begun: float) -> bool:
        """Write the lease as this replica's; return False if somebody was faster."""
        body = self._body(before, holder=self._me)
        path = api.leases(self._namespace, "" if before is None else self._name)
        try:
            write = self._api.create if before is None else self._api.replace
            self._lease = await write(path, body)
        except RefusedError as error:
            if error.status in (api.CONFLICT, api.GONE):
                return False
            raise
        self._renewed_at = begun
        return True

    def _body(self, before: dict[str, Any] | None, *, holder: str) -> dict[str, Any]:
        now = conditions.micro_stamp(self._clock.now())
        spec = dict((before or {}).get("spec") or {})
        if spec.get("holderIdentity") != holder:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = spec.get("leaseTransitions", -1) + 1
        spec |= {
            "holderIdentity": holder,
            "renewTime": now,
            "leaseDurationSeconds": max(1, round(self._terms.duration_s)),
        }
        metadata = {"name": self._name, "namespace": self._namespace}
        if before is not None:
            metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": spec,
        }
