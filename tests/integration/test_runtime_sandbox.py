"""A function sees its folders as /var/task, /opt and /tmp, or at the real places; never half."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from integration import runtime_driver


@dataclass(frozen=True)
class Folders:
    """The folders of one environment."""

    task: Path
    opt: Path
    tmp: Path

    def told(self) -> dict[str, str]:
        return {"task_dir": str(self.task), "opt_dir": str(self.opt), "tmp_dir": str(self.tmp)}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    found = Folders(task=tmp_path / "task", opt=tmp_path / "opt", tmp=tmp_path / "tmp")
    for folder in (found.task, found.opt / "python", found.tmp):
        folder.mkdir(parents=True)
    (found.opt / "python" / "layer.py").write_text("name = __file__\n")
    return found


@pytest.fixture(scope="module")
def spawner() -> Iterator[runtime_driver.Spawner]:
    with runtime_driver.spawner() as running:
        yield running


@pytest.fixture
def sandboxed(spawner: runtime_driver.Spawner) -> runtime_driver.Spawner:
    if not spawner.ready["sandbox"]:
        pytest.skip(f"no sandbox here: {spawner.ready['sandbox_reason']}")
    return spawner


LOOK = """
import layer, os, sys, tempfile
def handler(event, context):
    written = {}
    for folder in ('/var/task', '/opt', '/tmp'):
        try:
            with open(folder + '/new', 'w') as file:
                file.write('new')
            written[folder] = True
        except OSError as error:
            written[folder] = error.strerror
    return {'written': written, 'cwd': os.getcwd(), 'layer': layer.name, 'file': __file__,
        'path': sys.path[:4], 'tmp': tempfile.gettempdir(), 'root': os.environ['LAMBDA_TASK_ROOT'],
        'host': os.path.isdir('/var/lib'), 'PATH': os.environ['PATH']}
"""


def test_the_folders_appear_in_lambdas_places(
    sandboxed: runtime_driver.Spawner, folders: Folders
) -> None:
    (folders.task / "app.py").write_text(LOOK)
    child = sandboxed.fork()
    assert child.set_up(**folders.told()) == ("R", b"")
    got = json.loads(child.invoke()[1])
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    refused = "Read-only file system"
    assert got["written"] == {"/var/task": refused, "/opt": refused, "/tmp": True}
    assert (folders.tmp / "new").read_text() == "new"
    assert got["cwd"] == got["root"] == "/var/task"
    assert got["file"] == "/var/task/app.py"
    assert got["layer"] == "/opt/python/layer.py"
    assert got["path"] == [
        "/var/task",
        f"/opt/python/lib/python{version}/site-packages",
        "/opt/python",
        "/var/runtime",
    ]
    assert got["tmp"] == "/tmp"
    assert got["host"]
    assert not list(folders.task.rglob("__pycache__"))


def test_without_the_sandbox_the_variables_point_to_the_real_folders(
    spawner: runtime_driver.Spawner, folders: Folders
) -> None:
    (folders.task / "app.py").write_text(LOOK.replace("'/var/task', '/opt', '/tmp'", ""))
    child = spawner.fork()
    assert child.set_up(**folders.told(), sandbox=False) == ("R", b"")
    got = json.loads(child.invoke()[1])
    assert got["cwd"] == got["root"] == got["path"][0] == str(folders.task)
    assert got["layer"] == str(folders.opt / "python" / "layer.py")
    assert got["tmp"] == str(folders.tmp)
    assert got["PATH"].endswith(f":{folders.opt}/bin")
    assert not list(folders.task.rglob("__pycache__"))


def test_environments_do_not_see_each_others_folders_nor_does_the_host(
    sandboxed: runtime_driver.Spawner, tmp_path: Path
) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    seen = []
    for name in ("one", "two"):
        (tmp_path / name / "tmp").mkdir(parents=True)
        (tmp_path / name / "app.py").write_text(
            "import os\ndef handler(event, context):\n"
            f"    open('/tmp/{name}', 'w').close()\n    return [os.listdir('/tmp'),"
            " os.listdir('/opt'), sorted(os.listdir('/var/task'))]\n"
        )
        child = sandboxed.fork()
        child.set_up(task_dir=str(tmp_path / name), tmp_dir=str(tmp_path / name / "tmp"))
        seen.append(json.loads(child.invoke()[1]))
    assert seen == [[["one"], [], ["app.py", "tmp"]], [["two"], [], ["app.py", "tmp"]]]
    assert Path("/proc/self/mountinfo").read_text() == before


def test_a_folder_that_is_absent_leaves_nothing_mounted(
    sandboxed: runtime_driver.Spawner, folders: Folders
) -> None:
    (folders.task / "app.py").write_text(
        "import os\ndef handler(event, context):\n"
        "    with open('/proc/self/mountinfo') as mounts:\n"
        "        return [os.getcwd(), [line.split()[4] for line in mounts]]\n"
    )
    child = sandboxed.fork()
    told = {**folders.told(), "tmp_dir": str(folders.tmp / "absent")}
    assert child.set_up(**told) == ("R", b"")
    cwd, mounts = json.loads(child.invoke()[1])
    assert cwd == str(folders.task)
    assert "/opt" not in mounts
    assert "/tmp" not in mounts
    assert (folders.tmp / "absent").stat().st_mode & 0o7777 == 0o1777
    assert b"no sandbox for this environment" in child.printed().plain


def test_a_bootstrap_becomes_the_child(spawner: runtime_driver.Spawner, folders: Folders) -> None:
    program = folders.task / "bootstrap"
    program.write_text('#!/bin/sh\necho "$0 $1 $PWD $MINE"; trap - PIPE; exit 3\n')
    program.chmod(0o755)
    variables = {**runtime_driver.VARIABLES, "MINE": "mine"}
    for sandbox in (True, False):
        is_seen = sandbox and spawner.ready["sandbox"]
        place = "/var/task" if is_seen else str(folders.task)
        child = spawner.fork()
        answer = child.set_up(
            mode="exec",
            argv=["/var/task/bootstrap", "x"],
            variables=variables,
            sandbox=sandbox,
            **folders.told(),
        )
        assert answer == ("", b"")
        status, output = child.ended()
        assert (status, output.plain.decode()) == (3, f"{place}/bootstrap x {place} mine\n")


@pytest.mark.parametrize(
    ("content", "mode", "status", "message"),
    [
        (None, 0, 127, "Couldn't find valid bootstrap(s): [/var/task/bootstrap]"),
        ("#!/bin/sh\n", 0o644, 126, "fork/exec /var/task/bootstrap: permission denied"),
        ("no program", 0o755, 126, "fork/exec /var/task/bootstrap: exec format error"),
        (
            "#!/no/such/shell\n",
            0o755,
            127,
            "fork/exec /var/task/bootstrap: no such file or directory",
        ),
    ],
)
def test_what_cannot_be_executed_is_an_invalid_entrypoint(
    content: str | None,
    mode: int,
    status: int,
    message: str,
    spawner: runtime_driver.Spawner,
    folders: Folders,
) -> None:
    if content is not None:
        (folders.task / "bootstrap").write_text(content)
        (folders.task / "bootstrap").chmod(mode)
    child = spawner.fork()
    kind, payload = child.set_up(mode="exec", argv=["/var/task/bootstrap"], **folders.told())
    assert (kind, runtime_driver.failure(payload)) == (
        "I",
        (
            "Runtime.InvalidEntrypoint",
            {"errorMessage": message, "errorType": "Runtime.InvalidEntrypoint"},
        ),
    )
    ended, output = child.ended()
    assert ended == status
    assert output.plain == b""


def test_without_privilege_it_is_a_user_namespace_or_none_with_a_reason() -> None:
    if os.geteuid():
        pytest.skip("all the other tests run without privilege")
    python = "/usr/bin/python3"
    probe = [python, "-c", f"open({str(runtime_driver.PACKAGE / '__main__.py')!r})"]
    try:
        subprocess.run(probe, user=65534, check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nobody can neither run a Python here nor read this folder")
    # Not pytest's folder, which is closed to other users.
    with tempfile.TemporaryDirectory() as name, runtime_driver.spawner(python, user=65534) as it:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "app.py").write_text(
            "import os\ndef handler(event, context):\n    return [os.getuid(), __file__]\n"
        )
        child = it.fork()
        assert child.set_up(task_dir=name, tmp_dir=name) == ("R", b"")
        uid, file = json.loads(child.invoke()[1])
        assert uid == 65534
        assert file == ("/var/task/app.py" if it.ready["sandbox"] else f"{name}/app.py")
        assert it.ready["sandbox"] or it.ready["sandbox_reason"]
