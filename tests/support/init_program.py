"""The init of container images, built with this machine's Go."""

import os
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "runtime-images" / "init"


class NoGoError(Exception):
    """There is no Go here."""


def build(folder: Path) -> Path:
    """Build the program as its image does; return where it is. Raises NoGoError."""
    program = folder / "init"
    _run(_go(), "build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", str(program), ".")
    return program


def check() -> None:
    """Run the program's own tests, and Go's look at its code."""
    go = _go()
    _run(go, "vet", "./...")
    _run(go, "test", "./...")
    assert not _run(go.with_name("gofmt"), "-l", ".")


def _go() -> Path:
    go = shutil.which("go")
    if go is None:
        raise NoGoError("Go is not installed: the init cannot be built")
    return Path(go).resolve()


def _run(program: Path, *arguments: str) -> str:
    return subprocess.run(
        [program, *arguments],
        cwd=SOURCES,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
