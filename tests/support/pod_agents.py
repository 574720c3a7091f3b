"""Agents of pods that several gateways may be connected to, one of which is the owner.

They keep to the protocol of `inglenook.wire.messages` but run nothing: a test answers what they
hold. Over memory or TCP alike.
"""

import asyncio
import hashlib
import itertools

from inglenook.wire import connection, frames, messages, proof
from inglenook.wire.messages import Refusal

SECRET = b"a secret of tests"


class PodAgent:
    """The agent of one pod."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.version: messages.VersionId | None = None
        self.specialise: messages.Specialise | None = None
        self.owner: Caller | None = None
        self.callers: list[Caller] = []
        self.packages: dict[str, bytearray] = {}
        self.pieces: list[messages.Package] = []
        self.environments: list[str] = []
        self.busy: dict[str, tuple[Caller, int]] = {}
        self.is_draining = False
        self.is_starting = False
        self.has_ended = asyncio.Event()
        self.refuses_next: Refusal | None = None
        """What is answered to the next `Invoke` or `Start`."""
        self._numbers = itertools.count(1)

    def accept(self, end: connection.Connection) -> "Caller":
        caller = Caller(self, end)
        self.callers.append(caller)
        end.send(
            0,
            messages.Welcome(
                agent=self.name, version=self.version, environments=list(self.environments),
                busy=list(self.busy), is_local=False, is_starting=self.is_starting,
            ),
        )  # fmt: skip
        return caller

    def start(self) -> None:
        """Tell that things can run here now."""
        self.is_starting = False
        for caller in self.callers:
            caller.end.send(0, messages.Ready())

    def answer(self, environment: str | None = None, body: bytes = b"done") -> None:
        """Let an environment answer what it runs."""
        name = environment or next(iter(self.busy))
        caller, stream = self.busy.pop(name)
        caller.end.send(stream, messages.Result(), body)
        if self.owner is not None and self.owner is not caller:
            self.owner.end.send(0, messages.Freed(environment=name))
        self.check_drained()

    def check_drained(self) -> None:
        if self.is_draining and not self.busy:
            self.environments.clear()
            self.has_ended.set()

    def kill(self) -> None:
        """As when the pod dies."""
        for caller in list(self.callers):
            caller.end.close("killed")
        self.has_ended.set()


class Caller:
    """One gateway's connection, at the agent."""

    def __init__(self, agent: PodAgent, end: connection.Connection) -> None:
        self.agent = agent
        self.end = end

    def received(self, stream: int, header: messages.Header, body: connection.Body) -> None:
        answer = self._answer(stream, header, body)
        if answer is not None:
            self.end.send(stream, answer)
        if isinstance(header, messages.Drain):
            self.agent.check_drained()

    def _answer(  # noqa: C901, PLR0911, PLR0912 - a table
        self, stream: int, header: messages.Header, body: connection.Body
    ) -> messages.Header | None:
        agent = self.agent
        if isinstance(header, messages.Start | messages.Invoke) and agent.refuses_next:
            reason, agent.refuses_next = agent.refuses_next, None
            return messages.Refused(reason=reason, message="as the test says")
        match header:
            case messages.Package():
                kept = agent.packages.setdefault(header.sha256, bytearray())
                assert header.offset == len(kept)
                kept += body
                agent.pieces.append(header)
                is_whole = len(kept) == header.total
                if is_whole and hashlib.sha256(kept).hexdigest() != header.sha256:
                    del agent.packages[header.sha256]
                    return messages.Refused(reason=Refusal.CODE_UNAVAILABLE, message="damaged")
                return messages.Stored()
            case messages.Adopt():
                if header.id != agent.version:
                    return messages.Refused(reason=Refusal.WRONG_VERSION)
                agent.owner = self
                return messages.Adopted(
                    environments=list(agent.environments), busy=list(agent.busy)
                )
            case messages.Specialise() if agent.version is None:
                if header.image is None and header.code_sha256 not in agent.packages:
                    return messages.Refused(reason=Refusal.CODE_UNAVAILABLE, message="not sent")
                agent.version, agent.specialise, agent.owner = header.id, header, self
                return messages.Specialised()
            case _ if agent.owner is not self:
                return messages.Refused(reason=Refusal.MOVED)
            case messages.Drain():
                agent.is_draining = True
                return messages.Drained() if not agent.busy else None
            case _ if agent.is_draining:
                return messages.Refused(reason=Refusal.DRAINING)
            case messages.Start():
                assert agent.specialise is not None
                if len(agent.environments) >= (agent.specialise.environments_max or 10):
                    return messages.Refused(reason=Refusal.FULL)
                name = f"{agent.name}/{next(agent._numbers)}"
                agent.environments.append(name)
                return messages.Started(environment=name, init_ms=1.0)
            case messages.Invoke():
                if header.environment not in agent.environments:
                    return messages.Refused(reason=Refusal.UNKNOWN_ENVIRONMENT)
                if header.environment in agent.busy:
                    return messages.Refused(reason=Refusal.BUSY)
                agent.busy[header.environment] = self, stream
                return None
            case messages.Stop():
                agent.environments.remove(header.environment)
                return messages.Gone(environment=header.environment)
            case _:
                raise AssertionError(header)

    def closed(self, reason: str) -> None:
        del reason
        self.agent.callers.remove(self)
        if self.agent.owner is self:
            self.agent.owner = None


async def listen(agent: PodAgent, address: str, port: int) -> asyncio.Server:
    """Let an agent serve over TCP, to those who know the secret."""

    class Accepted(frames.StreamConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.open(proof.Gate(self, SECRET, lambda _name: agent.accept(self)))

    return await asyncio.get_running_loop().create_server(Accepted, address, port)


def connect(agent: PodAgent) -> connection.Connection:
    """Connect to an agent in memory."""
    ours, theirs = connection.memory_pair()
    theirs.open(agent.accept(theirs))
    return ours
