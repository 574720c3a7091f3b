"""The life of a process in a pod: opened, ready, told to stop, ended; as its own process."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import msgspec
from support import ports

PROGRAM = """
import asyncio
from inglenook.aio import tasks
from inglenook_cluster import process

async def serve(of, stack):
    of.needs("part")
    await of.listen(stack)
    owned = tasks.Tasks(on_failure=of.died)
    stack.push_async_callback(owned.close)
    stack.callback(print, "closed", flush=True)
    BODY
    of.done("part")
    print("open", flush=True)
    async def leave():
        print("leaving", flush=True)
    return leave

process.main("gateway", serve)
"""


@dataclass
class Program:
    process: asyncio.subprocess.Process
    port: int

    async def line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            return (await self.process.stdout.readline()).decode().strip()

    async def end(self) -> tuple[int, list[str]]:
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            rest = (await self.process.stdout.read()).decode().splitlines()
            return await self.process.wait(), rest

    async def ready(self) -> int:
        """Return the status of `/ready`, once anybody listens."""
        async with asyncio.timeout(20), aiohttp.ClientSession() as client:
            while True:
                try:
                    async with client.get(f"http://127.0.0.1:{self.port}/ready") as answer:
                        return answer.status
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(body: str, **variables: str) -> AsyncIterator[Program]:
    [port] = ports.free()
    environment = {
        "INGLENOOK_CLUSTER_STATUS_PORT": str(port),
        "PYTHONPATH": ":".join(filter(None, sys.path)),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM.replace("BODY", body)),
        stdout=asyncio.subprocess.PIPE,
        env=environment | variables,
    )
    try:
        yield Program(process, port)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_signal_ends_it_in_order() -> None:
    async with running("pass") as program:
        assert await program.line() == "open"
        assert await program.ready() == 200
        program.process.send_signal(signal.SIGTERM)
        assert await program.end() == (0, ["leaving", "closed"])


async def test_it_can_be_stopped_while_what_it_needs_is_not_there() -> None:
    async with running("await asyncio.Event().wait()") as program:
        assert await program.ready() == 503
        program.process.send_signal(signal.SIGTERM)
        assert await program.end() == (0, ["closed"])


async def test_a_part_that_dies_ends_it_with_a_failure() -> None:
    body = "_ = owned.start(asyncio.sleep('x'), name='the part')"
    async with running(body) as program:
        code, lines = await program.end()
        assert code == 1
        assert lines[-1] != "closed"
        assert "the part" in lines[-1]
        assert "closed" in lines


async def test_what_cannot_be_opened_ends_it_with_a_failure() -> None:
    async with running("raise OSError('no such thing')") as program:
        code, lines = await program.end()
        assert code == 1
        assert any("no such thing" in line for line in lines)


async def test_settings_that_cannot_be_used_are_named() -> None:
    async with running("pass", INGLENOOK_GATEWAY_DRAIN_DELAY_S="soon") as program:
        code, lines = await program.end()
        assert code == 2
        told = msgspec.json.decode(lines[0])
        assert "INGLENOOK_GATEWAY_DRAIN_DELAY_S" in told["message"]
