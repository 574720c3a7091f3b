"""One gateway's share of the functions, wired: who there is, who owns what, how to reach them.

It is made around the gateway's dispatcher and catalog. `listen` before anybody can know of this
gateway; whatever has callers runs events through `runner`. When the process is to end, `leave`
first: from then on this gateway owns nothing and only forwards; `close` once nothing runs here.
"""

import secrets
from collections.abc import Callable

from inglenook.aio import clock
from inglenook.catalog.catalog import Catalog
from inglenook.routing import invocation, streaming
from inglenook.telemetry import metrics, tally
from inglenook_cluster.peers import lending, links, listener, membership, ownership, router


class Sharing:
    """A gateway among others."""

    def __init__(  # noqa: PLR0913 - wiring
        self,
        *,
        name: str,
        secret: bytes,
        port: int,
        members: membership.Membership,
        known: Catalog,
        dispatcher: ownership.Local,
        runner: invocation.Runner,
        pool: lending.Pool,
        time: clock.Clock,
        queue_timeout_s: float,
        seen: tally.Tally | None = None,
    ) -> None:
        """`dispatcher` and `runner` are the same, `pool` is theirs; the others listen on `port`."""
        self._members = members
        self._links = links.Links(name=name, secret=secret, port=port)
        self._ownership = ownership.Ownership(
            name=name, known=members, to=self._links, local=dispatcher
        )
        self._lending = lending.Lending(
            name=name,
            life=secrets.randbits(48),
            owned=self._ownership,
            to=self._links,
            pool=pool,
            time=time,
        )
        members.subscribe(lambda _old, _new: self._lending.keep_to_view())
        self._router = router.Router(
            members=members,
            to=self._links,
            known=known,
            time=time,
            queue_timeout_s=queue_timeout_s,
            own=router.Own(self._ownership, runner),
            seen=seen,
        )
        if seen is not None:
            seen.read(metrics.PEERS, lambda: {(): len(members.view.members)})
        self._listener = listener.Listener(
            secret=secret,
            known=known,
            routes=self._router,
            agreed=self._ownership.agreement,
            shares=self._lending,
        )

    @property
    def runner(self) -> streaming.StreamRunner:
        """Runs events here or at the owner's."""
        return self._router

    def elsewhere(self, key: str) -> str | None:
        """Return the address of the gateway that owns a key; None if that is this one."""
        view = self._ownership.view
        owner = view.owners.of(key)
        return None if owner is None or self._ownership.is_mine(key) else view.members[owner]

    def claim(self, function_name: str) -> bool:
        """Return whether a function may be run here now; if it is this gateway's, see to it."""
        return self._ownership.claim(function_name)

    def observe(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with each function that may be run here now, or not any more."""
        self._ownership.observe(callback)

    def observe_view(self, callback: Callable[[], None]) -> None:
        """Call `callback` with every change of the gateways."""
        self._members.subscribe(lambda _old, _new: callback())

    async def listen(self, host: str, port: int) -> int:
        """Serve other gateways and workers; return the port."""
        return await self._listener.listen(host, port)

    def leave(self) -> None:
        """Own nothing from now on, if another gateway can."""
        self._ownership.leave()
        self._lending.keep_to_view()

    async def close(self) -> None:
        """End it all."""
        self._lending.close()
        await self._router.close()
        await self._ownership.close()
        await self._listener.close()
        await self._links.close()


class Forwarding:
    """A worker's way to the gateways: `runner`, `close`."""

    def __init__(  # noqa: PLR0913 - wiring
        self,
        *,
        name: str,
        secret: bytes,
        port: int,
        members: membership.Membership,
        known: Catalog,
        time: clock.Clock,
        queue_timeout_s: float,
        seen: tally.Tally | None = None,
    ) -> None:
        self._links = links.Links(name=name, secret=secret, port=port)
        self._router = router.Router(
            members=members,
            to=self._links,
            known=known,
            time=time,
            queue_timeout_s=queue_timeout_s,
            seen=seen,
        )

    @property
    def runner(self) -> streaming.StreamRunner:
        """Runs events at their functions' owners."""
        return self._router

    async def close(self) -> None:
        """End what is not answered yet."""
        await self._router.close()
        await self._links.close()
