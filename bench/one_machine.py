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
import io
import json
import os
import platform
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import boto3
import botocore.config
import psutil
from rich import console, table

HERE = Path(__file__).resolve().parent
HANDLER = "def handler(event, context):\n    return event\n"
SLOW_HANDLER = "import time\n\ndef handler(event, context):\n    time.sleep(1)\n    return event\n"
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
EVENT = json.dumps({"key1": "value1", "key2": "value2", "key3": "value3"})


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


def package(source: str, name: str = "app.py") -> bytes:
    """Zip one executable file."""
    buffer = io.BytesIO()
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o100755 << 16
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, source)
    return buffer.getvalue()


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
            Role="arn:aws:iam::000000000000:role/bench",
            Handler="app.handler",
            Code={"ZipFile": zipped},
        )
        self.client.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}
        )

    def invoke_url(self, name: str) -> str:
        """Return where a function is invoked."""
        return f"http://127.0.0.1:{self.port}/2015-03-31/functions/{name}/invocations"


def wrk(url: str, connections: int, seconds: int, kind: str = "") -> dict[str, float]:
    """Drive `url` with wrk; return requests per second, percentiles in ms, and errors.

    `kind` is the invocation type, if not the default.
    """
    script = HERE / "post.lua"
    output = subprocess.run(
        [
            "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency",
            "-s", str(script), url, "--", EVENT, *([kind] if kind else []),
        ],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])}  # type: ignore[index]
    for percentile in (50, 99):
        number, unit = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", output).groups()  # type: ignore[union-attr]
        found[f"p{percentile}_ms"] = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    broken = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output
    )
    found["errors"] = int(errors[1]) if errors else 0
    found["errors"] += sum(int(each) for each in broken.groups()) if broken else 0
    return found


def _waiting(data: Path) -> int:
    """Count the events in the queue."""
    with contextlib.closing(sqlite3.connect(f"file:{data}/events.sqlite?mode=ro", uri=True)) as db:
        count: int = db.execute("SELECT count(*) FROM items").fetchone()[0]
        return count


def events(target: Platform, name: str, data: Path, seconds: int) -> dict[str, float]:
    """Return how many events were accepted per second, and then run per second."""
    found = wrk(target.invoke_url(name), 64, seconds, "Event")
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


def machine() -> dict[str, object]:
    """Return the facts that figures depend on."""
    commit = subprocess.run(
        ["git", "-C", str(HERE), "describe", "--always", "--dirty"],
        check=False, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    return {
        "commit": commit,
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _quantiles(taken_ms: list[float]) -> dict[str, float]:
    taken_ms.sort()
    return {
        "n": len(taken_ms),
        "p50_ms": statistics.median(taken_ms),
        "p99_ms": taken_ms[int(len(taken_ms) * 0.99)],
    }


def measure(seconds: int, first: int) -> dict[str, object]:
    """Run every scenario; return the figures by name."""
    figures: dict[str, object] = {}
    port, echo_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="inglenook-bench-") as data:
        up = [sys.executable, "-m", "inglenook_local", "up", "--json", "--port", str(port)]
        with running([*up, "--data", data], "endpoint") as server:
            target = Platform(port)
            target.create("echo")
            wrk(target.invoke_url("echo"), 64, 2)
            figures["warm, 64 connections"] = wrk(target.invoke_url("echo"), 64, seconds)
            figures["warm, 1 connection"] = wrk(target.invoke_url("echo"), 1, seconds)
            figures["events, 64 connections"] = events(target, "echo", Path(data), seconds)
            figures["first byte of a stream"] = _quantiles(first_bytes(target, 2000))
            figures["first invoke of a new function"] = _quantiles(first_invokes(target, first))
            if sys.platform == "linux":
                size = idle_environment_bytes(target, server.pid, 20)
                figures["private memory of an idle environment"] = {"mib": size / 2**20}
            resident = psutil.Process(server.pid).memory_info().rss
            figures["memory of the platform's own process"] = {"mib": resident / 2**20}
    echo = [sys.executable, str(HERE / "echo_server.py"), str(echo_port)]
    with running(echo, "ready"):
        url = f"http://127.0.0.1:{echo_port}/"
        wrk(url, 64, 2)
        figures["bare aiohttp echo, 64 connections"] = wrk(url, 64, seconds)
        figures["bare aiohttp echo, 1 connection"] = wrk(url, 1, seconds)
    return figures


def main() -> None:
    """Measure, print, and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="length of each warm scenario")
    parser.add_argument("--first", type=int, default=200, help="how many new functions")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not on the PATH: apt install wrk, or brew install wrk")
    facts = machine()
    figures = measure(options.seconds, options.first)
    shown = table.Table(
        "scenario", "figure", "value", title=", ".join(f"{k} {v}" for k, v in facts.items())
    )
    for name, values in figures.items():
        for figure, value in values.items():  # type: ignore[attr-defined]
            shown.add_row(name, figure, f"{value:,.2f}" if isinstance(value, float) else str(value))
    console.Console().print(shown)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    path = results / f"one-machine-{time.strftime('%Y%m%dT%H%M%S')}.json"
    path.write_text(json.dumps({"machine": facts, "figures": figures}, indent=2) + "\n")
    print(path)


if __name__ == "__main__":
    main()
