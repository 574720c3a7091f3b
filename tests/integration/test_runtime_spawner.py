"""The spawner forks, reaps, reports and ends as its protocol says, on every Python we can find."""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from integration import runtime_driver

VERSIONS = [f"3.{minor}" for minor in range(9, 15)]


def interpreter(version: str) -> str | None:
    """Return a Python of that version: from the path, or from pyenv."""
    installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(installed[-1]) if installed else shutil.which(f"python{version}")


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that another process does and cannot announce."""
    end = time.monotonic() + runtime_driver.DEADLINE_S
    while not is_so():
        assert time.monotonic() < end, "it never became so"
        os.sched_yield() if hasattr(os, "sched_yield") else None


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def running(*command: str) -> list[int]:
    """Return the processes that run a command, by the machine's numbers."""
    wanted = "".join(f"{word}\0" for word in command).encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cmdline").read_bytes() == wanted:
                found.append(int(folder.name))
    return found


@pytest.fixture(scope="module")
def spawner() -> Iterator[runtime_driver.Spawner]:
    with runtime_driver.spawner() as running:
        yield running


@pytest.fixture
def task(tmp_path: Path) -> Callable[[str], str]:
    def write(source: str) -> str:
        folder = tmp_path / "task"
        folder.mkdir()
        (folder / "app.py").write_text(source)
        return str(folder)

    return write


@pytest.mark.parametrize("version", VERSIONS)
def test_a_function_runs_on_every_supported_python(
    version: str, task: Callable[[str], str]
) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    folder = task(
        "import sys, json, decimal, logging\n"
        "def handler(event, context):\n"
        "    logging.warning('hello')\n"
        "    if event == 'fail':\n        raise RuntimeError('no')\n"
        "    return {'v': list(sys.version_info[:2]), 'd': decimal.Decimal('1.0'),\n"
        "        'names': [exit.name, quit.name], 'e': event}\n"
    )
    with runtime_driver.spawner(python) as running:
        assert running.ready["python"].startswith(version + ".")
        child = running.fork()
        assert child.set_up(task_dir=folder) == ("R", b"")
        kind, payload = child.invoke("é")
        assert (kind, payload.decode()) == (
            "A",
            f'{{"v": [3, {version[2:]}], "d": 1.0, "names": ["exit", "quit"], "e": "\\u00e9"}}',
        )
        kind, payload = child.invoke("fail")
        error_type, report = runtime_driver.failure(payload)
        assert (kind, error_type, report["errorMessage"]) == ("F", "RuntimeError", "no")
        place = "/var/task" if running.ready["sandbox"] else folder
        [frame] = report["stackTrace"]
        assert frame == (
            f"  File \"{place}/app.py\", line 5, in handler\n    raise RuntimeError('no')\n"
        )
        output = child.printed()
        assert output.plain == b""
        assert [record[:9] for record in output.records] == ["[WARNING]", "[WARNING]", "[ERROR] R"]


def test_six_megabytes_pass_both_ways_and_are_given_back(
    spawner: runtime_driver.Spawner, task: Callable[[str], str]
) -> None:
    child = spawner.fork()
    child.set_up(task_dir=task("def handler(event, context):\n    return event\n"))
    event = json.dumps("x" * (6 * 1024 * 1024 - 2)).encode()
    for _ in range(3):
        assert child.invoke(event) == ("A", event)
    assert child.invoke({"a": 1}) == ("A", b'{"a": 1}')


def test_module_state_survives_between_events_and_not_between_children(
    spawner: runtime_driver.Spawner, task: Callable[[str], str]
) -> None:
    folder = task(
        "import random, uuid\nseen = []\n"
        "def handler(event, context):\n    seen.append(event)\n"
        "    return [seen, random.random(), str(uuid.uuid4())]\n"
    )
    answers = []
    for _ in range(2):
        child = spawner.fork()
        child.set_up(task_dir=folder)
        child.invoke(1)
        answers.append(json.loads(child.invoke(2)[1]))
    assert [answer[0] for answer in answers] == [[1, 2], [1, 2]]
    assert answers[0][1] != answers[1][1]
    assert answers[0][2] != answers[1][2]


def test_a_child_is_a_clean_process_of_its_own(
    spawner: runtime_driver.Spawner, task: Callable[[str], str]
) -> None:
    folder = task(
        "import os, resource, signal, sys\n"
        "def handler(event, context):\n"
        "    return {'pid': os.getpid(), 'sid': os.getsid(0), 'pgid': os.getpgid(0),\n"
        "        'stdin': sys.stdin.read(),\n"
        "        'descriptors': sorted(map(int, os.listdir('/dev/fd'))),\n"
        "        'environ': dict(os.environ), 'argv': sys.argv,\n"
        "        'main': sorted(vars(sys.modules['__main__'])),\n"
        "        'limits': [resource.getrlimit(resource.RLIMIT_NOFILE),\n"
        "            resource.getrlimit(resource.RLIMIT_CORE)],\n"
        "        'term': signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,\n"
        "        'child': signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL,\n"
        "        'int': signal.getsignal(signal.SIGINT) is signal.default_int_handler}\n"
    )
    child = spawner.fork()
    spawner.fork()
    child.set_up(task_dir=folder, sandbox=False, descriptors_max=512)
    got = json.loads(child.invoke()[1])
    assert got["sid"] == got["pgid"] == got["pid"]
    # In a namespace of its own it comes right after the init.
    assert got["pid"] == (child.pid if spawner.ready["walls"]["processes"] else 2)
    assert got["stdin"] == ""
    # Standard streams, the control socket twice (see `Spare.live`), and the listing's own.
    assert len(got["descriptors"]) == 6
    assert got["limits"] == [[512, 512], [0, 0]]
    assert got["argv"] == ["/var/runtime/bootstrap.py"]
    assert "main" not in got["main"]
    assert got["term"]
    assert got["child"]
    assert got["int"]
    expected = dict(runtime_driver.VARIABLES)
    trace = got["environ"].pop("_X_AMZN_TRACE_ID")
    assert trace.startswith("Root=")
    assert set(got["environ"]) == {*expected}
    assert got["environ"]["LAMBDA_TASK_ROOT"] == folder


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("import sys; sys.exit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("raise KeyboardInterrupt", -2),
        ("import ctypes; ctypes.string_at(0)", -11),
    ],
)
def test_ends_are_reported_with_their_status(
    body: str, status: int, spawner: runtime_driver.Spawner, task: Callable[[str], str]
) -> None:
    child = spawner.fork()
    child.set_up(task_dir=task(f"def handler(event, context):\n    {body}\n"))
    assert child.invoke() == ("", b"")
    exited = spawner.exited(child.number)
    assert (exited["pid"], exited["status"]) == (child.pid, status)
    assert exited["max_rss_kb"] > 1000


def test_a_spare_ends_when_its_control_socket_closes(spawner: runtime_driver.Spawner) -> None:
    child = spawner.fork()
    child.control.shutdown(2)
    assert child.ended()[0] == 0


def test_what_a_function_leaves_running_is_killed_with_it(
    spawner: runtime_driver.Spawner, task: Callable[[str], str]
) -> None:
    # Without processes of its own, what has left its group is the control group's to end.
    leaves = not spawner.ready["walls"]["processes"]
    child = spawner.fork()
    child.set_up(
        task_dir=task(
            "import subprocess\n"
            "def handler(event, context):\n"
            f"    return subprocess.Popen(['sleep', '60.625'], start_new_session={leaves}).pid\n"
        )
    )
    child.invoke()
    until(lambda: bool(running("sleep", "60.625")))
    (left,) = running("sleep", "60.625")
    os.kill(child.pid, signal.SIGKILL)
    spawner.exited(child.number)
    until(lambda: is_gone(left))


def test_many_orders_at_once_are_all_served(spawner: runtime_driver.Spawner) -> None:
    children = [spawner.order() for _ in range(40)]
    pids = {spawner.wait_for("forked", child.number)["pid"] for child in children}
    assert len(pids) == 40
    for child in children:
        child.control.shutdown(2)
    assert [child.ended()[0] for child in children] == [0] * 40


@pytest.mark.parametrize("how", ["the agent is gone", "SIGTERM", "SIGKILL"])
def test_children_end_with_the_spawner(how: str, task: Callable[[str], str]) -> None:
    if how == "SIGKILL" and not sys.platform.startswith("linux"):
        pytest.skip("PR_SET_PDEATHSIG is Linux's")
    folder = task("import time\ndef handler(event, context):\n    time.sleep(60)\n")
    with runtime_driver.spawner() as running:
        child = running.fork()
        child.set_up(task_dir=folder)
        child.control.setblocking(False)
        with pytest.raises(BlockingIOError):
            child.invoke()
        if how != "the agent is gone":
            running.process.send_signal(getattr(signal, how))
            running.process.wait(runtime_driver.DEADLINE_S)
            until(lambda: is_gone(child.pid))
    until(lambda: is_gone(child.pid))


def test_a_group_that_cannot_be_joined_ends_the_child(
    spawner: runtime_driver.Spawner, tmp_path: Path
) -> None:
    child = spawner.fork()
    assert child.set_up(join=[str(tmp_path / "absent" / "cgroup.procs")]) == ("", b"")
    status, output = child.ended()
    assert status == 70
    assert b"cannot be prepared" in output.plain


def test_a_child_writes_itself_into_the_groups_it_joins(
    spawner: runtime_driver.Spawner, tmp_path: Path
) -> None:
    group = tmp_path / "cgroup.procs"
    group.touch()
    child = spawner.fork()
    child.set_up(join=[str(group)])
    assert group.read_text() == "0"  # to the kernel: whoever writes it


def test_the_functions_own_modules_win_over_preloaded_ones(
    spawner: runtime_driver.Spawner, tmp_path: Path
) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "opt" / "python" / "html").mkdir(parents=True)
    (tmp_path / "opt" / "python" / "html" / "__init__.py").write_text("who = 'layer'\n")
    (tmp_path / "task" / "email").mkdir()
    (tmp_path / "task" / "queue.py").write_text("who = 'function'\n")
    (tmp_path / "task" / "logs.py").write_text("who = 'function'\n")
    (tmp_path / "task" / "logging.py").write_text("who = 'never'\n")
    (tmp_path / "task" / "app.py").write_text(
        "import queue, html, logs, logging, email\nimport concurrent.futures\n"
        "def handler(event, context):\n"
        "    return [queue.who, html.who, logs.who, hasattr(logging, 'who'), hasattr(email,\n"
        "        'message_from_string')]\n"
    )
    for sandbox in (True, False):
        child = spawner.fork()
        child.set_up(
            task_dir=str(tmp_path / "task"), opt_dir=str(tmp_path / "opt"), sandbox=sandbox
        )
        assert json.loads(child.invoke()[1]) == ["function", "layer", "function", False, True]


def test_an_own_sdk_replaces_all_of_the_runtimes(tmp_path: Path) -> None:
    origin = tmp_path / "site-packages"
    for name in ("boto3", "botocore", "unrelated"):
        (origin / name).mkdir(parents=True)
        (origin / name / "__init__.py").write_text("who = 'runtime'\n")
    task = tmp_path / "task"
    task.mkdir()
    (task / "app.py").write_text(
        "import boto3\n"
        "def handler(event, context):\n"
        "    import botocore\n    try:\n        import unrelated\n"
        "    except ImportError:\n        return [boto3.who, botocore.who]\n"
    )
    environment = {"INGLENOOK_PRELOAD_PATH": str(origin)}
    with runtime_driver.spawner(environment=environment, stderr=-3) as running:
        for sandbox in (True, False):
            child = running.fork()
            child.set_up(task_dir=str(task), tmp_dir=str(tmp_path / "task"), sandbox=sandbox)
            assert child.invoke() == ("A", b'["runtime", "runtime"]')
        (task / "boto3.py").write_text("who = 'function'\n")
        child = running.fork()
        child.set_up(task_dir=str(task))
        assert child.invoke() == ("A", b'["function", "runtime"]')


def test_boto3_is_importable_as_in_awss_runtime(tmp_path: Path) -> None:
    boto3 = pytest.importorskip("boto3")
    (tmp_path / "app.py").write_text(
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('s3', region_name='eu-central-1')\n"
        "    from boto3.dynamodb import conditions\n    return boto3.__version__\n"
    )
    origin = str(Path(boto3.__file__).parents[1])
    with runtime_driver.spawner(environment={"INGLENOOK_PRELOAD_PATH": origin}) as running:
        child = running.fork()
        child.set_up(task_dir=str(tmp_path), tmp_dir=str(tmp_path))
        assert child.invoke() == ("A", json.dumps(boto3.__version__).encode())
