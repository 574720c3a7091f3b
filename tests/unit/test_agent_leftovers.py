"""What a killed process left is removed by the next one; what a living one has is not."""

import os
from pathlib import Path

import psutil

from inglenook_agent import scratch
from inglenook_agent.limits import cgroups

DEAD = f"run-{2**22 + 1}-1"
REUSED = f"run-{os.getpid()}-1"


def living() -> str:
    parent = psutil.Process(os.getppid())
    return f"run-{parent.pid}-{round(parent.create_time())}"


def test_folders_of_dead_processes_go(tmp_path: Path) -> None:
    for name in (DEAD, REUSED, living(), "something-else"):
        (tmp_path / name / "environments").mkdir(parents=True)
    own = scratch.create(tmp_path)
    assert own.is_dir()
    assert {left.name for left in tmp_path.iterdir()} == {own.name, living(), "something-else"}


def test_control_groups_of_dead_processes_go(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("4:memory:/box\n1:cpu:/\n0::/\n")
    for controller in ("memory/box", "cpu"):
        (tmp_path / controller / f"inglenook-{DEAD}" / "1").mkdir(parents=True)
        (tmp_path / controller / f"inglenook-{living()}" / "1").mkdir(parents=True)
    for controller in ("memory", "cpu"):
        (tmp_path / controller / "cgroup.procs").touch()
    parents = cgroups.prepare(tmp_path, own)
    assert parents is not None
    assert parents.memory.parent == tmp_path / "memory" / "box"
    assert parents.pids is None
    for home in (tmp_path / "memory" / "box", tmp_path / "cpu"):
        names = {left.name for left in home.iterdir() if left.is_dir() and left.name != "box"}
        assert names == {parents.memory.name, f"inglenook-{living()}"}


def test_where_there_are_no_controllers_there_are_no_groups(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/\n")
    assert cgroups.prepare(tmp_path, own) is None
