"""What a function finds in the interpreter: Lambda's `sys.path`, and its own modules alone."""

from __future__ import annotations

import itertools
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from inglenook_runtime import paths, preload, sandbox

if TYPE_CHECKING:
    from inglenook_runtime.setup import Setup


def take(now: Setup, loaded: preload.Loaded, standard_path: list[str]) -> None:
    """Give the function Lambda's `sys.path`, its own modules, and a `__main__` without ours."""
    task = now.variables.get("LAMBDA_TASK_ROOT", sandbox.TASK)
    origin = loaded.origin
    entries = now.variables.get("PYTHONPATH", "").split(":")
    is_set = any(entry not in ("", origin, sandbox.RUNTIME) for entry in entries)
    sites = paths.sites(task, None if is_set else _opt(now))
    own = sites + [entry for entry in entries if entry and entry not in sites]
    foreign = [entry for entry in own if entry not in (origin, sandbox.RUNTIME)]
    with_pth = preload.forget(loaded, foreign)
    if origin == sandbox.RUNTIME and origin not in own:
        own.append(origin)
    sys.path[:] = own + standard_path
    sys.argv[:] = [f"{sandbox.RUNTIME}/bootstrap.py"]
    # On Lambda /var/task and /opt cannot be written, so nothing is ever compiled into them.
    sys.dont_write_bytecode = True
    sys.modules["__main__"] = ModuleType("__main__")
    if with_pth:
        paths.obey(folder for folder in with_pth if folder in sites)
        # What they say may come first, too.
        first = standard_path[0]
        ahead = itertools.takewhile(lambda entry: entry != first, list(sys.path))
        preload.forget(loaded, [entry for entry in ahead if entry not in own])


def _opt(now: Setup) -> str | None:
    return sandbox.OPT if now.sandbox else now.opt_dir
