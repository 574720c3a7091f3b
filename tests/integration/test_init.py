"""A function whose code is a container image: its pod with the init in the spawner's place."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support import image_pod, pod_stand
from support.agent_stand import DEADLINE_S


@pytest.fixture
async def pod(image: image_pod.Image) -> AsyncIterator[pod_stand.Pod]:
    async with image.pod() as running:
        yield running


async def test_the_entry_point_answers_as_the_function(
    image: image_pod.Image, pod: pod_stand.Pod
) -> None:
    gateway = await image_pod.specialised(
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
    gateway = await image_pod.specialised(pod, "app", command=["handler"])
    assert (await gateway.invoke(await gateway.start(), "sys.argv[1:]")).json == ["handler"]


async def test_an_image_may_be_told_where_to_work(
    image: image_pod.Image, pod: pod_stand.Pod
) -> None:
    (image.root / "work").mkdir()
    gateway = await image_pod.specialised(
        pod, image.app, working_directory=str(image.root / "work")
    )
    answer = await gateway.invoke(await gateway.start(), "os.getcwd()")
    assert answer.json == str(image.root / "work")


async def test_both_streams_are_the_log(image: image_pod.Image, pod: pod_stand.Pod) -> None:
    gateway = await image_pod.specialised(pod, image.app)
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
    image: image_pod.Image, pod: pod_stand.Pod
) -> None:
    gateway = await image_pod.specialised(pod, image.app)
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
    image: image_pod.Image, pod: pod_stand.Pod, event: str, text: str
) -> None:
    gateway = await image_pod.specialised(pod, image.app)
    environment = await gateway.start()
    first = (await gateway.invoke(environment, "os.getpid()")).json

    answer = await gateway.invoke(environment, event)
    assert answer.result.error == "Runtime.ExitError"
    assert answer.json["errorMessage"].endswith(f"Runtime exited with error: {text}")
    assert (await gateway.invoke(environment, "os.getpid()")).json != first


async def test_a_program_out_of_time_goes_with_all_that_it_started(
    image: image_pod.Image, pod: pod_stand.Pod
) -> None:
    gateway = await image_pod.specialised(pod, image.app, timeout_s=1)
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


async def test_an_orphan_is_buried(image: image_pod.Image, pod: pod_stand.Pod) -> None:
    gateway = await image_pod.specialised(pod, image.app)
    environment = await gateway.start()
    pid = (await gateway.invoke(environment, "detach('/bin/true')")).json
    async with asyncio.timeout(DEADLINE_S):
        # Not even a zombie is left.
        while (await gateway.invoke(environment, f"is_alive({pid})")).json:
            pass
    assert (await gateway.invoke(environment, "1")).result.error is None


async def test_memory_over_the_limit_kills(image: image_pod.Image, pod: pod_stand.Pod) -> None:
    gateway = await image_pod.specialised(pod, image.app, memory_mb=128)
    environment = await gateway.start()
    answer = await gateway.invoke(environment, "[b'x' * (400 << 20), time.sleep(9)]")
    assert (answer.result.error, answer.result.max_memory_mb) == ("Runtime.ExitError", 128)
    assert (await gateway.invoke(environment, "1")).json == 1


async def test_sigterm_to_the_container_lets_what_runs_end(
    image: image_pod.Image, pod: pod_stand.Pod, tmp_path: Path
) -> None:
    gateway = await image_pod.specialised(pod, image.app)
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
