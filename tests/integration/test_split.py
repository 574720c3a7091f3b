"""Gateway and agents with a socket between them: the split that a cluster makes, unchanged."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import platform_process
import pytest

from inglenook import errors, settings
from inglenook.aio import clock, tasks
from inglenook.model import function
from inglenook.routing import invocation
from inglenook.store import code as code_store
from inglenook.telemetry.logs import LogEvent
from inglenook.wire import connection, frames, messages
from inglenook_agent import agent, maker
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor import supervisor
from inglenook_gateway.dispatch import dispatcher, pods


class Discarded:
    """A log sink for logs that no test looks at."""

    def write(self, group: str, stream: str, events: object) -> None:
        assert all(isinstance(each, LogEvent) for each in events)  # type: ignore[attr-defined]


class Pods:
    """Agents behind a Unix socket: whoever connects has leased one."""

    def __init__(self, path: Path, shared: supervisor.Supervisor, code: maker.CodeSource) -> None:
        self._path = path
        self._shared = shared
        self._code = code
        self.tasks = tasks.Tasks()
        self.agents: list[agent.Agent] = []

    async def listen(self) -> asyncio.Server:
        pods = self

        class Accepted(frames.StreamConnection):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                pods.accept(self)

        return await asyncio.get_running_loop().create_unix_server(Accepted, self._path)

    def accept(self, end: connection.Connection) -> None:
        made = agent.Agent(
            name=f"pod-{len(self.agents)}", connection=end, supervisor=self._shared,
            code=self._code, logs=Discarded(), clock=clock.SystemClock(),
            settings=AgentSettings(), tasks=self.tasks,
        )  # fmt: skip
        self.agents.append(made)
        made.start()

    async def lease(self, wanted: pods.Wanted, *, is_ahead: bool) -> pods.Pod:
        del is_ahead
        assert wanted.runtime in {platform_process.RUNTIME, "provided.al2023"}
        loop = asyncio.get_running_loop()
        _, end = await loop.create_unix_connection(frames.StreamConnection, self._path)
        return pods.Pod(name="behind a socket", connection=end)

    def has_free(self, wanted: pods.Wanted) -> bool:
        del wanted
        return True


@contextlib.asynccontextmanager
async def stand(
    folder: Path,
) -> AsyncIterator[tuple[dispatcher.Dispatcher, Pods, code_store.CodeStore]]:
    blobs = await code_store.CodeStore.open(folder / "code")
    unpacked = await code_store.UnpackedCode.open(blobs, folder / "unpacked")
    owned = tasks.Tasks()
    shared = supervisor.Supervisor(AgentSettings(scratch=folder / "scratch"), owned)
    await shared.start()
    pods = Pods(folder / "socket", shared, unpacked)
    server = await pods.listen()
    runner = dispatcher.Dispatcher(
        supply=pods, time=clock.SystemClock(), limits=settings.Gateway(drain_timeout_s=5),
        region="us-east-1", account="000000000000",
    )  # fmt: skip
    try:
        yield runner, pods, blobs
    finally:
        await runner.close()
        for each in pods.agents:
            await each.close()
        server.close()
        await server.wait_closed()
        await shared.close()
        await owned.close()
        await pods.tasks.close()


async def spec(blobs: code_store.CodeStore, source: str) -> function.Spec:
    return function.Spec(
        code=await blobs.put(platform_process.package(source)),
        runtime=platform_process.RUNTIME, handler="app.handler", role=platform_process.ROLE,
        logging=function.Logging(log_group="/aws/lambda/f"), timeout_s=20,
    )  # fmt: skip


VERSION = messages.VersionId(
    function_name="f", function_uid="u", version=function.LATEST, generation=1
)


def event(payload: object, number: int = 0) -> invocation.Event:
    return invocation.Event(
        request_id=f"00000000-0000-4000-8000-{number:012d}", arn="arn", trace_id="Root=1-0-0",
        payload=json.dumps(payload).encode(), wants_tail=True,
    )  # fmt: skip


async def test_functions_run_behind_a_socket(tmp_path: Path) -> None:
    async with stand(tmp_path) as (runner, pods, blobs):
        what = await spec(
            blobs, "import time\ndef handler(e, c):\n    time.sleep(0.1)\n    return [e]\n"
        )
        calls = [runner.invoke(VERSION, what, event(n, n)) for n in range(20)]
        outcomes = await asyncio.gather(*calls)
        assert [json.loads(bytes(each.payload)) for each in outcomes] == [[n] for n in range(20)]
        assert all(each.result.tail for each in outcomes)
        assert len(pods.agents) == 1
        big = "x" * 6_000_000
        outcome = await runner.invoke(VERSION, what, event(big))
        assert json.loads(bytes(outcome.payload)) == [big]


CALLS_THEN_SLEEPS = """
import socket, time
def handler(event, context):
    if event:
        socket.create_connection(("127.0.0.1", event)).close()
        time.sleep(15)
    return "done"
"""


async def test_a_pod_that_is_lost_fails_what_ran_in_it_and_is_replaced(tmp_path: Path) -> None:
    is_running = asyncio.Event()

    async def called(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_running.set()
        writer.close()

    listener = await asyncio.start_server(called, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, stand(tmp_path) as (runner, pods, blobs):
        what = await spec(blobs, CALLS_THEN_SLEEPS)
        call = runner.invoke(VERSION, what, event(port))
        async with asyncio.timeout(10):
            await is_running.wait()
        await pods.agents[0].close()
        with pytest.raises(errors.ServiceError):
            await call
        outcome = await runner.invoke(VERSION, what, event(0))
        assert json.loads(bytes(outcome.payload)) == "done"
        assert len(pods.agents) == 2
