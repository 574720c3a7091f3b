"""A spawner beside its agent, as in a container of its own, on every Python that we can find."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration import runtime_driver
from integration.test_runtime_spawner import VERSIONS, interpreter, is_gone, until


@pytest.fixture(params=VERSIONS)
def spawner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[runtime_driver.Spawner]:
    python = interpreter(request.param)
    if python is None:
        pytest.skip(f"no Python {request.param} here")
    with runtime_driver.spawner(python, beside=tmp_path / "spawner.sock") as running:
        yield running


def test_it_brings_descriptors_to_read_of_its_processes(spawner: runtime_driver.Spawner) -> None:
    assert spawner.ready["descriptors"][0] == "processes"
    assert len(spawner.descriptors) == len(spawner.ready["descriptors"])
    child = spawner.fork()
    with open(
        f"{child.pid}/stat",
        opener=lambda path, flags: os.open(path, flags, dir_fd=spawner.descriptors[0]),
    ) as stat:
        assert int(stat.read().split()[0]) == child.pid


def test_a_function_runs_and_finds_its_folder(
    spawner: runtime_driver.Spawner, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return [event, __file__]\n")
    child = spawner.fork()
    assert child.set_up(task_dir=str(tmp_path)) == ("R", b"")
    assert child.invoke(1)[0] == "A"
    assert spawner.ready["sandbox"] is False


def test_a_kill_is_for_the_whole_group_and_a_later_one_for_nobody(
    spawner: runtime_driver.Spawner, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(
        "import subprocess\nchild = subprocess.Popen(['sleep', '100'])\n"
        "def handler(event, context):\n    return child.pid\n"
    )
    child = spawner.fork()
    child.set_up(task_dir=str(tmp_path))
    grandchild = int(child.invoke()[1])
    spawner.kill(child.pid)
    assert spawner.exited(child.number)["status"] == -signal.SIGKILL
    until(lambda: is_gone(grandchild))
    spawner.kill(child.pid)
    spawner.kill(os.getpid())
    assert spawner.fork().pid


def test_sigterm_is_told_and_nothing_more(spawner: runtime_driver.Spawner) -> None:
    child = spawner.fork()
    spawner.process.terminate()
    assert spawner.next_said()["op"] == "terminating"
    assert not is_gone(child.pid)
    assert spawner.fork().pid


def test_it_ends_well_with_its_agent(spawner: runtime_driver.Spawner) -> None:
    child = spawner.fork()
    spawner.close()
    assert spawner.process.returncode == 0
    assert is_gone(child.pid)
