"""How a version's process is told what to be: paths, program, variables.

The folders are named as on Lambda (/var/task, /tmp). Where a process cannot have a view of its own,
it is the process that puts the host's names in their place; only /var/runtime is told from here.
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

_BOOTSTRAP = "bootstrap"
MARK_BYTES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """All that the environments of a version share."""

    version: Specialise
    runtime: Available
    task_dir: Path
    python_path: str | None
    """Folder of the packages that the runtime brings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What is one environment's own."""

    log_stream: str
    initialization_type: str
    tmp_dir: Path
    runtime_api: str | None
    """Address of its Runtime API, if it has one."""


def missing_entrypoint(task_dir: Path) -> str | None:
    """Say why a version's bootstrap cannot run, or None. Looks at files: call it in a thread."""
    bootstrap = task_dir / _BOOTSTRAP
    # The text is Lambda's own; /opt comes with layers.
    if not bootstrap.is_file():
        return f"fork/exec {variables.TASK_ROOT}/{_BOOTSTRAP}: no such file or directory"
    if not os.access(bootstrap, os.X_OK):
        return f"fork/exec {variables.TASK_ROOT}/{_BOOTSTRAP}: permission denied"
    return None


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
    has_sandbox = has_sandbox and settings.use_sandbox
    python_path = plan.python_path
    if has_sandbox and python_path is not None:
        python_path = variables.RUNTIME_DIR
    environment = variables.build(
        version,
        settings,
        log_stream=place.log_stream,
        initialization_type=place.initialization_type,
        python_path=python_path if plan.runtime.mode is Mode.PYTHON else None,
        runtime_api=place.runtime_api,
    )
    is_python = plan.runtime.mode is Mode.PYTHON
    return Setup(
        mode=plan.runtime.mode,
        handler=version.handler,
        argv=[] if is_python else [f"{variables.TASK_ROOT}/{_BOOTSTRAP}"],
        variables=environment,
        task_dir=str(plan.task_dir),
        opt_dir=None,
        tmp_dir=str(place.tmp_dir),
        sandbox=has_sandbox,
        hidden=[str(folder) for folder in settings.hidden],
        join=[],  # it is in its group already
        descriptors_max=limits.DESCRIPTORS_MAX,
        log_mark=mark.hex(),
    )
