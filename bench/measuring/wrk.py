"""The load generator wrk: a fixed number of connections, each with one request after the other."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring.histogram import Histogram
from measuring.samples import Sample

SCRIPT = Path(__file__).resolve().parents[1] / "post.lua"


def require() -> None:
    """End the program if there is no wrk."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is not on the PATH: apt install wrk, or brew install wrk")


def version() -> str:
    """Return what it calls itself."""
    said = subprocess.run(["wrk", "-v"], check=False, capture_output=True, text=True).stdout
    return said.splitlines()[0].split("[")[0].strip() if said else "no wrk"


def sample(
    url: str, body: str, *, connections: int, seconds: float, kind: str = "", threads: int = 1
) -> Sample:
    """Post `body` to `url` again and again.

    `kind` is the invocation type, if not the default. Latencies are of all requests, those that
    were refused as well; a request that gets no answer within 30 s is an error.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json") as event:
        event.write(body)
        event.flush()
        output = subprocess.run(
            [
                "wrk", "-t", str(threads), "-c", str(connections),
                "-d", f"{max(1, round(seconds))}s", "--timeout", "30s",
                "-s", str(SCRIPT), url, "--", event.name, *([kind] if kind else []),
            ],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    return parsed(output)


def drive(
    url: str, body: str, *, connections: int, seconds: float, kind: str = ""
) -> dict[str, float]:
    """Return the figures of a sample: requests per second, quantiles in ms, errors."""
    found = sample(url, body, connections=connections, seconds=seconds, kind=kind).figures()
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def parsed(output: str) -> Sample:
    """Read what the script has printed."""
    counted = re.search(r"^counted (\d+) (\d+) (\d+)$", output, re.MULTILINE)
    if counted is None:
        raise ValueError(f"wrk has said nothing of what it counted: {output}")
    requests, us, errors = map(int, counted.groups())
    times = Histogram()
    for taken, count in re.findall(r"^latency (\d+) (\d+)$", output, re.MULTILINE):
        times.add_us(int(taken), int(count))
    return Sample(requests=requests - errors, seconds=us / 1e6, errors=errors, times=times)
