"""Which interpreter runs a runtime."""

import sys
from pathlib import Path

from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor import interpreters
from inglenook_agent.supervisor.interpreters import Available, Unavailable
from inglenook_agent.supervisor.setup import Mode

RUNNING = f"python3.{sys.version_info.minor}"


def program(path: Path, first: bytes = b"\x7fELF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(first)
    return path


def settings(tmp_path: Path, **changes: object) -> AgentSettings:
    values = {"pyenv_versions": tmp_path / "pyenv", "host_path": str(tmp_path / "bin")}
    return AgentSettings(**(values | changes))  # type: ignore[arg-type]


def test_the_running_interpreter_runs_its_own_runtime(tmp_path: Path) -> None:
    found = interpreters.find(RUNNING, settings(tmp_path))
    assert isinstance(found, Available)
    assert found.interpreter == Path(sys.executable).resolve()
    assert found.mode is Mode.PYTHON


def test_settings_go_before_everything(tmp_path: Path) -> None:
    own = program(tmp_path / "own")
    found = interpreters.find(RUNNING, settings(tmp_path, interpreters={RUNNING: own}))
    assert isinstance(found, Available)
    assert found.interpreter == own


def test_pyenvs_newest_patch_is_found_and_other_folders_are_not(tmp_path: Path) -> None:
    for version in ("3.99.2", "3.99.10", "3.99-dev"):
        program(tmp_path / "pyenv" / version / "bin" / "python3.99")
    found = interpreters.find("python3.99", settings(tmp_path))
    assert isinstance(found, Available)
    assert found.interpreter.parts[-3] == "3.99.10"


def test_a_shim_on_the_path_is_not_an_interpreter(tmp_path: Path) -> None:
    shim = program(tmp_path / "bin" / "python3.99", b"#!/bin/sh\n")
    assert isinstance(interpreters.find("python3.99", settings(tmp_path)), Unavailable)
    program(shim)
    assert isinstance(interpreters.find("python3.99", settings(tmp_path)), Available)


def test_what_is_not_here_is_said(tmp_path: Path) -> None:
    absent = interpreters.find("python3.99", settings(tmp_path))
    other = interpreters.find("nodejs22.x", settings(tmp_path))
    old = interpreters.find("python3.8", settings(tmp_path))
    assert isinstance(absent, Unavailable)
    assert "python3.99 is not installed" in absent.reason
    assert isinstance(other, Unavailable)
    assert "nodejs22.x is not built yet" in other.reason
    assert isinstance(old, Unavailable)


def test_custom_runtimes_bring_their_own_program(tmp_path: Path) -> None:
    found = interpreters.find("provided.al2023", settings(tmp_path))
    assert isinstance(found, Available)
    assert found.mode is Mode.EXEC
