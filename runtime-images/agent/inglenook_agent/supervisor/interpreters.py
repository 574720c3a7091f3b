"""Which interpreter runs a runtime on this machine.

A runtime of Lambda's is run by its very interpreter or refused: `python3.12` never runs on 3.11.
Looked for, in this order: the settings, the interpreter that this process runs on, pyenv's
versions, the search path. Custom runtimes bring their own program; any interpreter can start it.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor.setup import Mode

_PYTHON = re.compile(r"python3\.(\d+)")
CUSTOM = frozenset({"provided", "provided.al2", "provided.al2023"})
_MINOR_MIN = 9
"""The oldest Python that the runtime client supports."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Available:
    """A runtime that this machine has."""

    interpreter: Path
    mode: Mode
    minor: int
    """Of the interpreter's version, 3.`minor`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unavailable:
    """A runtime that this machine has not."""

    reason: str


def find(runtime: str, settings: AgentSettings) -> Available | Unavailable:
    """Look for a runtime's interpreter. Reads folders: call it in a thread."""
    running_minor = sys.version_info.minor
    if runtime in CUSTOM:
        interpreter = settings.running_interpreter
        return Available(interpreter=interpreter, mode=Mode.EXEC, minor=running_minor)
    known = _PYTHON.fullmatch(runtime)
    if known is None:
        return Unavailable(
            reason=f"The runtime {runtime} is not built yet. This machine runs Python functions "
            "and custom runtimes (provided.al2023)."
        )
    minor = int(known[1])
    if minor < _MINOR_MIN:
        return Unavailable(reason=f"The runtime {runtime} is older than python3.{_MINOR_MIN}.")
    path = settings.interpreters.get(runtime)
    if path is None and minor == running_minor:
        path = settings.running_interpreter
    if path is None:
        path = _in_pyenv(minor, settings.pyenv_versions) or _on_path(minor, settings.host_path)
    if path is None or not path.exists():
        return Unavailable(
            reason=f"The runtime {runtime} needs an interpreter that this machine does not have: "
            f"python3.{minor} is not installed."
        )
    return Available(interpreter=path, mode=Mode.PYTHON, minor=minor)


def _in_pyenv(minor: int, versions: Path) -> Path | None:
    found = [
        (int(patch[1]), interpreter)
        for folder in versions.glob(f"3.{minor}.*")
        if (patch := re.fullmatch(rf"3\.{minor}\.(\d+)", folder.name))
        and (interpreter := folder / "bin" / f"python3.{minor}").exists()
    ]
    return max(found)[1] if found else None


def _on_path(minor: int, search_path: str) -> Path | None:
    for folder in search_path.split(":"):
        interpreter = Path(folder) / f"python3.{minor}"
        if interpreter.is_file() and not _is_script(interpreter):
            return interpreter.resolve()
    return None


def _is_script(path: Path) -> bool:
    """Answer whether it is a shim of a version manager, which may lead nowhere."""
    with path.open("rb") as file:
        return file.read(2) == b"#!"
