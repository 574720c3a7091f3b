"""The servers that are measured on one machine: the platform, another commit's, and a bare one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import psutil

from measuring import functions

BENCH = Path(__file__).resolve().parents[1]
ROOT = BENCH.parent
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
_PACKAGES = (
    *("core", "cluster", "gateway", "operator", "worker", "local"),
    *("runtime-images/agent", "runtime-images/python"),
)
_STOPPED_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """A platform that runs, and its client."""

    port: int
    process: psutil.Process
    data: Path
    client: Any

    def create(self, name: str, source: str = functions.HANDLER, **more: object) -> None:
        """Create a Python function and wait until it is active."""
        self._create(name, RUNTIME, functions.package(source), more)

    def create_streaming(self, name: str) -> None:
        """Create a function that streams, and wait until it is active."""
        source = (BENCH / "streaming_bootstrap.py").read_text()
        self._create(name, "provided.al2023", functions.package(source, "bootstrap"), {})

    def _create(self, name: str, runtime: str, zipped: bytes, more: dict[str, object]) -> None:
        self.client.create_function(
            FunctionName=name,
            Runtime=runtime,
            Role=functions.ROLE,
            Handler="app.handler",
            Code={"ZipFile": zipped},
            **more,
        )
        self.client.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500}
        )

    def invoke_url(self, name: str) -> str:
        """Return where a function is invoked."""
        return f"http://127.0.0.1:{self.port}/2015-03-31/functions/{name}/invocations"

    def cpu_s(self) -> float:
        """Return the CPU time of the platform's own process so far."""
        return cpu_s(self.process)

    def whole_cpu_s(self) -> float:
        """Return the CPU time of the platform and of all that it has started and that lives."""
        whole = self.cpu_s()
        for child in self.process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                whole += cpu_s(child)
        return whole

    def processes(self) -> int:
        """Return how many processes the platform has started that live."""
        return len(self.process.children(recursive=True))

    def until_gone(self, but: int, deadline_s: float) -> None:
        """Wait until no more than so many of its processes are left. Raises TimeoutError."""
        until = time.monotonic() + deadline_s
        while (left := self.processes()) > but:
            if time.monotonic() > until:
                raise TimeoutError(f"{left} processes are left, not {but}")
            time.sleep(0.5)

    def resident(self) -> int:
        """Return the resident memory of the platform's own process, in bytes."""
        return int(self.process.memory_info().rss)

    def forget_peak(self) -> None:
        """Let `peak` begin from now on (Linux)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """Return the most that was resident of the platform's own process, in bytes (Linux)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        (found,) = [line for line in lines if line.startswith("VmHWM")]
        return int(found.split()[1]) * 1024


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU time of one process."""
    times = process.cpu_times()
    return float(times.user + times.system)


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    command: list[str], ready: str, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a server until the block ends; wait for the line that says it is ready."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=process.stdout.read, daemon=True)
        try:
            for line in process.stdout:
                if ready in line:
                    break
            else:
                sys.exit(f"{command} ended before it was ready")
            # A pipe that nobody reads would stop who writes into it.
            reader.start()
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=_STOPPED_S)
            except subprocess.TimeoutExpired:
                process.kill()
            if reader.ident is not None:
                reader.join()


@contextlib.contextmanager
def platform(
    checkout: Path = ROOT, settings: Mapping[str, str] | None = None
) -> Iterator[Platform]:
    """Have a platform of a checkout, with data of its own, until the block ends.

    With these settings, by the names of their environment variables.
    """
    port = free_port()
    paths = os.pathsep.join(str(checkout / each) for each in _PACKAGES)
    with tempfile.TemporaryDirectory(prefix="inglenook-bench-") as data:
        up = [sys.executable, "-m", "inglenook_local", "up", "--json", "--port", str(port)]
        variables = {"PYTHONPATH": paths, **(settings or {})}
        with running([*up, "--data", data], "endpoint", variables) as process:
            client = boto3.client(
                "lambda",
                endpoint_url=f"http://127.0.0.1:{port}",
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=botocore.config.Config(retries={"total_max_attempts": 1}),
            )
            yield Platform(
                port=port,
                process=psutil.Process(process.pid),
                data=Path(data),
                client=client,
            )


@contextlib.contextmanager
def echo() -> Iterator[tuple[str, psutil.Process]]:
    """Have a bare aiohttp server until the block ends: its URL and its process."""
    port = free_port()
    command = [sys.executable, str(BENCH / "echo_server.py"), str(port)]
    with running(command, "ready") as process:
        yield f"http://127.0.0.1:{port}/", psutil.Process(process.pid)


@contextlib.contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """Have a commit checked out beside this checkout until the block ends.

    Its code runs with the packages that are installed for this checkout.
    """
    with tempfile.TemporaryDirectory(prefix="inglenook-against-") as folder:
        place = Path(folder) / "checkout"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(place), commit], check=True)
        try:
            yield place
        finally:
            subprocess.run([*git, "remove", "--force", str(place)], check=True)
