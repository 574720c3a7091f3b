"""The folder of this process under the scratch root, and what killed processes left there.

Each process has a folder `run-PID-START`, where START is when the process with that pid began, so
that a pid used again is not taken for the process that had it before.
"""

import contextlib
import os
import shutil
from pathlib import Path

import psutil

_PREFIX = "run-"


def own_name() -> str:
    """Return the name that stands for this process, now and only now."""
    pid = os.getpid()
    return f"{_PREFIX}{pid}-{round(psutil.Process(pid).create_time())}"


def is_dead(name: str) -> bool:
    """Answer whether `name` is a process's name, and that process has ended."""
    pid, _, start = name.removeprefix(_PREFIX).partition("-")
    if not name.startswith(_PREFIX) or not (pid.isdigit() and start.isdigit()):
        return False
    try:
        # A second either way: the clock may have been corrected in between.
        return abs(psutil.Process(int(pid)).create_time() - int(start)) > 2
    except psutil.Error:
        return True


def create(root: Path) -> Path:
    """Make this process's folder, and remove those of processes that have ended. Blocks."""
    root.mkdir(parents=True, exist_ok=True)
    for left in root.iterdir():
        if is_dead(left.name):
            remove(left)
    folder = root / own_name()
    folder.mkdir(exist_ok=True)
    return folder


def remove(folder: Path) -> None:
    """Remove a folder and all in it; what a function has made unremovable stays. Blocks."""
    with contextlib.suppress(OSError):
        shutil.rmtree(folder, onerror=_retry)


def _retry(function: object, path: str, _error: object) -> None:
    """Try once more with the parent made writable: functions may drop its permissions."""
    with contextlib.suppress(OSError):
        Path(path).parent.chmod(0o700)
        if Path(path).is_dir() and not Path(path).is_symlink():
            Path(path).chmod(0o700)
            shutil.rmtree(path, ignore_errors=True)
        else:
            Path(path).unlink(missing_ok=True)
