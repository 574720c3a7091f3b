"""The agent of a pod: several gateways may ask it, one of them owns it.

The owner is who specialised it or adopted it last. All others are refused with `MOVED`, but for
`Adopt`, and may send packages while there is no owner. What a former owner has begun is answered to
it, and the new one hears of it (`Freed`, `Gone`). A pod without an owner keeps its environments for
a while. It runs one version, once: when that is over, so is the pod.
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from inglenook.aio.tasks import Tasks
from inglenook.model import limits
from inglenook.wire import messages
from inglenook.wire.connection import Body, Connection
from inglenook.wire.messages import Header, Refusal
from inglenook_agent.environment import outcome
from inglenook_agent.environments import Environments, refuse
from inglenook_agent.pod.packages import PackageError, Packages

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Pod:
    """Who may ask what of the environments, and when the pod is over."""

    def __init__(
        self,
        *,
        name: str,
        environments: Environments,
        packages: Packages,
        tasks: Tasks,
        orphan_timeout_s: float,
        drain_timeout_s: float,
        is_spent: bool = False,
    ) -> None:
        """`is_spent`: it has run a version in a former life, and serves nobody.

        In any other nothing can run before `start`.
        """
        self.name = name
        self._environments = environments
        self._packages = packages
        self._tasks = tasks
        self._orphan_timeout_s = orphan_timeout_s
        self._drain_timeout_s = drain_timeout_s
        self._storing: dict[Connection, set[asyncio.Task[None]]] = {}
        """The pieces that each gateway has sent and that are not stored yet."""
        self._is_starting = not is_spent
        self._expectant: set[Connection] = set()
        """The gateways that were told that it is starting."""
        self._orphaned: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None
        self.on_claimed: Callable[[messages.VersionId], None] = lambda _: None
        """Called when a gateway makes it its own, with the version."""
        self.over = asyncio.Event()
        """Set when nothing runs here any more and nothing ever will."""
        environments.on_prepared = self._prepared
        if is_spent:
            environments.is_draining = True

    @property
    def is_ending(self) -> bool:
        return self._environments.is_draining

    def start(self) -> None:
        """Tell everyone who has connected meanwhile that things can run here now."""
        self._is_starting = False
        for gateway in self._expectant:
            gateway.send(0, messages.Ready())
        self._expectant.clear()

    def admitted(self, connection: Connection, name: str) -> "Gateway":
        """Take in a gateway that has proved itself; return who hears it."""
        environments = self._environments
        connection.send(
            0,
            messages.Welcome(
                agent=self.name,
                version=environments.version,
                environments=environments.names(),
                busy=environments.busy(),
                is_draining=self.is_ending,
                is_local=False,
                is_starting=self._is_starting,
            ),
        )
        if self._is_starting:
            self._expectant.add(connection)
        logger.debug("a gateway has connected", extra={"gateway": name})
        return Gateway(self, connection, name)

    def drain(self, reason: str, asked: tuple[Connection, int] | None = None) -> None:
        """Take nothing new, finish what runs, for so long; then the pod is over.

        `asked` is told when all environments have ended.
        """
        if self._environments.is_draining:
            if asked is not None:
                refuse(*asked, Refusal.DRAINING)
            return
        logger.info("the pod takes nothing new", extra={"reason": reason})
        self._keep()
        self._environments.drain(asked, reason=reason)
        self._late = asyncio.get_running_loop().call_later(
            self._drain_timeout_s, self._environments.end, "it was not done in time"
        )
        _ = self._tasks.start(self._end_when_idle(), name="end the pod")

    def tmp_holds(self, used_bytes: int) -> None:
        """End the pod, and what runs in it, if that is more than its environments may have.

        An init that nobody waits for only fails: then an invocation meets the same, and is told.
        Else there would be one pod after another, and no answer.
        """
        environments = self._environments
        plan = environments.plan
        if plan is None:
            return
        size_mb = plan.version.ephemeral_storage_mb * plan.environments_max
        if used_bytes > size_mb * limits.MIB:
            text = outcome.storage_text(used_bytes, size_mb)
            if environments.has_begun:
                self.drain(text)
            environments.lose(outcome.OUT_OF_STORAGE, text)

    def close(self) -> None:
        """Let no timer go off any more."""
        self._keep()
        if self._late is not None:
            self._late.cancel()

    async def _end_when_idle(self) -> None:
        await self._environments.until_gone()
        if self._late is not None:
            self._late.cancel()
        self.over.set()

    # What gateways say

    def received(self, gateway: Connection, stream: int, header: Header, body: Body) -> None:
        environments = self._environments
        match header:
            case messages.Taken():
                environments.askers.taken(gateway, stream, header.size)
            case messages.Adopt():
                self._adopt(gateway, stream, header)
            case _ if environments.owner not in (gateway, None):
                refuse(gateway, stream, Refusal.MOVED)
            case messages.Package():
                storing = self._storing.setdefault(gateway, set())
                task = self._tasks.start(
                    self._store(gateway, stream, header, body), name="store a package"
                )
                storing.add(task)
                task.add_done_callback(storing.discard)
            case messages.Specialise():
                self._specialise(gateway, stream, header)
            case messages.Drain():
                self.drain("a gateway wishes it", (gateway, stream))
            case messages.Invoke() | messages.Start() | messages.Stop():
                self._ask(gateway, stream, header, body)
            case _:
                gateway.close("not what is said to an agent")

    def hung_up(self, gateway: Connection) -> None:
        """Go on without a gateway; without an owner, for a while."""
        self._expectant.discard(gateway)
        self._storing.pop(gateway, None)
        self._packages.forget_pieces(gateway)
        self._environments.askers.hung_up(gateway)
        if self._environments.owner is not gateway:
            return
        self._environments.owner = None
        if not self.is_ending:
            self._orphaned = asyncio.get_running_loop().call_later(
                self._orphan_timeout_s, self.drain, "no gateway has adopted it"
            )

    def _ask(
        self,
        gateway: Connection,
        stream: int,
        header: messages.Invoke | messages.Start | messages.Stop,
        body: Body,
    ) -> None:
        """Pass on what the owner alone may ask."""
        environments = self._environments
        if environments.version is not None and environments.owner is None and not self.is_ending:
            refuse(gateway, stream, Refusal.MOVED)
            return
        match header:
            case messages.Invoke():
                environments.invoke(gateway, stream, header, body)
            case messages.Start():
                environments.start(gateway, stream, header)
            case messages.Stop():
                environments.stop(gateway, stream, header)

    def _specialise(self, gateway: Connection, stream: int, header: messages.Specialise) -> None:
        """Let the first who comes have it."""
        environments = self._environments
        version = environments.version
        if self.is_ending or (version is not None and version != header.id):
            environments.specialise(gateway, stream, header)  # which says what is wrong
        elif version is not None and environments.owner is None:
            refuse(gateway, stream, Refusal.MOVED)  # another's, until it is adopted
        else:
            environments.owner = gateway
            self.on_claimed(header.id)
            # It is claimed with this word, and done once what came before it has been.
            environments.specialise(gateway, stream, header, self._storing.get(gateway, ()))

    def _prepared(self) -> None:
        if self._environments.plan is not None:
            _ = self._tasks.start(self._packages.forget(), name="forget packages")
        else:
            # It cannot be served, and the pod is anybody's again.
            self._environments.owner = None
            self._keep()

    def _adopt(self, gateway: Connection, stream: int, header: messages.Adopt) -> None:
        environments = self._environments
        busy = environments.busy(gateway)
        if self.is_ending and not busy:
            refuse(gateway, stream, Refusal.DRAINING)
        elif environments.version != header.id:
            refuse(gateway, stream, Refusal.WRONG_VERSION)
        elif self.is_ending:
            # The last that runs here counts for the new owner, who is to hear of its end.
            environments.owner = gateway
            gateway.send(stream, messages.Adopted(environments=busy, busy=busy))
        else:
            self._keep()
            environments.owner = gateway
            gateway.send(stream, messages.Adopted(environments=environments.names(), busy=busy))
            self.on_claimed(header.id)

    async def _store(
        self, gateway: Connection, stream: int, header: messages.Package, body: Body
    ) -> None:
        try:
            await self._packages.store(gateway, header, body)
        except (PackageError, OSError) as exc:
            refuse(gateway, stream, Refusal.CODE_UNAVAILABLE, str(exc))
        else:
            gateway.send(stream, messages.Stored())

    def _keep(self) -> None:
        if self._orphaned is not None:
            self._orphaned.cancel()
            self._orphaned = None


class Gateway:
    """Receives what one gateway says."""

    def __init__(self, pod: Pod, connection: Connection, name: str) -> None:
        self._pod = pod
        self._connection = connection
        self._name = name

    def received(self, stream: int, header: Header, body: Body) -> None:
        self._pod.received(self._connection, stream, header, body)

    def closed(self, reason: str) -> None:
        logger.debug("a gateway has gone", extra={"gateway": self._name, "reason": reason})
        self._pod.hung_up(self._connection)
