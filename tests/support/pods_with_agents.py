"""Pods as a cluster has them: their agents outlive a gateway, and obey one owner at a time.

The agents speak the real messages over a real connection and run nothing; what is invoked stays
open until a test answers it. All of them together know how much of each function ran at once.
"""

import asyncio
import collections
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from inglenook.wire import connection, messages
from inglenook_gateway.dispatch import pods


@dataclass
class Run:
    """One event in an environment."""

    agent: "PodAgent"
    end: "_End"
    stream: int
    invoke: messages.Invoke
    body: connection.Body
    taken: int = 0
    """Bytes of a streamed answer that the gateway has passed on."""

    def answer(self, result: messages.Result | None = None, body: bytes | None = None) -> None:
        self.agent.answer(self, result or messages.Result(), self.body if body is None else body)

    def chunk(self, body: bytes) -> None:
        self.end.wire.send(self.stream, messages.Chunk(), body)


class Pods:
    """All pods of a cluster: a supply of new ones."""

    def __init__(self) -> None:
        self.agents: list[PodAgent] = []
        self.runs: list[Run] = []
        self.running: collections.Counter[str] = collections.Counter()
        self.most: collections.Counter[str] = collections.Counter()
        """By function: how many ran at once at most."""
        self.most_of_all = 0
        """How many ran at once at most, of all functions together."""
        self.censuses = 0
        """How often gateways have asked all pods."""

    async def lease(self, wanted: pods.Wanted, *, is_ahead: bool) -> pods.Pod:
        del wanted, is_ahead
        await asyncio.sleep(0)
        agent = PodAgent(self, f"pod-{len(self.agents)}")
        self.agents.append(agent)
        return agent.pod()

    def has_free(self, wanted: pods.Wanted) -> bool:
        del wanted
        return True

    async def read(self, sha256: str) -> bytes:
        return sha256.encode()


class Census:
    """What one gateway knows of the pods: what they ran when it asked last, as without labels."""

    def __init__(self, of: Pods) -> None:
        self._pods = of
        self._seen: set[str] = set()

    async def take(self) -> None:
        self._pods.censuses += 1
        for each in list(self._pods.agents):
            await asyncio.sleep(0)
            if each.version is not None:
                self._seen.add(each.name)

    def functions(self) -> set[str]:
        return {
            each.version.function_name
            for each in self._pods.agents
            if each.name in self._seen and each.version is not None and not each.has_ended
        }

    async def of(
        self, function_name: str, known: Container[str]
    ) -> Sequence[tuple[pods.Pod, pods.Found]]:
        await asyncio.sleep(0)
        return [
            (each.pod(), pods.Found(version=each.version))
            for each in self._pods.agents
            if each.name in self._seen
            and each.version is not None
            and each.version.function_name == function_name
            and each.name not in known
            and not each.has_ended
        ]


@dataclass(eq=False)
class _End:
    """One gateway's connection to an agent."""

    agent: "PodAgent"
    wire: connection.Connection

    def received(self, stream: int, header: messages.Header, body: connection.Body) -> None:
        self.agent.received(self, stream, header, body)

    def closed(self, reason: str) -> None:
        del reason
        self.agent.closed(self)


@dataclass(eq=False)
class PodAgent:
    """The agent of one pod, which holds one environment."""

    of: Pods
    name: str
    version: messages.VersionId | None = None
    owner: _End | None = None
    environment: str | None = None
    run: Run | None = None
    has_ended: bool = False
    ends: list[_End] = field(default_factory=list)

    def pod(self) -> pods.Pod:
        """Return what a gateway gets that connects."""
        mine, theirs = connection.memory_pair()
        end = _End(self, mine)
        self.ends.append(end)
        mine.open(end)
        return pods.Pod(name=self.name, connection=theirs, is_local=False)

    def received(
        self, end: _End, stream: int, header: messages.Header, body: connection.Body
    ) -> None:
        match header:
            case messages.Adopt(id=version):
                if version != self.version:
                    self._refuse(end, stream, messages.Refusal.WRONG_VERSION)
                    return
                self.owner = end
                has = [] if self.environment is None else [self.environment]
                busy = has if self.run is not None else []
                end.wire.send(stream, messages.Adopted(environments=has, busy=busy))
            case messages.Taken(size=size):
                if self.run is not None and self.run.stream == stream:
                    self.run.taken += size
            case _ if self.owner not in (None, end):
                self._refuse(end, stream, messages.Refusal.MOVED)
            case _:
                self._ordered(end, stream, header, body)

    def _ordered(
        self, end: _End, stream: int, header: messages.Header, body: connection.Body
    ) -> None:
        match header:
            case messages.Package():
                end.wire.send(stream, messages.Stored())
            case messages.Specialise(id=version):
                self.version, self.owner = version, end
                end.wire.send(stream, messages.Specialised())
            case messages.Start() if self.environment is None:
                self.environment = f"{self.name}-e"
                end.wire.send(stream, messages.Started(environment=self.environment, init_ms=1.0))
            case messages.Start():
                self._refuse(end, stream, messages.Refusal.FULL)
            case messages.Invoke() if self.run is not None:
                self._refuse(end, stream, messages.Refusal.BUSY)
            case messages.Invoke(environment=environment) if environment != self.environment:
                self._refuse(end, stream, messages.Refusal.UNKNOWN_ENVIRONMENT)
            case messages.Invoke():
                self._begin(Run(self, end, stream, header, body))
            case messages.Stop(environment=environment):
                self.environment = None
                end.wire.send(stream, messages.Gone(environment=environment))
            case messages.Drain():
                end.wire.send(stream, messages.Drained())
                self.has_ended = True
            case _:
                raise AssertionError(header)

    def _refuse(self, end: _End, stream: int, reason: messages.Refusal) -> None:
        end.wire.send(stream, messages.Refused(reason=reason))

    @property
    def function_name(self) -> str:
        assert self.version is not None
        return self.version.function_name

    def _begin(self, run: Run) -> None:
        self.run = run
        self.of.runs.append(run)
        running, most = self.of.running, self.of.most
        running[self.function_name] += 1
        most[self.function_name] = max(most[self.function_name], running[self.function_name])
        self.of.most_of_all = max(self.of.most_of_all, running.total())

    def answer(self, run: Run, result: messages.Result, body: connection.Body) -> None:
        assert self.run is run
        self.run = None
        self.of.runs.remove(run)
        self.of.running[self.function_name] -= 1
        run.end.wire.send(run.stream, result, body)
        if self.owner is not None and self.owner is not run.end and self.environment is not None:
            self.owner.wire.send(0, messages.Freed(environment=self.environment))

    def die(self) -> None:
        """End the pod, which has nothing to do."""
        assert self.run is None
        self.has_ended = True
        if self.owner is not None and self.environment is not None:
            self.owner.wire.send(0, messages.Gone(environment=self.environment))
        self.environment = None
        for end in list(self.ends):
            end.wire.close("the pod has been deleted")

    def closed(self, end: _End) -> None:
        self.ends.remove(end)
        if self.owner is end:
            # Its environments stay, for another to adopt.
            self.owner = None
