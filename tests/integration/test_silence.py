"""Machines that go without a word are noticed, whether anything was asked of them or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support import silent_sockets
from support.pod_agents import SECRET, Caller, PodAgent

from inglenook.wire import frames, messages, proof, silence
from inglenook_gateway.cluster import dialling
from inglenook_gateway.dispatch import link, pods

NOTICED_S = silence.NODE_S + 2.5


class Server:
    """An agent that serves over TCP, and can fall silent."""

    def __init__(self) -> None:
        self.agent = PodAgent("pod-1")
        self.transports: list[asyncio.BaseTransport] = []
        self.port = 0

    async def fall_silent(self) -> None:
        for each in self.transports:
            await silent_sockets.silence(each)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    made = Server()

    class Accepted(frames.StreamConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            made.transports.append(transport)
            self.open(proof.Gate(self, SECRET, self._admitted))

        def _admitted(self, _name: str) -> Caller:
            return made.agent.accept(self)

    server = await asyncio.get_running_loop().create_server(Accepted, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for each in made.transports:
            assert isinstance(each, asyncio.Transport)
            each.abort()
        await asyncio.sleep(0)


class Holder:
    """Whose pods they are."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def environment_gone(self, of: link.AgentLink, name: str) -> None:
        raise AssertionError((of, name))

    def environment_freed(self, of: link.AgentLink, name: str) -> None:
        raise AssertionError((of, name))

    def link_closed(self, of: link.AgentLink, reason: str) -> None:
        del of, reason
        self.lost.set()


@pytest.mark.parametrize("is_busy", [False, True])
async def test_a_pod_whose_node_has_lost_power_is_lost_within_seconds(is_busy: bool) -> None:
    async with serving() as server:
        dialler = dialling.Dialler(name="gateway-1", secret=SECRET, port=server.port)
        greeted, _ = await dialler.greet("127.0.0.1")
        holder = Holder()
        pod = link.AgentLink(
            pods.Pod(name="pod-1", connection=greeted.connection, is_local=False), holder
        )
        pod.open()
        await server.fall_silent()
        answers: list[messages.Header | None] = []
        if is_busy:
            pod.ask(messages.Start(), b"", lambda header, _body: answers.append(header))
        async with asyncio.timeout(NOTICED_S):
            await holder.lost.wait()
        assert answers == [None] * is_busy
