"""The facts of this machine that figures depend on, what else it did meanwhile, and the table."""

import os
import platform
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
from rich import console, table

from measuring import oha, targets, wrk

HERE = Path(__file__).resolve().parent
Figures = Mapping[str, Mapping[str, object]]
"""By what was measured, and by figure."""


def facts() -> dict[str, object]:
    """Return what figures depend on."""
    commit = subprocess.run(
        ["git", "-C", str(HERE), "describe", "--always", "--dirty"],
        check=False, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    return {
        "commit": commit,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "generators": f"{wrk.version()}, {oha.version()}",
    }


def _cpu() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


class Meanwhile:
    """What the whole machine did while something was measured: others may share it."""

    def __init__(self) -> None:
        """Begin."""
        self._load = os.getloadavg()[0]
        self._before = psutil.cpu_times()

    def told(self) -> dict[str, float]:
        """Return load averages, and parts of the cores' time: busy, and stolen by the host."""
        before, now = self._before, psutil.cpu_times()
        passed = {name: getattr(now, name) - getattr(before, name) for name in now._fields}
        # The kernel counts a guest's time in `user` as well.
        counted = {k: v for k, v in passed.items() if not k.startswith("guest")}
        total = sum(counted.values()) or 1.0
        unused = passed["idle"] + passed.get("iowait", 0.0)
        return {
            "load_before": round(self._load, 2),
            "load_after": round(os.getloadavg()[0], 2),
            "busy_percent": round(100 * (total - unused) / total, 1),
            "steal_percent": round(100 * passed.get("steal", 0.0) / total, 2),
        }


def show(
    facts: Mapping[str, object], figures: Figures, *, where: str = "", scenario: str = ""
) -> None:
    """Print a table; beside figures that have one their target, and whether they reach it."""
    title = ", ".join(f"{name} {value}" for name, value in facts.items())
    shown = table.Table("what", "figure", "value", "target", "", title=title)
    for what, values in figures.items():
        for figure, value in values.items():
            told = f"{value:,.2f}" if isinstance(value, float) else str(value)
            target = targets.of(where, scenario, what, figure)
            if target is None or not isinstance(value, int | float):
                shown.add_row(what, figure, told, "", "")
            else:
                mark = "reached" if target.is_reached(value) else "missed"
                shown.add_row(what, figure, told, target.words(), mark)
    console.Console().print(shown)
