"""Which walls stand around a function: all of them, or without namespaces those that are left."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration import runtime_driver

from inglenook_runtime import kernel, landlock, system_calls

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's walls")

RUNNER = (
    "import textwrap\ndef handler(event, context):\n"
    "    scope = {}\n    exec(textwrap.dedent(event), scope)\n    return scope.get('answer')\n"
)


def refuse_namespaces() -> None:
    """Be on a machine that has none: our own filter keeps them from whoever runs under it."""
    kernel.gain_no_privileges()
    system_calls.refuse()


@pytest.fixture(scope="module")
def whole() -> Iterator[runtime_driver.Spawner]:
    with runtime_driver.spawner() as running:
        if any(running.ready["walls"].values()):
            pytest.skip(f"not all walls stand here: {running.ready['walls']}")
        yield running


@pytest.fixture(scope="module")
def bare() -> Iterator[runtime_driver.Spawner]:
    if not system_calls.is_known() or landlock.abi() < landlock.ABI_MIN:
        pytest.skip("neither seccomp nor Landlock here")
    with runtime_driver.spawner(preexec_fn=refuse_namespaces) as running:
        yield running


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    """An environment's folders, inside a data folder that has others beside them."""
    data = tmp_path / "data"
    for folder in ("task", "tmp", "others"):
        (data / folder).mkdir(parents=True)
    (data / "task" / "app.py").write_text(RUNNER)
    (data / "others" / "secret").write_text("secret")
    (tmp_path / "elsewhere").write_text("not hidden")
    return {"task_dir": str(data / "task"), "tmp_dir": str(data / "tmp"), "data": str(data)}


def start(
    spawner: runtime_driver.Spawner, folders: dict[str, str], **more: object
) -> runtime_driver.Child:
    child = spawner.fork()
    told = {name: folders[name] for name in ("task_dir", "tmp_dir")}
    assert child.set_up(**told, hidden=[folders["data"]], storage_mb=512, **more) == ("R", b"")
    return child


def answer(child: runtime_driver.Child, code: str) -> object:
    kind, payload = child.invoke(code)
    assert kind == "A", payload
    return json.loads(payload)


def refusal(code: str) -> str:
    body = "\n".join(f"    {line}" for line in code.splitlines())
    return f"import os\ntry:\n{body}\n    answer = None\nexcept OSError as e:\n    answer = e.errno"


def test_where_there_are_no_namespaces_it_is_said_why(bare: runtime_driver.Spawner) -> None:
    walls = bare.ready["walls"]
    assert {name for name, reason in walls.items() if reason} == {"files", "processes", "storage"}
    assert "Operation not permitted" in walls["files"]
    assert not bare.ready["sandbox"]


def test_without_namespaces_landlock_hides_the_platforms_files(
    bare: runtime_driver.Spawner, folders: dict[str, str]
) -> None:
    child = start(bare, folders)
    data = folders["data"]
    secret = f"open('{data}/others/secret').read()"
    assert answer(child, refusal(secret)) == 13
    assert answer(child, refusal(f"os.listdir('{data}')")) == 13
    assert answer(child, refusal(f"open('{data}/task/new', 'w')")) == 13
    assert answer(child, refusal(f"os.remove('{data}/others/secret')")) == 13
    assert answer(child, refusal(f"open('{data}/../elsewhere', 'a')")) == 13
    assert answer(child, f"answer = open('{data}/../elsewhere').read()") == "not hidden"


def test_without_namespaces_functions_do_what_they_commonly_do(
    bare: runtime_driver.Spawner, folders: dict[str, str]
) -> None:
    child = start(bare, folders)
    work = """
        import os, sqlite3, ssl, subprocess, sys, tempfile, threading, xml.dom.minidom
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(folder + '/below')
            open(folder + '/one', 'w').close()
            os.rename(folder + '/one', folder + '/below/two')
            data = sqlite3.connect(folder + '/data')
            data.execute('create table t (n)')
            data.close()
        open('/dev/null', 'w').close()
        answer = [tempfile.gettempdir(), subprocess.check_output([sys.executable, '-c',
            'import decimal; print(42)'], text=True), subprocess.getoutput('echo $0')]
        """
    assert answer(child, work) == [folders["tmp_dir"], "42\n", "/bin/sh"]


def test_without_namespaces_the_machines_tmp_is_as_good_as_lambdas(
    bare: runtime_driver.Spawner, folders: dict[str, str]
) -> None:
    child = start(bare, folders | {"data": "/nowhere"})
    code = (
        "import os, tempfile\nfile, name = tempfile.mkstemp(dir='/tmp')\n"
        "answer = os.write(file, b'x')\nos.close(file)\nos.remove(name)"
    )
    assert answer(child, code) == 1
    assert answer(child, refusal("open('/etc/new', 'w')")) == 13


def test_without_namespaces_no_file_is_larger_than_the_storage(
    bare: runtime_driver.Spawner, folders: dict[str, str]
) -> None:
    child = start(bare, folders)
    grow = "with open(os.environ['TMPDIR'] + '/large', 'wb') as file:\n    file.truncate({} << 20)"
    assert answer(child, refusal(grow.format(512))) is None
    assert answer(child, refusal(grow.format(513))) == 27  # EFBIG


def test_without_namespaces_others_cannot_be_signalled(
    bare: runtime_driver.Spawner, folders: dict[str, str]
) -> None:
    if landlock.abi() < 6:
        pytest.skip("this Landlock knows nothing of signals")
    with subprocess.Popen(["sleep", "60"]) as other:
        child = start(bare, folders)
        assert answer(child, refusal(f"os.kill({other.pid}, 15)")) == 1
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("spawner", ["whole", "bare"])
def test_the_filter_stands_with_and_without_namespaces(
    spawner: str, folders: dict[str, str], request: pytest.FixtureRequest
) -> None:
    child = start(request.getfixturevalue(spawner), folders)
    number = system_calls.refused()["bpf"]
    code = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"answer = [libc.syscall({number}, 0, None, 0), ctypes.get_errno()]"
    )
    assert answer(child, code) == [-1, 1]


def test_landlock_stands_behind_the_view_of_files(
    whole: runtime_driver.Spawner, folders: dict[str, str]
) -> None:
    # The mount of /proc may be written by an ordinary user, and is not by root.
    child = start(whole, folders)
    assert answer(child, refusal("open('/etc/new', 'w')")) in (13, 30)
    assert answer(child, refusal("open('/var/task/new', 'w')")) in (13, 30)


def test_a_program_has_the_same_walls(
    whole: runtime_driver.Spawner, folders: dict[str, str]
) -> None:
    bootstrap = Path(folders["task_dir"]) / "bootstrap"
    bootstrap.write_text(
        "#!/bin/sh\necho $$ $(ls /proc | grep -c '^[0-9]') $(ls /tmp | wc -l)\n"
        "grep -E 'Seccomp:|NoNewPrivs:|CapEff:' /proc/self/status\n"
    )
    bootstrap.chmod(0o755)
    child = whole.fork()
    child.tell(
        mode="exec", argv=["/var/task/bootstrap"], storage_mb=512,
        task_dir=folders["task_dir"], tmp_dir=folders["tmp_dir"],
    )  # fmt: skip
    assert child.receive() == ("", b"")
    status, output = child.ended()
    lines = output.plain.decode().splitlines()
    assert status == 0, lines
    assert lines[0].split()[0] == "2"
    assert int(lines[0].split()[1]) <= 5
    assert lines[0].split()[2] == "0"
    assert [line.split()[1] for line in lines[1:]] == ["0" * 16, "1", "2"]


def test_storage_goes_from_process_to_process_until_it_is_released(
    whole: runtime_driver.Spawner, folders: dict[str, str]
) -> None:
    first = start(whole, folders)
    assert answer(first, "open('/tmp/kept', 'w').write('x')") is None
    assert whole.wait_for("used", first.number)
    os.kill(first.pid, signal.SIGKILL)
    whole.exited(first.number)
    second = whole.fork(storage=first.number)
    told = {name: folders[name] for name in ("task_dir", "tmp_dir")}
    second.set_up(**told, storage_mb=1024)
    code = "import os, shutil\nanswer = [os.listdir('/tmp'), shutil.disk_usage('/tmp').total >> 20]"
    assert answer(second, code) == [["kept"], 1024]
    whole.release(first.number)
    third = start(whole, folders)
    assert answer(third, code) == [[], 512]
    # What was released is gone for those who come later, and whole for who has it.
    assert answer(second, code) == [["kept"], 1024]
    refused = whole.order(storage=first.number)
    with contextlib.suppress(ConnectionError):
        assert refused.receive() == ("", b"")
    assert whole.exited(refused.number)["status"] != 0


def test_switched_off_all_walls_are_gone(folders: dict[str, str]) -> None:
    with runtime_driver.spawner(environment={"INGLENOOK_SANDBOX": "off"}) as running:
        assert set(running.ready["walls"].values()) == {"switched off"}
        child = start(running, folders, sandbox=False)
        code = (
            "import os\nstatus = open('/proc/self/status').read()\n"
            "seccomp = status.partition('Seccomp:')[2].split()[0]\n"
            "answer = [os.getpid(), seccomp, os.path.isdir('/proc/1/task'), os.getcwd()]"
        )
        assert answer(child, code) == [child.pid, "0", True, folders["task_dir"]]


def test_the_numbers_of_system_calls_are_known_once_each() -> None:
    if not system_calls.is_known():
        pytest.skip("no list for this machine")
    numbers = list(system_calls.refused().values())
    assert len(numbers) == len(set(numbers))
    assert len(system_calls.program(has_yet_to_mount=False)) % 8 == 0
