"""A profile of a process while it is measured, by py-spy: a flame graph, or data for one."""

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from measuring import results

FORMATS = {"flamegraph": "svg", "speedscope": "json", "raw": "txt"}
_RATE = 250
_WRITTEN_WITHIN_S = 60.0


def add_option(to: argparse.ArgumentParser, whom: str) -> None:
    """Have `--profile` on a command line, with the form as its value."""
    to.add_argument(
        "--profile",
        nargs="?",
        const="flamegraph",
        choices=list(FORMATS),
        help=f"record {whom}, into bench/results/profiles/",
    )


@contextlib.contextmanager
def profiled(pid: int, name: str, form: str | None) -> Iterator[None]:
    """Record the process until the block ends, if a form is asked for; where it is kept is said.

    Sampling does not stop the process, but takes CPU beside it: compare profiled figures with
    profiled ones only. A profile that cannot be made is said, and the measurement goes on.
    """
    if form is None:
        yield
        return
    program = shutil.which("py-spy", path=Path(sys.executable).parent) or shutil.which("py-spy")
    if program is None:
        _say(name, "py-spy is not installed: ./dev bench installs it; or pip install py-spy")
        yield
        return
    folder = results.FOLDER / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.{FORMATS[form]}"
    target.unlink(missing_ok=True)
    command = [
        program, "record", "--nonblocking", "--rate", str(_RATE), "--format", form,
        "--output", str(target), "--pid", str(pid), "--duration", "unlimited",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    ) as recorder:  # fmt: skip
        try:
            yield
        finally:
            # As Ctrl-C would: it writes what it has.
            recorder.send_signal(signal.SIGINT)
            try:
                said, _ = recorder.communicate(timeout=_WRITTEN_WITHIN_S)
            except subprocess.TimeoutExpired:
                recorder.kill()
                said, _ = recorder.communicate()
            if target.exists():
                print(f"profile of {name}: {target}")
            else:
                last = (said.strip().splitlines() or ["it has said nothing"])[-1]
                _say(name, f"{last} (py-spy needs the right to read the process: root, or ptrace)")


def _say(name: str, why: str) -> None:
    print(f"no profile of {name}: {why}", file=sys.stderr)
