"""The load generator oha: requests at a fixed rate, whatever becomes of those before them.

Each counts from when it was due to be sent (oha's latency correction): a server that stands still
for a moment is charged for all that would have come in it. oha's clock ticks in ms, so above 1,000
a second several come at a time.
"""

import csv
import io
import shutil
import subprocess
import sys
import tempfile

from measuring.histogram import Histogram
from measuring.samples import Sample


def is_there() -> bool:
    """Tell whether oha is on the PATH."""
    return shutil.which("oha") is not None


def require() -> None:
    """End the program if there is no oha."""
    if not is_there():
        sys.exit("oha is not on the PATH: cargo install oha, or brew install oha")


def version() -> str:
    """Return what it calls itself."""
    if not is_there():
        return "no oha"
    done = subprocess.run(["oha", "--version"], check=False, capture_output=True, text=True)
    return done.stdout.strip()


def sample(url: str, body: str, *, per_s: float, seconds: float, connections: int = 64) -> Sample:
    """Post `body` at a rate; all are waited for, so more than the server can do takes longer."""
    asked = max(1, round(per_s * seconds))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as event:
        event.write(body)
        event.flush()
        output = subprocess.run(
            [
                "oha", "--no-tui", "--output-format", "csv", "--latency-correction",
                "-m", "POST", "-T", "application/json", "-D", event.name, "-t", "30s",
                "-q", f"{per_s:g}", "-n", str(asked), "-c", str(connections), url,
            ],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    return parsed(output, asked)


def parsed(output: str, asked: int) -> Sample:
    """Read oha's CSV, which has a row for each answer; what it leaves out has failed."""
    rows = list(csv.DictReader(io.StringIO(output)))
    well = [row for row in rows if row["status"] == "200"]
    taken = [float(row["request-duration"]) for row in well]
    starts = [float(row["request-start"]) for row in well]
    ends = [start + took for start, took in zip(starts, taken, strict=True)]
    return Sample(
        requests=len(well),
        seconds=max(ends) - min(starts) if well else 1.0,
        errors=asked - len(well),
        times=Histogram.of_ms(each * 1000 for each in taken),
    )
