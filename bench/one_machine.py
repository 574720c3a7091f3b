"""Measure the platform on one machine: `python bench/one_machine.py [--seconds N]`.

What is measured, each over HTTP on the loopback interface and with a Python handler that returns
its event:

- warm requests per second with 64 connections, beside a bare aiohttp server in the same run;
- latency of warm requests on one connection;
- the way of a streamed answer's first byte, from the function's write to the caller's read;
- asynchronous invocations per second with 64 connections: accepted (each on the disk before its
  202) while they are also run, and run once nothing more arrives;
- the first invoke of a new function, from request to answer, as its caller sees it;
- the private memory of an idle environment.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import boto3
import botocore.config
import psutil

from measuring import figures, machine, wrk
from measuring.functions import EVENT, HANDLER, ROLE, package

HERE = Path(__file__).resolve().parent
SLOW_HANDLER = "import time\n\ndef handler(event, context):\n    time.sleep(1)\n    return event\n"
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], ready: str) -> Iterator[subprocess.Popen[str]]:
    """Run a server until the block ends; wait for the line that says it is ready."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if ready in line:
                    break
            else:
                sys.exit(f"{command} ended before it was ready")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


class Platform:
    """A client of the platform under test."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.client = boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )

    def create(self, name: str, source: str = HANDLER) -> None:
        """Create a Python function and wait until it is active."""
        self._create(name, RUNTIME, package(source))

    def create_streaming(self, name: str) -> None:
        """Create a function that streams, and wait until it is active."""
        source = (HERE / "streaming_bootstrap.py").read_text()
        self._create(name, "provided.al2023", package(source, "bootstrap"))

    def _create(self, name: str, runtime: str, zipped: bytes) -> None:
        self.client.create_function(
            FunctionName=name,
            Runtime=runtime,
            Role=ROLE,
            Handler="app.handler",
            Code={"ZipFile": zipped},
        )
        self.client.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}
        )

    def invoke_url(self, name: str) -> str:
        """Return where a function is invoked."""
        return f"http://127.0.0.1:{self.port}/2015-03-31/functions/{name}/invocations"


def driven(url: str, connections: int, seconds: int, kind: str = "") -> dict[str, float]:
    """Drive `url` with wrk."""
    return wrk.drive(url, EVENT, connections=connections, seconds=seconds, kind=kind)


def _waiting(data: Path) -> int:
    """Count the events in the queue."""
    with contextlib.closing(sqlite3.connect(f"file:{data}/events.sqlite?mode=ro", uri=True)) as db:
        count: int = db.execute("SELECT count(*) FROM items").fetchone()[0]
        return count


def events(target: Platform, name: str, data: Path, seconds: int) -> dict[str, float]:
    """Return how many events were accepted per second, and then run per second."""
    found = driven(target.invoke_url(name), 64, seconds, "Event")
    backlog, began = _waiting(data), time.perf_counter()
    while _waiting(data):
        time.sleep(0.02)
    found["backlog"] = backlog
    found["drained_rate"] = backlog / (time.perf_counter() - began)
    return found


def first_invokes(target: Platform, count: int) -> list[float]:
    """Return the milliseconds that the first invoke of each of `count` new functions took."""
    connection = http.client.HTTPConnection("127.0.0.1", target.port)
    taken = []
    for n in range(count):
        target.create(f"first-{n}")
        path = f"/2015-03-31/functions/first-{n}/invocations"
        began = time.perf_counter()
        connection.request("POST", path, EVENT)
        response = connection.getresponse()
        answer = response.read()
        taken.append((time.perf_counter() - began) * 1000)
        assert response.status == 200, (response.status, answer)
        assert json.loads(answer) == json.loads(EVENT), answer
    return taken


def first_bytes(target: Platform, count: int) -> list[float]:
    """Return the milliseconds that the first byte of each of `count` streams was on its way."""
    target.create_streaming("streaming")
    connection = http.client.HTTPConnection("127.0.0.1", target.port)
    path = "/2021-11-15/functions/streaming/response-streaming-invocations"
    taken = []
    for _ in range(count + 1):
        connection.request("POST", path, EVENT)
        response = connection.getresponse()
        first = response.read1()
        read = time.monotonic_ns()
        written = re.search(rb" (\d{10,19})", first)
        assert written is not None, (response.status, first)
        taken.append((read - int(written[1])) / 1e6)
        response.read()
    return taken[1:]  # without the cold one


async def _simultaneous(url: str, count: int) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one() -> None:
            async with session.post(url, data=EVENT) as response:
                assert response.status == 200, await response.text()

        await asyncio.gather(*(one() for _ in range(count)))


def _private_bytes(pid: int) -> int:
    """Return what a process has for itself alone (Linux)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(int(size) for size in re.findall(r"Private_\w+:\s+(\d+) kB", rollup))


def idle_environment_bytes(target: Platform, server: int, count: int) -> float:
    """Return the median private memory of `count` environments that have run one event.

    Of the function's process and, where it has processes of its own, of the small init beside it.
    """
    target.create("idle", SLOW_HANDLER)
    before = {p.pid for p in psutil.Process(server).children(recursive=True)}
    asyncio.run(_simultaneous(target.invoke_url("idle"), count))
    sizes = []
    for process in psutil.Process(server).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
            if process.pid not in before:
                sizes.append(_private_bytes(process.pid))
    functions = [size for size in sizes if size >= 2**20]
    inits = [size for size in sizes if size < 2**20]
    assert len(functions) >= count, f"{len(functions)} processes for {count} environments"
    return statistics.median(functions) + (statistics.median(inits) if inits else 0)


def measure(seconds: int, first: int) -> dict[str, dict[str, float]]:
    """Run every scenario; return the figures by name."""
    found: dict[str, dict[str, float]] = {}
    port, echo_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="inglenook-bench-") as data:
        up = [sys.executable, "-m", "inglenook_local", "up", "--json", "--port", str(port)]
        with running([*up, "--data", data], "endpoint") as server:
            target = Platform(port)
            target.create("echo")
            driven(target.invoke_url("echo"), 64, 2)
            found["warm, 64 connections"] = driven(target.invoke_url("echo"), 64, seconds)
            found["warm, 1 connection"] = driven(target.invoke_url("echo"), 1, seconds)
            found["events, 64 connections"] = events(target, "echo", Path(data), seconds)
            found["first byte of a stream"] = figures.quantiles(first_bytes(target, 2000))
            found["first invoke of a new function"] = figures.quantiles(
                first_invokes(target, first)
            )
            if sys.platform == "linux":
                size = idle_environment_bytes(target, server.pid, 20)
                found["private memory of an idle environment"] = {"mib": size / 2**20}
            resident = psutil.Process(server.pid).memory_info().rss
            found["memory of the platform's own process"] = {"mib": resident / 2**20}
    echo = [sys.executable, str(HERE / "echo_server.py"), str(echo_port)]
    with running(echo, "ready"):
        url = f"http://127.0.0.1:{echo_port}/"
        driven(url, 64, 2)
        found["bare aiohttp echo, 64 connections"] = driven(url, 64, seconds)
        found["bare aiohttp echo, 1 connection"] = driven(url, 1, seconds)
    return found


def main() -> None:
    """Measure, print, and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="length of each warm scenario")
    parser.add_argument("--first", type=int, default=200, help="how many new functions")
    options = parser.parse_args()
    wrk.require()
    facts = machine.facts()
    found = measure(options.seconds, options.first)
    machine.show(facts, found)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    path = results / f"one-machine-{time.strftime('%Y%m%dT%H%M%S')}.json"
    path.write_text(json.dumps({"machine": facts, "figures": found}, indent=2) + "\n")
    print(path)


if __name__ == "__main__":
    main()
