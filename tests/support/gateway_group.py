"""Several gateways in one process: real dispatchers, catalogs and TCP links, and the same pods.

Which gateways there are is told by the test, to each gateway on its own.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from support.pods_with_agents import Census, Pods

from inglenook import errors, settings
from inglenook.aio.clock import SystemClock
from inglenook.catalog.catalog import Catalog
from inglenook.catalog.target import Target
from inglenook.model import function, lifecycle
from inglenook.model.account import Account
from inglenook.routing import invocation
from inglenook.store import documents, kinds
from inglenook.wire import messages
from inglenook_cluster.peers import views
from inglenook_cluster.peers.lending import Lending
from inglenook_cluster.peers.links import Links
from inglenook_cluster.peers.listener import Listener
from inglenook_cluster.peers.membership import Membership
from inglenook_cluster.peers.ownership import Ownership
from inglenook_cluster.peers.router import Own, Router
from inglenook_gateway.dispatch import pods
from inglenook_gateway.dispatch.dispatcher import Dispatcher
from inglenook_gateway.operations.provisions import Provisions

SECRET = b"a secret of this test"
_STATUS = lifecycle.activated(lifecycle.created(now=0, revision="a"), revision="b")
_versions = itertools.count(1)
_lives = itertools.count(1)


def made(name: str, *, reserved: int | None = None) -> function.Function:
    """Return a function that can be invoked."""
    spec = function.Spec(
        code=function.Code(sha256="0" * 64, size_bytes=10),
        runtime="python3.12",
        handler="app.handler",
        role="role",
        logging=function.Logging(log_group=f"/aws/lambda/{name}"),
    )
    return function.Function(
        name=name,
        uid=f"u-{name}",
        spec=spec,
        status=_STATUS,
        reserved_concurrency=reserved,
        last_version=1,
    )


def updated(one: function.Function) -> function.Function:
    """Return a function whose $LATEST has changed."""
    status = msgspec.structs.replace(one.status, generation=one.status.generation + 1)
    return msgspec.structs.replace(one, status=status)


def event(payload: bytes = b"{}") -> invocation.Event:
    return invocation.Event(request_id="r", arn="arn", payload=payload, trace_id="t")


@dataclass(kw_only=True)
class Member:
    """One gateway, or a worker if it has no dispatcher."""

    name: str
    catalog: Catalog
    members: Membership
    links: Links
    router: Router
    address: str = ""
    dispatcher: Dispatcher | None = None
    ownership: Ownership | None = None
    lending: Lending | None = None
    provisions: Provisions | None = None
    listener: Listener | None = None
    is_dead: bool = False

    def target(self, name: str) -> Target:
        found = self.catalog.target(name, function.LATEST)
        assert found is not None
        return found

    def invoke(
        self, name: str = "f", payload: bytes = b"{}"
    ) -> "asyncio.Future[invocation.Outcome]":
        target = self.target(name)
        return self.router.invoke(target.id, target.spec, event(payload))

    async def die(self) -> None:
        """Be killed: all connections break, nothing is said to anybody, nothing goes on."""
        self.is_dead = True
        assert self.lending is not None
        assert self.listener is not None
        assert self.dispatcher is not None
        assert self.ownership is not None
        # All at once, and before anything else can happen: one that has lost its pods but not its
        # voice would say that nothing runs, and one that has lost its voice takes over nothing.
        self.lending.close()
        for parts in (self.ownership, self.ownership.agreement, self.router):
            for task in parts._tasks._tasks:
                task.cancel()
        self._cut_pods()
        for link in self.links._links.values():
            link.close("killed")
        await self._stop_accepting(self.listener)
        await self.listener.close()
        await self.links.close()
        await self.router.close()
        await self.ownership.close()

    def _cut_pods(self) -> None:
        assert self.dispatcher is not None
        self.dispatcher.shared.close()
        handover = self.dispatcher._handover
        for each in (*self.dispatcher._fleets.values(), *handover.leaving):
            each._leases.stop()
            each._waiting.fail(errors.ServiceError("killed"))
            for link in each._leases.links:
                link.close("killed")
        for old in list(handover._old.values()):
            old.let_go()

    async def _stop_accepting(self, listener: Listener) -> None:
        """Break all connections, once asyncio has accepted what it began to: else it warns."""
        listener._is_closed = True
        for each in list(listener._connections):
            each.close("killed")
        assert listener._server is not None
        for one in listener._server.sockets:
            asyncio.get_running_loop().remove_reader(one.fileno())
        for _ in range(4):
            await asyncio.sleep(0)

    async def close(self) -> None:
        if self.listener is not None and not self.is_dead:
            await self._stop_accepting(self.listener)
        if self.lending is not None:
            self.lending.close()
        await self.router.close()
        if self.ownership is not None:
            await self.ownership.close()
        if self.dispatcher is not None:
            await self.dispatcher.close()
        if self.listener is not None:
            await self.listener.close()
        await self.links.close()


@dataclass
class Group:
    """All that there are."""

    pods: Pods = field(default_factory=Pods)
    all: dict[str, Member] = field(default_factory=dict)
    functions: dict[str, function.Function] = field(default_factory=dict)
    known: list[documents.Document[Any]] = field(default_factory=list)
    version: int = 0

    async def gateway(self, name: str, **limits: float) -> Member:
        """Start a gateway that nobody knows of yet."""
        one = self._member(name, limits)
        assert one.ownership is not None
        assert one.lending is not None
        one.listener = Listener(
            secret=SECRET,
            known=one.catalog,
            routes=one.router,
            agreed=one.ownership.agreement,
            shares=one.lending,
        )
        port = await one.listener.listen("127.0.0.1", 0)
        one.address = f"127.0.0.1:{port}"
        return one

    def worker(self, name: str, **limits: float) -> Member:
        """Start what only forwards."""
        return self._member(name, limits, is_worker=True)

    def _member(self, name: str, limits: dict[str, float], *, is_worker: bool = False) -> Member:
        values = {"drain_timeout_s": 0.05} | limits
        options = settings.Gateway(**values)  # type: ignore[arg-type]
        catalog = Catalog(Account())
        members = Membership()
        to = Links(name=name, secret=SECRET, port=1)
        runner, owned, lends, provided = None, None, None, None
        if not is_worker:
            runner = Dispatcher(
                supply=self.pods,
                time=SystemClock(),
                limits=options,
                region="us-east-1",
                account="000000000000",
                remote=pods.Remote(
                    read=self.pods.read,
                    census=Census(self.pods),
                    current=lambda version: _current(catalog, version),
                ),
            )
            catalog.subscribe_reserved(runner.reserve)
            owned = Ownership(name=name, known=members, to=to, local=runner)
            lends = Lending(
                name=name,
                life=next(_lives),
                owned=owned,
                to=to,
                pool=runner.shared,
                time=SystemClock(),
            )
            members.subscribe(lambda _old, _new: lends.keep_to_view())
            provided = Provisions(catalog, runner, owned.claim)
            runner.observe(lambda version: provided.reconcile(version.function_name))
            owned.observe(provided.reconcile)
            members.subscribe(lambda _old, _new: provided.reconcile_all())
        one = self.all[name] = Member(
            name=name,
            catalog=catalog,
            members=members,
            links=to,
            dispatcher=runner,
            ownership=owned,
            lending=lends,
            provisions=provided,
            router=Router(
                members=members,
                to=to,
                known=catalog,
                time=SystemClock(),
                queue_timeout_s=options.queue_timeout_s,
                own=None if runner is None or owned is None else Own(owned, runner),
            ),
        )
        for document in self.known:
            one.catalog.apply(document)
        return one

    def put(self, one: function.Function) -> None:
        """Create or change a function, and let all know of it."""
        self.functions[one.name] = one
        self.apply(kinds.FUNCTION, one.name, one)

    def apply(self, kind: documents.Kind[Any], name: str, value: object) -> None:
        """Let all know of a document, now or when they come."""
        document = documents.Document(
            kind=kind, name=name, resource_version=next(_versions), value=value
        )
        self.known.append(document)
        for member in self.all.values():
            member.catalog.apply(document)

    def view(self, *names: str, leaving: tuple[str, ...] = ()) -> views.View:
        """Return the next view: those gateways."""
        self.version += 1
        return views.View(
            version=self.version,
            members={name: self.all[name].address for name in names},
            leaving={name: self.all[name].address for name in leaving},
        )

    def see(self, *names: str, leaving: tuple[str, ...] = ()) -> None:
        """Let all know at once which gateways there are."""
        view = self.view(*names, leaving=leaving)
        for member in self.all.values():
            if not member.is_dead:
                member.members.learn(view)

    def owner(self, name: str = "f") -> Member:
        """Return the gateway that owns a function, as the latest to know see it."""
        latest = max(self.all.values(), key=lambda each: each.members.view.version)
        owner = latest.members.view.owners.of(name)
        assert owner is not None
        return self.all[owner]

    def others(self, name: str = "f") -> list[Member]:
        """Return the gateways that are there and do not own a function."""
        owner = self.owner(name)
        view = owner.members.view
        return [self.all[each] for each in sorted(view.members) if each != owner.name]


def show(member: Member, one: function.Function) -> None:
    """Let one gateway know of a function."""
    member.catalog.apply(
        documents.Document(
            kind=kinds.FUNCTION, name=one.name, resource_version=next(_versions), value=one
        )
    )


def _current(catalog: Catalog, version: messages.VersionId) -> function.Spec | None:
    found = catalog.target(version.function_name, version.version)
    return found.spec if found is not None and found.id == version else None


@contextlib.asynccontextmanager
async def group() -> AsyncIterator[Group]:
    made = Group()
    try:
        yield made
    finally:
        for member in made.all.values():
            await member.close()


async def eventually(is_true: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait for what many things may make true."""
    async with asyncio.timeout(timeout_s):
        while not is_true():  # noqa: ASYNC110 - many things may make it true
            await asyncio.sleep(0.001)
