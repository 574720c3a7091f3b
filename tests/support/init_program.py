"""The init of container images, built with this machine's Go."""

import os
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "runtime-images" / "init"


class NoGoError(Exception):
    """There is no Go here."""


def build(folder: Path) -> Path:
    """Build the program as its image does; return where it is."""
    program = folder / "init"
    _go("build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", str(program), ".")
    return program


def check() -> None:
    """Run the program's own tests, and Go's look at its code."""
    _go("vet", "./...")
    _go("test", "./...")


def _go(*arguments: str) -> None:
    go = shutil.which("go")
    if go is None:
        raise NoGoError("Go is not installed: the init cannot be built")
    subprocess.run(
        [go, *arguments],
        cwd=SOURCES,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"},
        check=True,
    )
