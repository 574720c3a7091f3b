"""Agents that do what a test says, over a real connection: refuse, stay silent, die.

They speak the real messages. A test gives `Supply` to a dispatcher and prepares each agent.
"""

import asyncio
from collections.abc import Callable

from inglenook.model import function
from inglenook.routing import invocation
from inglenook.wire import connection, messages
from inglenook_gateway.dispatch import pods

SPEC = function.Spec(
    code=function.Code(sha256="0" * 64, size_bytes=1),
    runtime="python3.12",
    handler="app.handler",
    role="arn:aws:iam::000000000000:role/r",
    logging=function.Logging(log_group="/aws/lambda/f"),
)
VERSION = messages.VersionId(
    function_name="f", function_uid="u", version=function.LATEST, generation=1
)


class ScriptedAgent:
    """The agent's end: answers at once, unless `on` says what to do with a kind of message."""

    def __init__(self, end: connection.Connection) -> None:
        self.end = end
        self.on: dict[type, Callable[[int, messages.Header], None]] = {}
        self.seen: list[messages.Header] = []
        self.environments = 0
        self.ended = asyncio.Event()
        self.held: list[tuple[int, messages.Invoke, connection.Body]] = []
        end.open(self)

    def received(self, stream: int, header: messages.Header, body: connection.Body) -> None:
        self.seen.append(header)
        if type(header) in self.on:
            self.on[type(header)](stream, header)
            return
        match header:
            case messages.Specialise():
                self.end.send(stream, messages.Specialised())
            case messages.Start():
                self.environments += 1
                self.end.send(
                    stream, messages.Started(environment=f"e{self.environments}", init_ms=1.0)
                )
            case messages.Invoke():
                self.held.append((stream, header, body))
            case messages.Stop():
                self.end.send(stream, messages.Gone(environment=header.environment))
            case _:
                raise AssertionError(header)

    def answer(self) -> None:
        stream, _, body = self.held.pop(0)
        self.end.send(stream, messages.Result(), body)

    def closed(self, reason: str) -> None:
        self.ended.set()

    def refuse(self, reason: messages.Refusal) -> Callable[[int, messages.Header], None]:
        def answer(stream: int, _header: messages.Header) -> None:
            self.end.send(stream, messages.Refused(reason=reason, message="because"))

        return answer


class Supply:
    """Pods whose agents are scripted; `prepare` is called with each new one."""

    def __init__(self) -> None:
        self.agents: list[ScriptedAgent] = []
        self.prepare: Callable[[ScriptedAgent], None] = lambda _agent: None
        self.failures: list[Exception] = []
        self.leased = asyncio.Event()

    async def lease(self, wanted: pods.Wanted, *, is_ahead: bool) -> pods.Pod:
        del wanted, is_ahead
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        mine, theirs = connection.memory_pair()
        agent = ScriptedAgent(theirs)
        self.prepare(agent)
        self.agents.append(agent)
        self.leased.set()
        return pods.Pod(name=f"pod-{len(self.agents)}", connection=mine)

    def has_free(self, wanted: pods.Wanted) -> bool:
        del wanted
        return True


def event(payload: bytes = b"{}") -> invocation.Event:
    return invocation.Event(request_id="r", arn="arn", payload=payload, trace_id="t")


async def soon(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_true():  # noqa: ASYNC110 - many things may make it true
            await asyncio.sleep(0)
