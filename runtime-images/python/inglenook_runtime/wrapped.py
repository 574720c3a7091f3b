"""AWS_LAMBDA_EXEC_WRAPPER: a function that is started by a program of its own.

A child becomes the wrapper, with an interpreter and `bootstrap.py` as its arguments, in the place
where it would have served (`become`). What the wrapper executes in the end is usually just these,
and there the function is served over the Runtime API (`serve`); or it is something else that speaks
the Runtime API, such as the Lambda Web Adapter. A wrapper that cannot be started is told and ends
with a status as in AWS's own start script.

Two variables go from one to the other, and no further.
"""

from __future__ import annotations

import errno
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from inglenook_runtime import exchange, logs, loop, paths, program, streams

if TYPE_CHECKING:
    from inglenook_runtime.setup import Setup

_MARK = "_INGLENOOK_LOG_MARK"
_OPT = "_INGLENOOK_OPT"
_SCRIPT = "bootstrap.py"
_ABSENT, _REFUSED = 127, 126


def become(now: Setup, seen: str, origin: str | None, interpreter: str) -> NoReturn:
    """Execute the wrapper, which the function knows as `seen`."""
    variables = {**now.variables, _MARK: now.log_mark}
    if not now.sandbox:
        variables[_OPT] = now.opt_dir or ""
        if origin is not None:
            variables["LAMBDA_RUNTIME_DIR"] = origin
    script = f"{paths.RUNTIME}/{_SCRIPT}"
    if not now.sandbox or not os.path.isfile(script):  # noqa: PTH113
        script = f"{os.path.dirname(__file__)}/{_SCRIPT}"  # noqa: PTH120
    wrapper = now.argv[0]
    command = [wrapper, interpreter, script]
    if not os.path.isfile(wrapper):  # noqa: PTH113
        _end(f"{seen}: does not exist", _ABSENT)
    if not os.access(wrapper, os.X_OK):
        _end(f"{seen}: is not an executable", _REFUSED)
    program.restore_signals()
    try:
        os.execve(wrapper, command, variables)  # noqa: S606 - that is the order
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            _end(f"{seen}: {error.strerror}", _REFUSED)
    # As a shell does with a script that names no interpreter.
    os.execve("/bin/sh", ["/bin/sh", *command], variables)  # noqa: S606


def serve(arguments: list[str]) -> NoReturn:
    """Serve the function that the environment names, over the Runtime API."""
    variables = os.environ
    mark = bytes.fromhex(variables.pop(_MARK, ""))
    opt = variables.pop(_OPT, paths.OPT) or None
    runtime = variables.get("LAMBDA_RUNTIME_DIR", paths.RUNTIME)
    streams.write_through()
    sys.argv[:] = arguments[:1]
    sys.dont_write_bytecode = True
    sys.modules["__main__"] = ModuleType("__main__")
    _take_paths(variables["LAMBDA_TASK_ROOT"], opt, runtime)
    log = logs.Log(
        mark,
        is_json=variables.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON",
        level=variables.get("AWS_LAMBDA_LOG_LEVEL"),
    )
    events = exchange.Exchange(variables["AWS_LAMBDA_RUNTIME_API"])
    serving = loop.Loop(events, log, variables)
    serving.serve(serving.init(variables["_HANDLER"]))


def _take_paths(task: str, opt: str | None, runtime: str) -> None:
    is_set = "PYTHONPATH" in os.environ
    own = paths.sites(task, None if is_set else opt)
    rest = [entry for entry in sys.path if entry not in (*own, runtime)]
    sys.path[:] = [*own, runtime, *rest]
    paths.obey(folder for folder in own if paths.has_pth(folder))
    os.environ.setdefault("PYTHONPATH", runtime)


def _end(text: str, status: int) -> NoReturn:
    os.write(1, f"{text}\n".encode("utf-8", "backslashreplace"))
    os._exit(status)
