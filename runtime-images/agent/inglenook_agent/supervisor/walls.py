"""Which walls this machine can put around functions, and how to say so.

Asked of the very program that puts them up, once, before anything runs. What each wall is:
`inglenook_runtime.walls`.
"""

import json
import subprocess
from pathlib import Path

import msgspec

_TIMEOUT_S = 20.0


class Walls(msgspec.Struct, frozen=True):
    """Why a wall is missing; empty where it stands."""

    files: str
    processes: str
    storage: str
    system_calls: str
    landlock: str

    @classmethod
    def none(cls, reason: str) -> "Walls":
        return cls(*(reason for _ in cls.__struct_fields__))

    def summary(self) -> str:
        """Say in a line what there is."""
        present = [text for name, text in _PRESENT.items() if not getattr(self, name)]
        return ", ".join(present) if present else "none"

    def warning(self) -> str | None:
        """Say what is missing, why, and what that means; None if nothing is."""
        missing: dict[str, list[str]] = {}
        for name in self.__struct_fields__:
            if reason := getattr(self, name):
                missing.setdefault(reason, []).append(_MISSING[name])
        if not missing:
            return None
        told = "; ".join(f"{', '.join(texts)} ({reason})" for reason, texts in missing.items())
        return f"the sandbox of functions is not whole: {told}. See docs/local.md, The sandbox."


_PRESENT = {
    "files": "own view of files",
    "processes": "own processes",
    "storage": "storage of limited size",
    "system_calls": "filtered system calls",
    "landlock": "Landlock",
}
_MISSING = {
    "files": "functions see the machine's files at their real places",
    "processes": "they see, and may signal, your other processes",
    "storage": "their /tmp together is limited by the disk alone",
    "system_calls": "no system call is kept from them",
    "landlock": "what your user may read or write, they may, unless their view hides it",
}


def probe(interpreter: Path, client: Path, variables: dict[str, str]) -> Walls:
    """Ask. Blocks for a tenth of a second."""
    command = [str(interpreter), "-I", "-S", str(client), "probe"]
    try:
        said = subprocess.run(  # noqa: S603 - our own program
            command, env=variables, check=True, capture_output=True, timeout=_TIMEOUT_S
        ).stdout
        return msgspec.convert(json.loads(said), Walls)
    except (OSError, subprocess.SubprocessError, ValueError) as exc:
        return Walls.none(f"{interpreter} does not say: {exc}")
