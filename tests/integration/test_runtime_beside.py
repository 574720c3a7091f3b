"""A spawner beside its agent, as in a container of its own, on every Python that we can find."""

import os
import signal
import socket
import sys
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


@pytest.fixture(params=["python", "init"])
def any_spawner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[runtime_driver.Spawner]:
    """Run one of either program that can be it."""
    program = request.getfixturevalue("init") if request.param == "init" else None
    with runtime_driver.spawner(beside=tmp_path / "spawner.sock", program=program) as running:
        yield running


def test_it_brings_descriptors_to_read_of_its_processes(
    any_spawner: runtime_driver.Spawner,
) -> None:
    spawner = any_spawner
    assert spawner.ready["descriptors"][0] == "processes"
    assert len(spawner.descriptors) == len(spawner.ready["descriptors"])
    child = spawner.fork()
    with open(
        f"{child.pid}/stat",
        opener=lambda path, flags: os.open(path, flags, dir_fd=spawner.descriptors[0]),
    ) as stat:
        assert int(stat.read().split()[0]) == child.pid


def test_it_tells_how_much_lies_in_a_folder(
    spawner: runtime_driver.Spawner, tmp_path: Path
) -> None:
    tells_how_much_lies_in_a_folder(spawner, tmp_path)


def test_the_init_tells_it_as_well(init: Path, tmp_path: Path) -> None:
    with runtime_driver.spawner(beside=tmp_path / "spawner.sock", program=init) as spawner:
        tells_how_much_lies_in_a_folder(spawner, tmp_path)


def tells_how_much_lies_in_a_folder(spawner: runtime_driver.Spawner, tmp_path: Path) -> None:
    program = tmp_path / "bootstrap"
    program.write_text(
        f"#!{sys.executable} -IS\nimport os, sys, tempfile, time\n"
        "if os.fork():\n    os.wait()\n"
        "kept = tempfile.TemporaryFile(dir=sys.argv[1])\n"
        "kept.write(bytes(300_000))\nkept.flush()\n"
        "print('kept', flush=True)\ntime.sleep(100)\n"
    )
    program.chmod(0o755)
    folder = tmp_path / "measured"
    (folder / "inner").mkdir(parents=True)
    named = dict(zip(spawner.ready["descriptors"], spawner.descriptors, strict=True))
    with socket.socket(fileno=os.dup(named["storage"])) as meter:

        def used() -> int:
            meter.send(bytes(folder))
            return int.from_bytes(meter.recv(8), "big")

        empty = used()
        (folder / "inner" / "file").write_bytes(b"x" * 1_000_000)
        (folder / "again").hardlink_to(folder / "inner" / "file")
        (folder / "link").symlink_to("/usr")
        with (folder / "holes").open("wb") as holes:
            holes.truncate(10**9)
        (folder / "forbidden").mkdir(mode=0o000)
        assert 1_000_000 <= used() - empty <= 1_000_000 + 5 * 4096
        child = spawner.fork()
        before = used()
        child.tell(mode="exec", argv=[str(program), str(folder)])
        until(lambda: child.printed().plain == b"kept\n")
        assert 300_000 <= used() - before <= 300_000 + 4096
        meter.send(b"/nowhere")
        assert meter.recv(8) == bytes(8)


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


def test_sigterm_is_told_and_nothing_more(any_spawner: runtime_driver.Spawner) -> None:
    spawner = any_spawner
    child = spawner.fork()
    spawner.process.terminate()
    assert spawner.next_said()["op"] == "terminating"
    assert not is_gone(child.pid)
    assert spawner.fork().pid


def test_it_ends_well_with_its_agent(any_spawner: runtime_driver.Spawner) -> None:
    spawner = any_spawner
    child = spawner.fork()
    spawner.close()
    assert spawner.process.returncode == 0
    assert is_gone(child.pid)


def test_a_program_is_killed_with_its_group_and_told(
    any_spawner: runtime_driver.Spawner, tmp_path: Path
) -> None:
    spawner = any_spawner
    (tmp_path / "bootstrap").write_text('#!/bin/sh\nsleep 100 &\necho "$! $OWN"\nkill -STOP $$\n')
    (tmp_path / "bootstrap").chmod(0o755)
    child = spawner.fork()
    child.tell(
        mode="exec",
        argv=["/var/task/bootstrap"],
        task_dir=str(tmp_path),
        variables={"OWN": "variable", "PATH": "/usr/bin:/bin"},
    )
    until(lambda: bool(child.printed().plain))
    pid, own = child.printed().plain.decode().split()
    assert own == "variable"
    assert not is_gone(int(pid))
    spawner.kill(child.pid)
    ended = spawner.exited(child.number)
    assert (ended["status"], ended["pid"]) == (-signal.SIGKILL, child.pid)
    assert ended["max_rss_kb"] > 0
    until(lambda: is_gone(int(pid)))


def test_what_is_no_program_is_said_to_be_none(
    any_spawner: runtime_driver.Spawner, tmp_path: Path
) -> None:
    for name, mode, status, text in (
        ("absent", 0o755, 127, "Couldn't find valid bootstrap(s): [/var/task/absent]"),
        ("plain", 0o644, 126, "fork/exec /var/task/plain: permission denied"),
        ("other", 0o755, 126, "fork/exec /var/task/other: exec format error"),
    ):
        if name != "absent":
            (tmp_path / name).write_text("nothing")
            (tmp_path / name).chmod(mode)
        child = any_spawner.fork()
        kind, payload = child.set_up(
            mode="exec", argv=[f"/var/task/{name}"], task_dir=str(tmp_path), variables={}
        )
        error_type, error = runtime_driver.failure(payload)
        assert (kind, error_type) == ("I", "Runtime.InvalidEntrypoint")
        assert error == {"errorMessage": text, "errorType": error_type}
        assert child.ended()[0] == status


def test_a_child_that_cannot_be_prepared_says_why(any_spawner: runtime_driver.Spawner) -> None:
    child = any_spawner.fork()
    child.tell(mode="exec", argv=["/bin/true"], variables={}, join=["/no/such/cgroup.procs"])
    status, output = child.ended()
    assert status == 70
    assert "the execution environment cannot be prepared" in output.plain.decode()
