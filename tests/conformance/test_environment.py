"""The execution environment, as dg/lambda-runtime-environment.html and recorded logs have it."""

import base64
import json
import re
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from platform_process import create, package

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/lambda-runtime-environment.html")


def run(client: "LambdaClient", name: str, payload: bytes = b"{}") -> tuple[Any, str]:
    """Invoke a function; return its answer and the tail of its log."""
    response = client.invoke(FunctionName=name, Payload=payload, LogType="Tail")
    tail = base64.b64decode(response["LogResult"]).decode()
    return json.loads(response["Payload"].read()), tail


# What is written.


@pytest.mark.ours("the log is read where our platform serves it")
@pytest.mark.aws("dg/python-logging.html")
def test_a_traceback_is_one_event_in_lambdas_form(
    client: "LambdaClient", name: str, platform: platform_process.Platform, task_root: str
) -> None:
    create(
        client, name,
        "def inner():\n    raise ValueError('two\\nlines')\n"
        "def handler(event, context):\n    print('a\\rb')\n    inner()\n",
    )  # fmt: skip
    run(client, name)
    # Without a sandbox the code lies in a folder that is named by its digest.
    folder = re.compile(rf'"{task_root}(/[0-9a-f]{{64}})?/')
    messages = [folder.sub('"', event["message"]) for event in logged(platform, name)]
    assert "a\rb\n" in messages
    indent = "\N{NO-BREAK SPACE}" * 2
    assert (
        "[ERROR] ValueError: two\nlines\nTraceback (most recent call last):\n"
        f'{indent}File "app.py", line 5, in handler\n{indent * 2}inner()\n'
        f'{indent}File "app.py", line 2, in inner\n'
        f"{indent * 2}raise ValueError('two\\nlines')"
    ) in messages


@pytest.mark.aws("model:InvocationResponse.LogResult")
def test_the_tail_of_a_first_invocation_has_what_init_wrote(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, "print('loading')\ndef handler(event, context):\n    print('running')\n")
    first, second = (run(client, name)[1] for _ in range(2))
    assert re.match(r"loading\nSTART RequestId: \S+ Version: \$LATEST\nrunning\nEND ", first)
    assert re.match(r"START RequestId: \S+ Version: \$LATEST\nrunning\nEND ", second)


def test_the_tail_says_why_init_failed(client: "LambdaClient", name: str) -> None:
    create(client, name, "import nowhere\n")
    error, tail = run(client, name)
    assert (error["requestId"], error["stackTrace"]) == ("", [])
    kind = "Runtime.ImportModuleError"
    written = re.sub(r"\d+\.\d+ ms", "T ms", tail)
    start = written.index("START RequestId:")
    for phase in ("init", "invoke"):
        line = (
            f"INIT_REPORT Init Duration: T ms\tPhase: {phase}\tStatus: error\tError Type: {kind}\n"
        )
        assert 0 <= written.find(line) < start
    assert written.count(f"[ERROR] {kind}: Unable to import module 'app'") == 2
    assert written.endswith(f"\tStatus: error\tError Type: {kind}\n")


@pytest.mark.parametrize(
    ("levels", "types", "messages"),
    [
        ({}, ["platform.start", "platform.report"], ["told", "warned", "printed"]),
        ({"ApplicationLogLevel": "DEBUG"}, ["platform.start", "platform.report"],
         ["asked", "told", "warned", "own", "printed"]),
        ({"ApplicationLogLevel": "ERROR", "SystemLogLevel": "WARN"}, [], ["printed"]),
    ],
)  # fmt: skip
@pytest.mark.aws("dg/monitoring-cloudwatchlogs-log-level.html")
def test_the_json_format_honours_both_levels(
    client: "LambdaClient", name: str, levels: dict[str, str], types: list[str], messages: list[str]
) -> None:
    create(
        client, name,
        "import json, logging\n"
        "log = logging.getLogger('mine')\n"
        "def handler(event, context):\n"
        "    log.debug('asked')\n    log.info('told')\n    log.warning('warned')\n"
        "    print(json.dumps({'timestamp': '2026-01-01T00:00:00Z', 'level': 'DEBUG',\n"
        "                      'message': 'own'}))\n"
        "    print('printed')\n",
        LoggingConfig={"LogFormat": "JSON", **levels},
    )  # fmt: skip
    lines = run(client, name)[1].splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert [event["type"] for event in events if "type" in event] == types
    seen = [event["message"] for event in events if "message" in event]
    assert seen + [line for line in lines if not line.startswith("{")] == messages


# How it ends.


def test_what_an_ended_process_had_used_counts_as_that_of_a_living_one(
    client: "LambdaClient", name: str
) -> None:
    create(
        client, name,
        "import os\ndef handler(event, context):\n"
        "    if event.get('end'):\n        os._exit(1)\n",
    )  # fmt: skip
    _, ended = run(client, name, b'{"end": true}')
    _, alive = run(client, name)
    used = [int(re.findall(r"Max Memory Used: (\d+) MB", tail)[0]) for tail in (ended, alive)]
    assert used[0] >= used[1] - 5
    assert 10 <= used[1] < 100


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"other": ""}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        ({"bootstrap": "echo"}, "fork/exec /var/task/bootstrap: permission denied"),
        ({"bootstrap": "#!/nowhere\n"}, "fork/exec /var/task/bootstrap: no such file or directory"),
    ],
)
@pytest.mark.aws("dg/runtimes-custom.html")
def test_a_bootstrap_that_cannot_be_executed_names_the_request(
    client: "LambdaClient", name: str, files: dict[str, str], text: str
) -> None:
    create(client, name, package(files), Runtime="provided.al2023")
    error, tail = run(client, name)
    request_id = re.findall(r"START RequestId: (\S+)", tail)[0]
    message = f"RequestId: {request_id} Error: {text}"
    assert error == {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": message}
    assert f"{message}\nRuntime.InvalidEntrypoint\n" in tail


def test_a_function_that_leaves_shows_its_status_however_long_that_takes(
    client: "LambdaClient", name: str
) -> None:
    create(
        client, name,
        "import atexit, sys, time\natexit.register(time.sleep, 0.4)\n"
        "class Slow:\n    def __del__(self, sleep=time.sleep):\n        sleep(0.4)\n"
        "sys.modules['slow'] = Slow()\n"
        "def handler(event, context):\n    sys.exit(3)\n",
        Timeout=10,
    )  # fmt: skip
    assert run(client, name)[0]["errorMessage"].endswith(
        "Error: Runtime exited with error: exit status 3"
    )


# What a function can reach.

REACH = """
import errno, os, resource, subprocess
DATA = {data!r}
def refusal(attempt, *arguments):
    try:
        attempt(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
def write(path):
    with open(path, 'w') as file:
        file.write('x')
def handler(event, context):
    parent = os.getppid()
    return {{
        'data': [files for _, _, files in os.walk(DATA)],
        'written': {{path: refusal(write, path) for path in (
            '/tmp/x', '/var/task/x', 'x', '/opt/x', '/var/runtime/x', '/etc/x', '/dev/x',
            '/usr/x', os.path.dirname(DATA) + '/x')}},
        'descriptors': sorted(os.readlink(path).partition(':')[0] for path in (
            f'/proc/self/fd/{{n}}' for n in os.listdir('/proc/self/fd')) if os.path.lexists(path)),
        'undo': subprocess.run(['umount', DATA], capture_output=True).returncode != 0,
        'spawner': [refusal(open, f'/proc/{{parent}}/{{what}}') for what in ('environ', 'mem')],
        'rights': [line.split()[1] for line in open('/proc/self/status')
                   if line.startswith(('CapPrm', 'CapEff'))],
        'limits': [resource.getrlimit(resource.RLIMIT_NOFILE)[0],
                   resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]],
        'below': subprocess.run('echo $$ >/dev/null; echo down', shell=True, text=True,
                                capture_output=True).stdout,
    }}
"""


@pytest.fixture
def apart() -> Iterator[platform_process.Platform]:
    """A platform whose data do not lie in /tmp, of which a function sees nothing anyway."""
    with (
        tempfile.TemporaryDirectory(dir=Path.home(), prefix=".inglenook-") as data,
        platform_process.running(Path(data)) as running,
    ):
        yield running


@pytest.mark.ours("what is to be hidden are the files of a platform of ours")
def test_a_function_reaches_nothing_of_the_platforms(
    apart: platform_process.Platform, task_root: str
) -> None:
    if task_root != "/var/task":
        # The function tries to write to the machine's own folders.
        pytest.skip("no sandbox here")
    client = apart.client()
    create(client, "reach", REACH.format(data=str(apart.data)), MemorySize=512, Timeout=20)
    seen, _ = run(client, "reach")
    assert "errorType" not in seen, seen
    written = seen.pop("written")
    assert written.pop("/tmp/x") is None
    assert set(written.values()) <= {"EROFS"}
    # It is not seen, or closed.
    assert seen.pop("spawner") in (["ENOENT"] * 2, ["EACCES"] * 2)
    # Its own folder is open, for the dynamic loader to find its libraries in.
    assert seen == {
        "data": [[]],
        "descriptors": ["/dev/null", "/var/task", "pipe", "pipe", "socket", "socket"],
        "undo": True, "rights": ["0" * 16] * 2,
        "limits": [1024, 65536], "below": "down\n",
    }  # fmt: skip


def logged(platform: platform_process.Platform, name: str) -> list[dict[str, Any]]:
    """Return the events of a function's log."""
    group = urllib.parse.quote(f"/aws/lambda/{name}", safe="")
    url = f"{platform.endpoint}/_inglenook/logs?group={group}"
    with urllib.request.urlopen(url) as response:
        return [json.loads(line) for line in response]
