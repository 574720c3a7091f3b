"""The facts of this machine that figures depend on, and what came of them: printed and stored."""

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil
from rich import console, table

HERE = Path(__file__).resolve().parent
Figures = Mapping[str, Mapping[str, object]]
"""By scenario, and by figure."""


def facts() -> dict[str, object]:
    """Return what figures depend on."""
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


def show(facts: Mapping[str, object], figures: Figures) -> None:
    """Print a table."""
    title = ", ".join(f"{name} {value}" for name, value in facts.items())
    shown = table.Table("scenario", "figure", "value", title=title)
    for name, values in figures.items():
        for figure, value in values.items():
            shown.add_row(name, figure, f"{value:,.2f}" if isinstance(value, float) else str(value))
    console.Console().print(shown)
