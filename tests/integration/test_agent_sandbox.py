"""What an agent makes of the walls: a /tmp that is kept and let go of, memory, and what it says."""

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
from support import agent_stand

from inglenook.wire import messages

LOOK = """
import os, tempfile
def handler(event, context):
    if event:
        open(tempfile.gettempdir() + "/" + event, "w").close()
        if event == "last":
            os._exit(1)
    return sorted(os.listdir(tempfile.gettempdir()))
"""


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[agent_stand.Gateway]:
    async with agent_stand.standing(tmp_path) as standing:
        if standing.supervisor.walls.storage:
            pytest.skip(f"no storage here: {standing.supervisor.walls.storage}")
        yield standing


def spawner_of(gateway: agent_stand.Gateway) -> psutil.Process:
    (pool,) = gateway.supervisor._pools.values()
    assert pool._spawner is not None
    assert pool._spawner._process is not None
    return psutil.Process(pool._spawner._process.pid)


def kept(spawner: psutil.Process) -> int:
    """Return how many environments' files a spawner keeps."""
    mounts = Path(f"/proc/{spawner.pid}/mounts").read_text().splitlines()
    return sum(" /var/task/.storage/" in line for line in mounts)


async def test_what_an_environment_had_goes_with_it(gateway: agent_stand.Gateway) -> None:
    await gateway.function(LOOK)
    environments = [(await gateway.start()).environment for _ in range(3)]
    for environment in environments:
        await gateway.invoke(environment, b'"mine"')
        await gateway.invoke(environment, b'"last"')
        assert (await gateway.invoke(environment, b'""')).json == ["last", "mine"]
    spawner = spawner_of(gateway)
    for environment in environments:
        await gateway.ask(messages.Stop(environment=environment))
    again = (await gateway.start()).environment
    assert (await gateway.invoke(again, b'""')).json == []
    # The one that runs, and the spares; what is released is gone before the next is forked.
    assert kept(spawner) <= 1 + 2 + 1


async def test_when_the_spawner_dies_an_environment_goes_on_with_an_empty_tmp(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(LOOK)
    environment = (await gateway.start()).environment
    assert (await gateway.invoke(environment, b'"mine"')).json == ["mine"]
    spawner = spawner_of(gateway)
    os.kill(spawner.pid, signal.SIGKILL)
    await asyncio.to_thread(spawner.wait, agent_stand.DEADLINE_S)
    answers = [await gateway.invoke(environment, b'""', f"r-{number}") for number in range(3)]
    assert answers[-1].result.error is None
    assert answers[-1].json == []


async def test_nothing_is_left_of_an_environment_that_ended(gateway: agent_stand.Gateway) -> None:
    await gateway.function(
        """
        import subprocess
        def handler(event, context):
            for _ in range(3):
                subprocess.Popen(["sleep", "7351"], start_new_session=True)
        """
    )
    environment = (await gateway.start()).environment
    await gateway.invoke(environment)
    # It keeps what it knows of a pid, which may be another process's by now.
    psutil.process_iter.cache_clear()
    left = [
        one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "7351"]
    ]
    assert len(left) == 3
    await gateway.ask(messages.Stop(environment=environment))
    gone, alive = psutil.wait_procs(left, timeout=agent_stand.DEADLINE_S)
    assert (len(gone), alive) == (3, [])


async def test_memory_counts_without_the_files_and_is_limited_with_them(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(
        """
        import time
        def handler(event, context):
            files, memory = event
            with open("/tmp/file", "wb") as file:
                for _ in range(files):
                    file.write(bytes(1 << 20))
            held = b"x" * (memory << 20)
            time.sleep(0.3 if memory < 128 else 10)
            return len(held) >> 20
        """,
        memory_mb=128,
    )
    environment = (await gateway.start()).environment
    fits = await gateway.invoke(environment, b"[300, 60]")
    assert fits.json == 60
    assert 60 < fits.result.max_memory_mb < 128
    lost = await gateway.invoke(environment, b"[300, 200]", "r-2", wants_tail=True)
    assert lost.result.error == "Runtime.ExitError"
    assert lost.tail.endswith("\tStatus: error\tError Type: Runtime.OutOfMemory\n")
    after = await gateway.invoke(environment, b"[300, 60]", "r-3")
    assert after.json == 60


UNHEARD = """
import os, socket, threading
def fill():
    with open("/tmp/file", "wb", buffering=0) as file:
        for _ in range(400):
            file.write(bytes(1 << 20))
def handler(event, context):
    what, port = event
    with socket.create_connection(("127.0.0.1", port)) as test:
        test.recv(100)
        if what == "files":
            filling = threading.Thread(target=fill)
            filling.start()
            filling.join(1.5)
        else:
            held = b"x" * (300 << 20)
    filling.join()
    return os.path.getsize("/tmp/file") >> 20
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


async def begun(
    gateway: agent_stand.Gateway, listener: socket.socket, what: str
) -> tuple["asyncio.Future[agent_stand.Answer]", socket.socket]:
    """Return an answer to come, and the connection of a function that waits to be let go on."""
    await gateway.function(UNHEARD, memory_mb=128, timeout_s=60)
    environment = (await gateway.start()).environment
    event = json.dumps([what, listener.getsockname()[1]]).encode()
    running = gateway.invoke_soon(environment, event, wants_tail=True)
    async with asyncio.timeout(agent_stand.DEADLINE_S):
        function, _ = await asyncio.get_running_loop().sock_accept(listener)
    return running, function


def deaf_until_over(function: socket.socket) -> None:
    """Let a function go on, and hold up this thread, which is the agent's, until it hangs up."""
    with function:
        function.settimeout(agent_stand.DEADLINE_S)
        function.sendall(b"go on")
        assert function.recv(100) == b""


Filling = tuple["asyncio.Future[agent_stand.Answer]", socket.socket]


@pytest.fixture
async def filling(gateway: agent_stand.Gateway, listener: socket.socket) -> Filling:
    """A function that is going to fill its /tmp, where it can be made to wait for the agent."""
    if gateway.supervisor._openings is None:
        pytest.skip("nobody can be made to wait here")
    return await begun(gateway, listener, "files")


async def test_who_fills_tmp_while_the_agent_is_deaf_is_not_killed(filling: Filling) -> None:
    running, function = filling
    deaf_until_over(function)
    assert (await running).json == 400


async def test_who_fills_tmp_while_the_spawner_is_deaf_is_not_killed(
    gateway: agent_stand.Gateway, filling: Filling
) -> None:
    running, function = filling
    spawner = spawner_of(gateway)
    spawner.suspend()
    try:
        with function:
            function.sendall(b"go on")
            async with asyncio.timeout(agent_stand.DEADLINE_S):
                assert (await running).json == 400
    finally:
        spawner.resume()


async def test_who_exceeds_its_memory_while_the_agent_is_deaf_is_killed(
    gateway: agent_stand.Gateway, listener: socket.socket
) -> None:
    if gateway.supervisor._cgroups is None:
        pytest.skip("no control groups here")
    running, function = await begun(gateway, listener, "memory")
    deaf_until_over(function)
    lost = await running
    assert lost.result.error == "Runtime.ExitError"
    assert lost.tail.endswith("\tStatus: error\tError Type: Runtime.OutOfMemory\n")


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_missing_walls_are_warned_of_once(
    is_wanted: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with agent_stand.standing(tmp_path, use_sandbox=is_wanted) as gateway:
            await gateway.function(LOOK)
            for _ in range(2):
                await gateway.start()
            walls = gateway.supervisor.walls
    told = [record.getMessage() for record in caplog.records]
    if is_wanted and walls.warning() is None:
        assert told == []
        assert walls.summary().startswith("own view of files, own processes")
    else:
        (warning,) = told
        assert "the sandbox of functions is not whole" in warning
    if not is_wanted:
        assert "switched off" in told[0]
        assert walls.summary() == "none"
