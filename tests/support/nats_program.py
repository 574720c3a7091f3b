"""The program of a NATS server: `python tests/support/nats_program.py` prints where it is.

It is found on PATH or among what Go has installed; else it is built once, into a cache outside the
tree.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "v2.15.2"
_MODULE = "github.com/nats-io/nats-server/v2"


class NoNatsServerError(Exception):
    """There is no nats-server here, and none could be built."""


def found() -> Path:
    """Return the server's program. Raises NoNatsServerError, with the reason."""
    on_path = shutil.which("nats-server")
    if on_path:
        return Path(on_path)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "inglenook" / "bin"
    for folder in (Path.home() / "go" / "bin", cache):
        if (folder / "nats-server").is_file():
            return folder / "nats-server"
    return _built(cache)


def _built(cache: Path) -> Path:
    go = shutil.which("go")
    if go is None:
        raise NoNatsServerError("nats-server is not installed, and there is no Go to build it with")
    cache.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"GOBIN": str(cache), "CGO_ENABLED": "0"}
    built = subprocess.run(
        [go, "install", f"{_MODULE}@{VERSION}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        raise NoNatsServerError(f"nats-server could not be built: {built.stderr.strip()[-500:]}")
    return cache / "nats-server"


if __name__ == "__main__":
    sys.stdout.write(f"{found()}\n")
