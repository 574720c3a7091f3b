"""The load generator wrk: a fixed number of connections, each with one request after the other."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "post.lua"


def require() -> None:
    """End the program if there is no wrk."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is not on the PATH: apt install wrk, or brew install wrk")


def drive(
    url: str, body: str, *, connections: int, seconds: int, kind: str = ""
) -> dict[str, float]:
    """Post `body` to `url`; return requests per second, percentiles in ms, and errors.

    `kind` is the invocation type, if not the default.
    """
    output = subprocess.run(
        [
            "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency",
            "-s", str(SCRIPT), url, "--", body, *([kind] if kind else []),
        ],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return parsed(output)


def parsed(output: str) -> dict[str, float]:
    """Read what wrk has printed."""
    found = {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])}  # type: ignore[index] # always there
    for percentile in (50, 99):
        number, unit = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", output).groups()  # type: ignore[union-attr] # always there
        found[f"p{percentile}_ms"] = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    broken = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output
    )
    found["errors"] = int(errors[1]) if errors else 0
    found["errors"] += sum(int(each) for each in broken.groups()) if broken else 0
    return found
