"""A function whose code is a container image: its pod with the init in the spawner's place.

The image is a folder of this machine, and its program a small client of the Runtime API that
evaluates what it is sent.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from integration import runtime_driver
from support import init_program, pod_stand
from support.agent_stand import DEADLINE_S, Answer

from inglenook.wire import messages

URI = "registry.test/app@sha256:0"
APP = f"""#!{pod_stand.PYTHON} -IS
import http.client, json, os, signal, subprocess, sys, time
def is_alive(pid):
    return os.path.exists(f"/proc/{{pid}}")
def opened():
    paths = [f"/proc/self/fd/{{number}}" for number in os.listdir("/proc/self/fd")]
    return [os.readlink(path) for path in paths if os.path.lexists(path)]
def detach(*command):
    # Leaves the session, and its parent at once.
    read, write = os.pipe()
    if not os.fork():
        os.setsid()
        child = os.fork()
        if child:
            os.write(write, str(child).encode())
            os._exit(0)
        os.execvp(command[0], command)
    os.wait()
    return int(os.read(read, 20))
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
invocation = "/2018-06-01/runtime/invocation"
while True:
    api.request("GET", invocation + "/next")
    event = api.getresponse()
    result = eval(json.loads(event.read()))
    name = event.headers["Lambda-Runtime-Aws-Request-Id"]
    api.request("POST", f"{{invocation}}/{{name}}/response", body=json.dumps(result))
    api.getresponse().read()
"""


class Image:
    """The folder that is the image, and its pod."""

    def __init__(self, folder: Path, init: Path) -> None:
        self._folder = folder
        self.installed = folder / "run" / "init"
        self.installed.parent.mkdir()
        self._init = init
        self.program = init.read_bytes()
        self.root = folder / "image"
        (self.root / "bin").mkdir(parents=True)
        self.app = self.add("bin/app", APP)

    def add(self, name: str, content: str, mode: int = 0o755) -> str:
        path = self.root / name
        path.write_text(content)
        path.chmod(mode)
        return str(path)

    def pod(self, **variables: str) -> AbstractAsyncContextManager[pod_stand.Pod]:
        return pod_stand.pod(
            self._folder,
            pod_stand.Container(
                command=(str(self.installed),),
                variables={
                    "PATH": f"{self.root}/bin",
                    "FROM_IMAGE": "image",
                    "FROM_BOTH": "image",
                    "KUBERNETES_SERVICE_HOST": "10.0.0.1",
                },
                folder=self.root,
            ),
            INGLENOOK_AGENT_IMAGE=URI,
            INGLENOOK_AGENT_INIT_SOURCE=str(self._init),
            INGLENOOK_AGENT_INIT_FILE=str(self.installed),
            **variables,
        )


@pytest.fixture
def image(tmp_path: Path, init: Path) -> Image:
    return Image(tmp_path, init)


@pytest.fixture
async def pod(image: Image) -> AsyncIterator[pod_stand.Pod]:
    async with image.pod() as running:
        yield running


async def specialised(
    pod: pod_stand.Pod, *entry_point: str, uri: str = URI, **changes: object
) -> pod_stand.Gateway:
    """Connect to the pod, have it serve the image with that entry point."""
    gateway = await pod.gateway()
    answer = await specialise(gateway, *entry_point, uri=uri, **changes)
    assert isinstance(answer.header, messages.Specialised), answer.header
    return gateway


async def specialise(
    gateway: pod_stand.Gateway, *entry_point: str, uri: str = URI, **changes: object
) -> Answer:
    of_image = {key: changes.pop(key) for key in ("command", "working_directory") if key in changes}
    described = messages.Image(uri=uri, entry_point=list(entry_point), **of_image)  # type: ignore[arg-type]
    return await gateway.specialise("", runtime="", handler="", image=described, **changes)


async def test_the_entry_point_answers_as_the_function(image: Image, pod: pod_stand.Pod) -> None:
    gateway = await specialised(
        pod,
        image.app,
        command=["one", "two words"],
        variables={"FROM_BOTH": "function"},
    )
    environment = await gateway.start()
    assert (await gateway.invoke(environment, "sys.argv[1:]")).json == ["one", "two words"]
    assert (await gateway.invoke(environment, "os.getcwd()")).json == str(image.root)

    answer = await gateway.invoke(environment, "dict(os.environ)")
    variables = answer.json
    assert answer.result.error is None
    assert 1 < answer.result.max_memory_mb < 128
    assert (variables["FROM_IMAGE"], variables["FROM_BOTH"]) == ("image", "function")
    assert variables["PATH"] == f"{image.root}/bin"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_Image"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert variables["LAMBDA_TASK_ROOT"] == "/var/task"
    assert "_HANDLER" not in variables
    assert not [name for name in variables if name.startswith(("KUBERNETES_", "INGLENOOK_"))]


async def test_an_entry_point_is_found_on_the_path_of_the_image(pod: pod_stand.Pod) -> None:
    gateway = await specialised(pod, "app", command=["handler"])
    assert (await gateway.invoke(await gateway.start(), "sys.argv[1:]")).json == ["handler"]


async def test_an_image_may_be_told_where_to_work(image: Image, pod: pod_stand.Pod) -> None:
    (image.root / "work").mkdir()
    gateway = await specialised(pod, image.app, working_directory=str(image.root / "work"))
    answer = await gateway.invoke(await gateway.start(), "os.getcwd()")
    assert answer.json == str(image.root / "work")


async def test_both_streams_are_the_log(image: Image, pod: pod_stand.Pod) -> None:
    gateway = await specialised(pod, image.app)
    answer = await gateway.invoke(
        await gateway.start(),
        "[os.write(1, b'to stdout\\n'), os.write(2, b'to stderr\\n'), sys.stdin.read()]",
        wants_tail=True,
    )
    assert answer.json == [10, 10, ""]
    lines = answer.tail.splitlines()
    assert lines[0].startswith("START")
    assert lines[1:3] == ["to stdout", "to stderr"]


async def test_a_program_has_lambdas_limits_and_no_descriptor_of_ours(
    image: Image, pod: pod_stand.Pod
) -> None:
    gateway = await specialised(pod, image.app)
    environment = await gateway.start()
    limits = (await gateway.invoke(environment, "open('/proc/self/limits').read()")).json
    limit_of = {line[:25].strip(): line[25:].split()[:2] for line in limits.splitlines()}
    assert limit_of["Max open files"] == ["1024", "1024"]
    assert limit_of["Max core file size"] == ["0", "0"]
    assert limit_of["Max locked memory"] == ["65536", "65536"]
    assert limit_of["Max file size"] == [str(512 * 1024 * 1024)] * 2
    status = (await gateway.invoke(environment, "open('/proc/self/status').read()")).json
    told = dict(line.split(":\t", 1) for line in status.splitlines())
    assert told["NoNewPrivs"] == "1"
    assert told["CapEff"] == told["CapPrm"] == "0" * 16
    opened = (await gateway.invoke(environment, "opened()")).json
    assert sorted(each.split(":")[0] for each in opened) == [
        "/dev/null",
        "pipe",
        "pipe",
        "socket",  # its own, to the Runtime API
    ]
    assert (await gateway.invoke(environment, "os.getpid() == os.getsid(0)")).json is True
    signals = (
        "[signal.getsignal(signal.SIGINT) is signal.default_int_handler, "
        "list(signal.pthread_sigmask(signal.SIG_BLOCK, []))]"
    )
    assert (await gateway.invoke(environment, signals)).json == [True, []]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ("sys.exit(3)", "exit status 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "signal: segmentation fault"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "signal: killed"),
    ],
)
async def test_a_program_that_ends_is_told_and_replaced(
    image: Image, pod: pod_stand.Pod, event: str, text: str
) -> None:
    gateway = await specialised(pod, image.app)
    environment = await gateway.start()
    first = (await gateway.invoke(environment, "os.getpid()")).json

    answer = await gateway.invoke(environment, event)
    assert answer.result.error == "Runtime.ExitError"
    assert answer.json["errorMessage"].endswith(f"Runtime exited with error: {text}")
    assert (await gateway.invoke(environment, "os.getpid()")).json != first


async def test_a_program_out_of_time_goes_with_all_that_it_started(
    image: Image, pod: pod_stand.Pod
) -> None:
    gateway = await specialised(pod, image.app, timeout_s=1)
    environment = await gateway.start()
    answer = await gateway.invoke(
        environment,
        "[print('PIDS', os.getpid(), subprocess.Popen(['/bin/sleep', '100']).pid, "
        "detach('/bin/sleep', '100'), flush=True), time.sleep(100)]",
        wants_tail=True,
    )
    assert answer.result.error == "Sandbox.Timedout"

    (line,) = (line for line in answer.tail.splitlines() if line.startswith("PIDS"))
    pids = [int(word) for word in line.split()[1:]]
    assert len(pids) == 3
    async with asyncio.timeout(DEADLINE_S):
        while (await gateway.invoke(environment, f"list(filter(is_alive, {pids}))")).json:
            pass


async def test_an_orphan_is_buried(image: Image, pod: pod_stand.Pod) -> None:
    gateway = await specialised(pod, image.app)
    environment = await gateway.start()
    pid = (await gateway.invoke(environment, "detach('/bin/true')")).json
    async with asyncio.timeout(DEADLINE_S):
        # Not even a zombie is left.
        while (await gateway.invoke(environment, f"is_alive({pid})")).json:
            pass
    assert (await gateway.invoke(environment, "1")).result.error is None


async def test_memory_over_the_limit_kills(image: Image, pod: pod_stand.Pod) -> None:
    gateway = await specialised(pod, image.app, memory_mb=128)
    environment = await gateway.start()
    answer = await gateway.invoke(environment, "[b'x' * (400 << 20), time.sleep(9)]")
    assert (answer.result.error, answer.result.max_memory_mb) == ("Runtime.ExitError", 128)
    assert (await gateway.invoke(environment, "1")).json == 1


async def test_sigterm_to_the_container_lets_what_runs_end(
    image: Image, pod: pod_stand.Pod, tmp_path: Path
) -> None:
    gateway = await specialised(pod, image.app)
    answer = gateway.invoke_soon(
        await gateway.start(),
        "[print('begun', flush=True), "
        f"list(iter(lambda: time.sleep(0.01) or os.path.exists({str(tmp_path / 'go')!r}), True))]",
    )
    await pod.until_logged("begun")
    pod.spawner.terminate()
    await pod.until_status("/ready", 503)

    (tmp_path / "go").touch()
    assert (await answer).result.error is None
    assert await pod.ended() == (0, 0)


@pytest.mark.parametrize(
    ("entry_point", "text"),
    [
        ("/no/such", "fork/exec /no/such: no such file or directory"),
        ("{root}/plain", "fork/exec {root}/plain: permission denied"),
        ("{root}/other", "fork/exec {root}/other: exec format error"),
        ("{root}/astray", "fork/exec {root}/astray: no such file or directory"),
        ("nothing", 'exec: "nothing": executable file not found in $PATH'),
        ("bin/app/x", "fork/exec bin/app/x: not a directory"),
    ],
)
async def test_an_entry_point_that_cannot_run_is_an_init_error(
    image: Image, pod: pod_stand.Pod, entry_point: str, text: str
) -> None:
    image.add("plain", "", mode=0o644)
    image.add("other", "\x7fELF of another machine")
    image.add("astray", "#!/no/such/interpreter\n")
    gateway = await specialised(pod, entry_point.format(root=image.root))
    answer = await gateway.invoke(await gateway.start(), "1", wants_tail=True)
    assert answer.result.error == "Runtime.InvalidEntrypoint"
    assert answer.json["errorType"] == "Runtime.InvalidEntrypoint"
    assert answer.json["errorMessage"].endswith(f"Error: {text.format(root=image.root)}")


async def test_an_image_that_names_no_entry_point_is_told_what_to_set(pod: pod_stand.Pod) -> None:
    gateway = await specialised(pod, command=["app.handler"])
    answer = await gateway.invoke(await gateway.start(), "1")
    assert answer.result.error == "Runtime.InvalidEntrypoint"
    assert "set EntryPoint in its ImageConfig" in answer.json["errorMessage"]


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("/no/such", "chdir /no/such: no such file or directory"),
        ("work", "the working directory 'work' is invalid, it needs to be an absolute path"),
    ],
)
async def test_a_working_directory_that_is_not_there_is_an_init_error(
    image: Image, pod: pod_stand.Pod, folder: str, text: str
) -> None:
    gateway = await specialised(pod, image.app, working_directory=folder)
    answer = await gateway.invoke(await gateway.start(), "1")
    assert answer.result.error == "Runtime.InvalidWorkingDir"
    assert answer.json["errorMessage"].endswith(f"Error: {text}")


async def test_a_pod_runs_its_own_image_and_nothing_else(image: Image, pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    other = await specialise(gateway, image.app, uri="registry.test/other")
    assert other.refusal is messages.Refusal.RUNTIME_UNAVAILABLE
    package = await gateway.send(pod_stand.zipped({"app.py": "", "bootstrap": ""}))
    for runtime in (pod_stand.RUNTIME_NAME, "provided.al2023"):
        answer = await gateway.specialise(package, runtime=runtime)
        assert answer.refusal is messages.Refusal.RUNTIME_UNAVAILABLE
    # Nothing has begun: another may have it.
    gateway.hang_up()
    gateway = await specialised(pod, image.app)
    assert (await gateway.ask(messages.Start())).header is not None
    assert (await gateway.ask(messages.Start())).refusal is messages.Refusal.FULL


async def test_a_pod_of_a_runtime_runs_no_image(tmp_path: Path) -> None:
    async with pod_stand.pod(tmp_path) as pod:
        answer = await specialise(await pod.gateway(), "/bin/true")
        assert answer.refusal is messages.Refusal.RUNTIME_UNAVAILABLE


async def test_a_container_that_starts_programs_only_runs_no_python(
    tmp_path: Path, init: Path
) -> None:
    container = pod_stand.Container(command=(str(init),))
    runtime = pod_stand.RUNTIME_NAME
    async with pod_stand.pod(tmp_path, container, INGLENOOK_AGENT_RUNTIME=runtime) as pod:
        gateway = await pod.gateway()
        package = await gateway.send(pod_stand.zipped({"app.py": ""}))
        answer = await gateway.specialise(package)
        assert answer.refusal is messages.Refusal.RUNTIME_UNAVAILABLE
        assert "runs exec, image, and not python" in answer.header.message  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["python", "wrapper"])
def test_what_is_no_program_is_refused_in_words(tmp_path: Path, init: Path, mode: str) -> None:
    with runtime_driver.spawner(beside=tmp_path / "spawner.sock", program=init) as spawner:
        assert spawner.ready["modes"] == ["exec", "image"]
        child = spawner.fork()
        child.tell(mode=mode)
        status, output = child.ended()
    assert status == 70
    assert (
        f'this container starts programs, and nothing of the mode "{mode}"' in output.plain.decode()
    )


async def test_a_pod_that_has_run_an_image_never_serves_again(
    image: Image, pod: pod_stand.Pod
) -> None:
    gateway = await specialised(pod, image.app)
    _ = await gateway.start()
    pod.agent.kill()
    assert await pod.ended() == (-signal.SIGKILL, 0)
    await pod.start_agent()
    await pod.until_status("/live", 200)
    answer = await specialise(await pod.gateway(), image.app)
    assert answer.refusal is messages.Refusal.DRAINING


async def test_the_agent_puts_the_program_where_the_container_finds_it(
    image: Image,
) -> None:
    image.installed.write_bytes(b"of an agent that was killed amid it")
    async with image.pod():
        assert image.installed.read_bytes() == image.program
        assert image.installed.stat().st_mode & 0o777 == 0o555
        assert os.listdir(image.installed.parent) == ["init"]  # noqa: PTH208


async def test_a_program_killed_from_outside_does_not_end_the_pod(
    image: Image, pod: pod_stand.Pod
) -> None:
    gateway = await specialised(pod, image.app)
    environment = await gateway.start()
    pid = (await gateway.invoke(environment, "os.getpid()")).json
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE_S):
        while (await gateway.invoke(environment, "os.getpid()")).result.error:
            pass
    assert (await pod.status("/ready"))[0] == 200


def test_the_program_passes_its_own_tests(init: Path) -> None:
    assert init.exists()
    init_program.check()
