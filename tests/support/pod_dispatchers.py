"""Dispatchers of several gateways over the same pods of a cluster, in memory."""

import asyncio
import hashlib
from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from support.dispatchers import Time
from support.pod_agents import PodAgent, connect
from support.scripted_agents import SPEC, VERSION, event

from inglenook import settings
from inglenook.model import function
from inglenook.routing import invocation
from inglenook_gateway.dispatch import dispatcher, handover, pods

if TYPE_CHECKING:
    from inglenook.wire import messages

CODE = b"the code of a function"
CODE_SHA256 = hashlib.sha256(CODE).hexdigest()
POD_SPEC = msgspec.structs.replace(SPEC, code=function.Code(sha256=CODE_SHA256, size_bytes=22))


class Cluster:
    """The pods that there are; every gateway leases from them, and finds them again."""

    def __init__(self) -> None:
        self.agents: list[PodAgent] = []
        self.specialised: list[str] = []
        self.started: list[str] = []
        self.given_back: list[str] = []
        self.free: asyncio.Semaphore = asyncio.Semaphore(1000)
        self.seeking = 0
        """How many wait for one of these."""
        self.blobs = {CODE_SHA256: CODE}
        self.reads = 0
        self.current: dict[messages.VersionId, function.Spec] = {VERSION: POD_SPEC}
        self.wanted: list[tuple[pods.Wanted, bool]] = []
        self.trouble: dict[str, str] = {}
        """By runtime, what keeps its pods from starting."""
        self.lacking = 0
        """How many pods wait for room on a node."""
        self.prepare: Callable[[PodAgent], None] = lambda _agent: None

    async def lease(self, wanted: pods.Wanted, *, is_ahead: bool) -> pods.Pod:
        self.wanted.append((wanted, is_ahead))
        self.seeking += 1
        try:
            await self.free.acquire()
        finally:
            self.seeking -= 1
        agent = PodAgent(f"pod-{len(self.agents)}")
        self.prepare(agent)
        self.agents.append(agent)
        return pods.Pod(
            name=agent.name, connection=connect(agent), is_local=False,
            specialised=lambda _wanted: self.specialised.append(agent.name),
            started=lambda: self.started.append(agent.name),
            give_back=lambda: self.given_back.append(agent.name),
        )  # fmt: skip

    def has_free(self, wanted: pods.Wanted) -> bool:
        del wanted
        return not self.free.locked()

    async def take(self) -> None:
        await asyncio.sleep(0)

    def functions(self) -> set[str]:
        return set()

    async def of(
        self, function_name: str, known: Container[str]
    ) -> Sequence[tuple[pods.Pod, pods.Found]]:
        return [
            (
                pods.Pod(
                    name=each.name,
                    connection=connect(each),
                    is_local=False,
                    specialised=lambda _wanted, name=each.name: self.specialised.append(name),
                    started=partial(self.started.append, each.name),
                ),
                pods.Found(version=each.version),
            )
            for each in self.agents
            if each.version is not None
            and each.version.function_name == function_name
            and each.name not in known
            and not each.has_ended.is_set()
        ]

    async def read(self, sha256: str) -> bytes:
        self.reads += 1
        await asyncio.sleep(0)
        return self.blobs[sha256]


class Gateways:
    """The dispatchers of one test."""

    def __init__(self, cluster: Cluster, time: Time) -> None:
        self._cluster = cluster
        self.time = time
        self._made: list[dispatcher.Dispatcher] = []

    def make(self, **limits: float) -> dispatcher.Dispatcher:
        made = dispatcher.Dispatcher(
            supply=self._cluster,
            time=self.time,
            limits=settings.Gateway(**{"drain_timeout_s": 0.05} | limits),  # type: ignore[arg-type]
            region="us-east-1",
            account="000000000000",
            remote=pods.Remote(
                read=self._cluster.read,
                census=self._cluster,
                current=self._cluster.current.get,
                trouble=self._cluster.trouble.get,
                lacking=lambda: self._cluster.lacking,
            ),
        )
        self._made.append(made)
        return made

    async def close(self) -> None:
        for each in self._made:
            await each.close()


def invoke(
    runner: dispatcher.Dispatcher, payload: bytes = b"{}", spec: function.Spec = POD_SPEC
) -> asyncio.Future[invocation.Outcome]:
    return runner.invoke(VERSION, spec, event(payload))


Returned = list[handover.Returned]
