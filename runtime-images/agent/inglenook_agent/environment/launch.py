"""How a version's process is told what to be: paths, program, variables.

The folders are named as on Lambda (/var/task, /opt, /tmp). Where a process cannot have a view of
its own, it is the process that puts the host's names in their place; only /var/runtime is told from
here.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from inglenook.model import limits
from inglenook.wire.messages import Specialise
from inglenook_agent.environment import variables
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor.interpreters import Available
from inglenook_agent.supervisor.setup import Mode, Setup
from inglenook_agent.supervisor.tmp import Tmp

_BOOTSTRAP = "bootstrap"
_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
MARK_BYTES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrypoint:
    """The program that a custom runtime, or a function with a wrapper, starts."""

    path: str
    """As the function sees it."""
    fault: str | None = None
    """Why it cannot run, in Lambda's words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """All that the environments of a version share."""

    version: Specialise
    runtime: Available
    mode: Mode
    """Its runtime's, unless the function has a wrapper."""
    task_dir: Path
    opt_dir: Path | None
    """Folder of what its layers contain together, if it has any."""
    entrypoint: Entrypoint | None
    """Of a custom runtime; of a Python function, its wrapper."""
    python_path: str | None
    """Folder of the packages that the runtime brings."""
    environments_max: int
    """How many environments there may be at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What is one environment's own."""

    log_stream: str
    initialization_type: str
    tmp: Tmp
    runtime_api: str | None
    """Address of its Runtime API, if it has one."""


def entrypoint(task_dir: Path, opt_dir: Path | None) -> Entrypoint:
    """Return what a custom runtime starts: the function's own bootstrap before that of a layer.

    The first that is there counts, whether it can be executed or not. Looks at files: call it in a
    thread.
    """
    folders = {variables.TASK_ROOT: task_dir, variables.OPT: opt_dir}
    for seen, folder in folders.items():
        path = f"{seen}/{_BOOTSTRAP}"
        if folder is None or not (folder / _BOOTSTRAP).is_file():
            continue
        if os.access(folder / _BOOTSTRAP, os.X_OK):
            return Entrypoint(path=path)
        return Entrypoint(path=path, fault=f"fork/exec {path}: permission denied")
    # dg/troubleshooting-invocation.html has the text.
    looked = " ".join(f"{seen}/{_BOOTSTRAP}" for seen in folders)
    return Entrypoint(
        path=f"{variables.TASK_ROOT}/{_BOOTSTRAP}",
        fault=f"Couldn't find valid bootstrap(s): [{looked}]",
    )


def wrapper(version: Specialise, runtime: Available) -> Entrypoint | None:
    """Return the program that a function wants to be started by, if its runtime honours that.

    Custom runtimes do not: dg/runtimes-modify.html.
    """
    path = version.variables.get(_WRAPPER)
    return Entrypoint(path=path) if path and runtime.mode is Mode.PYTHON else None


def new_mark() -> bytes:
    """Return a mark for records in a process's output, that no function can guess.

    It holds no newline: the end of a line is never held back as what may become a mark.
    """
    mark = secrets.token_bytes(MARK_BYTES)
    while b"\n" in mark:
        mark = secrets.token_bytes(MARK_BYTES)
    return mark


def setup(
    plan: Plan,
    place: Place,
    settings: AgentSettings,
    *,
    has_sandbox: bool,
    mark: bytes,
) -> Setup:
    """Return what to tell the process."""
    version = plan.version
    python_path = plan.python_path
    if has_sandbox and python_path is not None:
        python_path = variables.RUNTIME_DIR
    environment = variables.build(
        version,
        settings,
        log_stream=place.log_stream,
        initialization_type=place.initialization_type,
        python_path=python_path if plan.mode is Mode.PYTHON else None,
        runtime_api=place.runtime_api,
    )
    argv = [] if plan.entrypoint is None else [plan.entrypoint.path]
    image = version.image
    return Setup(
        mode=plan.mode,
        handler=version.handler,
        argv=argv if image is None else image.command,
        variables=environment,
        task_dir=str(plan.task_dir),
        opt_dir=None if plan.opt_dir is None else str(plan.opt_dir),
        tmp_dir=str(place.tmp.folder),
        storage_mb=version.ephemeral_storage_mb,
        processes_max=limits.PROCESSES_MAX,
        sandbox=settings.use_sandbox,
        hidden=[str(folder) for folder in settings.hidden],
        join=[],  # it is in its group already
        descriptors_max=limits.DESCRIPTORS_MAX,
        log_mark=mark.hex(),
        entry_point=[] if image is None else image.entry_point,
        working_dir=None if image is None else image.working_directory,
        defaults={} if image is None else variables.IMAGE_DEFAULTS,
    )
