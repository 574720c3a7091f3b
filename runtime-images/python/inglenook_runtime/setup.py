"""What a child is told to be, and the process-wide part of becoming it.

See the package's docstring for the message. Everything here applies to both modes.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from dataclasses import dataclass, fields, replace
from typing import Any

from inglenook_runtime import kernel, sandbox, storage

_LOCKED_BYTES_MAX = 64 * 1024
"""RLIMIT_MEMLOCK as recorded on Lambda."""
_PATHS = ("LAMBDA_TASK_ROOT", "PWD", "PYTHONPATH", "PATH", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Setup:
    """The agent's `S` message."""

    mode: str
    variables: dict[str, str]
    handler: str = ""
    argv: tuple[str, ...] = ()
    task_dir: str | None = None
    opt_dir: str | None = None
    tmp_dir: str | None = None
    sandbox: bool = False
    join: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    storage_mb: int | None = None
    processes_max: int | None = None
    descriptors_max: int | None = None
    log_mark: str = ""

    @classmethod
    def parse(cls, message: dict[str, Any]) -> Setup:
        """Read the message; members that are not known here are none of our business."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in message.items() if name in known}
        values["argv"] = tuple(values.get("argv") or ())
        values["join"] = tuple(values.get("join") or ())
        values["hidden"] = tuple(values.get("hidden") or ())
        return cls(**values)


def join(paths: tuple[str, ...]) -> None:
    """Enter the control groups. Raise when one cannot be entered: it bears the memory limit."""
    for path in paths:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, b"0")
        finally:
            os.close(descriptor)


def limit_spare() -> None:
    """Set what is the same for all."""
    # Not RLIMIT_NPROC: it counts all processes of a user, and functions share one.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_MEMLOCK, _LOCKED_BYTES_MAX)


def limit(descriptors_max: int | None) -> None:
    if descriptors_max is not None:
        _lower(resource.RLIMIT_NOFILE, descriptors_max)


def _lower(what: int, to: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        to = min(to, hard)
    resource.setrlimit(what, (to, to))


def die_with_parent(parent: int) -> None:
    """Be killed when the spawner is, where the system can do that."""
    if not sys.platform.startswith("linux"):
        return
    kernel.die_with_parent(int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


def place(setup: Setup, template: sandbox.Template) -> Setup:
    """Put the function's folders in place and go there. Return the setup that is true now.

    With the sandbox, /var/task, /opt and /tmp are the function's. Without, the variables that point
    there are made to point to the real folders.
    """
    if setup.sandbox and template.is_ready:
        try:
            hidden = filter(template.can_hide, setup.hidden)
            tmp_dir = _tmp(setup, template)
            is_wrapped = setup.mode == "wrapper"
            sandbox.cover(
                setup.task_dir, setup.opt_dir, tmp_dir, hidden, shows_interpreter=is_wrapped
            )
        except (OSError, sandbox.CoverError) as error:
            os.write(1, f"LAMBDA_WARNING: no sandbox for this environment: {error}\n".encode())
            if setup.tmp_dir is not None and not os.path.exists(setup.tmp_dir):  # noqa: PTH110
                os.makedirs(setup.tmp_dir)  # noqa: PTH103
                os.chmod(setup.tmp_dir, 0o1777)  # noqa: PTH101, S103 - as /tmp is
        else:
            os.chdir(setup.variables.get("LAMBDA_TASK_ROOT", sandbox.TASK))
            return setup
    os.chdir(setup.task_dir or "/")
    return outside(setup)


def _tmp(setup: Setup, template: sandbox.Template) -> str | None:
    """Return what is to be /tmp, at its size."""
    if not template.has_processes or setup.storage_mb is None:
        return setup.tmp_dir
    storage.resize(setup.storage_mb)
    return storage.OWN


def own_folders(now: Setup) -> list[str]:
    """Return the folders of a function that is in place, as it sees them."""
    if now.sandbox:
        return [sandbox.TASK, sandbox.OPT, sandbox.TMP]
    return [folder for folder in (now.task_dir, now.opt_dir, now.tmp_dir) if folder is not None]


def wear(variables: dict[str, str]) -> None:
    """Make the environment variables exactly `variables`."""
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()


def outside(setup: Setup) -> Setup:
    """Translate Lambda's folders into the host's."""
    variables = dict(setup.variables)
    for name in _PATHS:
        if name in variables:
            places = (_translate(item, setup) for item in variables[name].split(":"))
            variables[name] = ":".join(item for item in places if item is not None)
    if setup.tmp_dir is not None and setup.tmp_dir != sandbox.TMP:
        variables["TMPDIR"] = setup.tmp_dir
    argv = tuple(_translate(item, setup) or item for item in setup.argv[:1]) + setup.argv[1:]
    return replace(setup, variables=variables, argv=argv, sandbox=False)


def _translate(path: str, setup: Setup) -> str | None:
    """Return the real path, or `None` if there is nothing there but what is the host's own."""
    for seen, real in ((sandbox.TASK, setup.task_dir), (sandbox.OPT, setup.opt_dir)):
        if path == seen or path.startswith(f"{seen}/"):
            return None if real is None else real + path[len(seen) :]
    return path
