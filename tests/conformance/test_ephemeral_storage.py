"""/tmp: how large it is, whose it is, how long it stays, and that it is an ordinary file system."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, wait_updated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/configuration-ephemeral-storage.html")

RUNNER = """
import os, textwrap

def fill(path, most_mb):
    # Return how many MB could be written, and why no more.
    block, written = os.urandom(1 << 20) * 4, 0
    with open(path, 'wb', buffering=0) as file:
        while written < most_mb << 20:
            try:
                written += file.write(block)
            except OSError as error:
                return [written >> 20, error.errno]
    return [written >> 20, None]

def handler(event, context):
    scope = {'fill': fill}
    exec(textwrap.dedent(event), scope)
    return scope.get('answer')
"""
ENOSPC = 28

Run = Callable[[str], Any]


def answer_of(client: "LambdaClient", name: str, code: str) -> Any:
    response = client.invoke(FunctionName=name, Payload=json.dumps(code).encode())
    return json.loads(response["Payload"].read())


@pytest.fixture(autouse=True)
def _has_its_own(task_root: str) -> None:
    if task_root != "/var/task":
        pytest.skip("no sandbox here, and /tmp is a folder of the machine")


@pytest.fixture(scope="module")
def run(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[Run]:
    """Run code in an environment; return what it called `answer`."""
    name = named("has-tmp")
    create(client, name, RUNNER, MemorySize=256, Timeout=60)
    yield lambda code: answer_of(client, name, code)
    client.delete_function(FunctionName=name)


# Its size.


@pytest.mark.aws("model:EphemeralStorage.Size")
@pytest.mark.parametrize("size_mb", [512, 513, 2048, 10_240])
def test_tmp_is_as_large_as_was_asked_for(size_mb: int, client: "LambdaClient", name: str) -> None:
    create(client, name, RUNNER, EphemeralStorage={"Size": size_mb}, Timeout=20)
    total, free = answer_of(
        client, name, "import shutil\ntotal, _, free = shutil.disk_usage('/tmp')\n"
        "answer = [total / 2**20, free / 2**20]"
    )  # fmt: skip
    # A file system keeps a part for itself, and rounds.
    assert 0.9 * size_mb < total < 1.08 * size_mb
    assert 0.85 * size_mb < free <= total


@pytest.mark.aws("model:EphemeralStorage.Size")
@pytest.mark.parametrize("size_mb", [512, 1024])
def test_nothing_can_be_written_beyond_its_size(
    size_mb: int, client: "LambdaClient", name: str
) -> None:
    create(
        client, name, RUNNER, EphemeralStorage={"Size": size_mb}, MemorySize=256, Timeout=50
    )  # fmt: skip
    written, why = answer_of(client, name, f"answer = fill('/tmp/full', {size_mb + 200})")
    assert why == ENOSPC
    assert 0.85 * size_mb < written < 1.08 * size_mb
    # What is deleted is free again.
    code = "import os\nos.remove('/tmp/full')\nanswer = fill('/tmp/again', 100)"
    assert answer_of(client, name, code) == [100, None]


@pytest.mark.parametrize("way", ["allocating", "many files"])
def test_there_is_no_other_way_beyond_its_size(way: str, run: Run) -> None:
    ways = {
        "allocating": """
            import os
            file = os.open('/tmp/allocated', os.O_CREAT | os.O_RDWR)
            try:
                os.posix_fallocate(file, 0, 700 << 20)
            except OSError as error:
                answer = error.errno
            os.close(file)
            os.remove('/tmp/allocated')
            """,
        "many files": """
            import os, shutil
            os.mkdir('/tmp/many')
            answer = None
            for number in range(700):
                try:
                    got = fill(f'/tmp/many/{number}', 4)
                except OSError as error:
                    got = [0, error.errno]
                if got[1]:
                    answer = got[1]
                    break
            shutil.rmtree('/tmp/many')
            """,
    }
    assert run(ways[way]) == ENOSPC


def test_a_hole_takes_no_room(run: Run) -> None:
    got = run(
        """
        import os
        with open('/tmp/hole', 'wb') as file:
            file.truncate(5 << 30)
        answer = [os.path.getsize('/tmp/hole') >> 30, fill('/tmp/more', 48)]
        os.remove('/tmp/hole')
        os.remove('/tmp/more')
        """
    )
    assert got == [5, [48, None]]


@pytest.mark.aws("api/API_UpdateFunctionConfiguration.html")
def test_a_change_of_the_size_holds_for_what_starts_after_it(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, RUNNER)
    size = "import shutil\nanswer = round(shutil.disk_usage('/tmp').total / 2**20)"
    before = answer_of(client, name, size)
    client.update_function_configuration(FunctionName=name, EphemeralStorage={"Size": 1024})
    wait_updated(client, name)
    assert answer_of(client, name, size) > 1.8 * before


# It is no memory.


def test_what_is_in_tmp_is_not_the_functions_memory(client: "LambdaClient", name: str) -> None:
    create(client, name, RUNNER, MemorySize=128, Timeout=50)
    code = "answer = fill('/tmp/much', 400)"
    response = client.invoke(FunctionName=name, Payload=json.dumps(code).encode(), LogType="Tail")
    assert json.loads(response["Payload"].read()) == [400, None]
    tail = base64.b64decode(response["LogResult"]).decode()
    used = re.search(r"Max Memory Used: (\d+) MB", tail)
    assert used is not None
    assert int(used[1]) < 128
    # And it can be read again.
    assert answer_of(client, name, "answer = len(open('/tmp/much', 'rb').read(1 << 20))") == 1 << 20


@pytest.mark.aws("dg/configuration-memory.html")
def test_memory_is_limited_though_tmp_is_used(client: "LambdaClient", name: str) -> None:
    create(client, name, RUNNER, MemorySize=128, Timeout=30)
    code = (
        "import time\nfill('/tmp/some', 152)\n"
        "held = bytearray(200 << 20)\ntime.sleep(5)\nanswer = len(held)"
    )
    ended = answer_of(client, name, code)
    assert ended["errorType"] == "Runtime.ExitError"
    assert ended["errorMessage"].endswith("Runtime exited with error: signal: killed")
    # The environment goes on, with its files and within its memory.
    assert answer_of(client, name, "import os\nanswer = os.path.getsize('/tmp/some') >> 20") == 152


# How long it stays, and for whom.


def test_it_stays_from_event_to_event(run: Run) -> None:
    run("open('/tmp/stays', 'w').write('here')")
    assert run("answer = open('/tmp/stays').read()") == "here"


@pytest.mark.parametrize(
    ("end", "error"),
    [("time.sleep(60)", "Sandbox.Timedout"), ("os._exit(1)", "Runtime.ExitError")],
)
def test_it_outlives_the_process(end: str, error: str, client: "LambdaClient", name: str) -> None:
    create(client, name, RUNNER, Timeout=3, EphemeralStorage={"Size": 600})
    lost = answer_of(client, name, f"import os, time\nfill('/tmp/kept', 300)\n{end}")
    assert lost["errorType"] == error
    kept, more = answer_of(
        client,
        name,
        "import os\nanswer = [os.path.getsize('/tmp/kept') >> 20, fill('/tmp/y', 900)]",
    )
    assert kept == 300
    assert more[0] <= 330
    assert more[1] == ENOSPC


def test_nobody_else_sees_it(run: Run, client: "LambdaClient", name: str) -> None:
    create(client, name, RUNNER)
    run("open('/tmp/secret', 'w').write('secret')")
    look = "import os\nanswer = [f for _, _, files in os.walk('/tmp') for f in files]"
    assert "secret" in run(look)
    assert answer_of(client, name, look) == []


def test_each_environment_of_a_function_has_its_own(client: "LambdaClient", name: str) -> None:
    source = (
        "import os, time\ndef handler(event, context):\n"
        "    open('/tmp/' + context.aws_request_id, 'w').close()\n    time.sleep(1.5)\n"
        "    return len(os.listdir('/tmp'))\n"
    )
    create(client, name, source, Timeout=20)
    with ThreadPoolExecutor(3) as pool:
        answers = pool.map(lambda _: client.invoke(FunctionName=name)["Payload"].read(), range(3))
        assert [json.loads(answer) for answer in answers] == [1, 1, 1]


# What can be done in it.

WORKS = {
    "databases": """
        import sqlite3
        with sqlite3.connect('/tmp/data.sqlite') as data:
            data.execute('pragma journal_mode = wal')
            data.execute('create table t (n)')
            data.execute('insert into t values (42)')
            (answer,) = data.execute('select n from t').fetchone()
        """,
    "temporary files": """
        import tempfile
        with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as file:
            answer = 42 if folder.startswith('/tmp/') and file.name.startswith('/tmp/') else None
        """,
    "programs": """
        import os, subprocess
        with open('/tmp/program', 'w') as file:
            file.write('#!/bin/sh\\necho 42\\n')
        os.chmod('/tmp/program', 0o755)
        answer = int(subprocess.check_output(['/tmp/program']))
        """,
    "modules": """
        import sys
        with open('/tmp/a_module.py', 'w') as file:
            file.write('value = 42\\n')
        sys.path.append('/tmp')
        import a_module
        answer = a_module.value
        """,
    "sockets": """
        import os, socket
        server = socket.socket(socket.AF_UNIX)
        server.bind('/tmp/socket')
        server.listen()
        one = socket.socket(socket.AF_UNIX)
        one.connect('/tmp/socket')
        other, _ = server.accept()
        one.sendall(b'42')
        answer = int(other.recv(2))
        for each in (one, other, server):
            each.close()
        os.remove('/tmp/socket')
        """,
    "named pipes": """
        import os
        os.mkfifo('/tmp/pipe')
        if not os.fork():
            with open('/tmp/pipe', 'w') as pipe:
                pipe.write('42')
            os._exit(0)
        with open('/tmp/pipe') as pipe:
            answer = int(pipe.read())
        os.wait()
        os.remove('/tmp/pipe')
        """,
    "links and moves between folders": """
        import os
        os.makedirs('/tmp/a/b')
        with open('/tmp/a/one', 'w') as file:
            file.write('42')
        os.rename('/tmp/a/one', '/tmp/a/b/two')
        os.link('/tmp/a/b/two', '/tmp/three')
        os.symlink('/tmp/three', '/tmp/a/four')
        answer = int(open('/tmp/a/four').read())
        """,
    "mapped files and locks": """
        import fcntl, mmap
        with open('/tmp/mapped', 'w+b') as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(4096)
            with mmap.mmap(file.fileno(), 0) as memory:
                memory[7] = 42
        answer = open('/tmp/mapped', 'rb').read()[7]
        """,
    "modes and times": """
        import os
        with open('/tmp/file', 'w'):
            pass
        os.chmod('/tmp/file', 0o640)
        os.utime('/tmp/file', (42, 42))
        seen = os.stat('/tmp/file')
        answer = int(seen.st_mtime) if seen.st_mode & 0o777 == 0o640 else None
        """,
}


@pytest.mark.parametrize("what", WORKS)
def test_it_is_a_file_system_like_others(what: str, run: Run) -> None:
    assert run(WORKS[what]) == 42
