"""What a container image's pod cannot or does not run, and how it says so."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration import runtime_driver
from support import image_pod, init_program, pod_stand
from support.agent_stand import DEADLINE_S

from inglenook.wire import messages


@pytest.fixture
async def pod(image: image_pod.Image) -> AsyncIterator[pod_stand.Pod]:
    async with image.pod() as running:
        yield running


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
    image: image_pod.Image, pod: pod_stand.Pod, entry_point: str, text: str
) -> None:
    image.add("plain", "", mode=0o644)
    image.add("other", "\x7fELF of another machine")
    image.add("astray", "#!/no/such/interpreter\n")
    gateway = await image_pod.specialised(pod, entry_point.format(root=image.root))
    answer = await gateway.invoke(await gateway.start(), "1", wants_tail=True)
    assert answer.result.error == "Runtime.InvalidEntrypoint"
    assert answer.json["errorType"] == "Runtime.InvalidEntrypoint"
    assert answer.json["errorMessage"].endswith(f"Error: {text.format(root=image.root)}")


async def test_an_image_that_names_no_entry_point_is_told_what_to_set(pod: pod_stand.Pod) -> None:
    gateway = await image_pod.specialised(pod, command=["app.handler"])
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
    image: image_pod.Image, pod: pod_stand.Pod, folder: str, text: str
) -> None:
    gateway = await image_pod.specialised(pod, image.app, working_directory=folder)
    answer = await gateway.invoke(await gateway.start(), "1")
    assert answer.result.error == "Runtime.InvalidWorkingDir"
    assert answer.json["errorMessage"].endswith(f"Error: {text}")


async def test_a_pod_runs_its_own_image_and_nothing_else(
    image: image_pod.Image, pod: pod_stand.Pod
) -> None:
    gateway = await pod.gateway()
    other = await image_pod.specialise(gateway, image.app, uri="registry.test/other")
    assert other.refusal is messages.Refusal.RUNTIME_UNAVAILABLE
    package = await gateway.send(pod_stand.zipped({"app.py": "", "bootstrap": ""}))
    for runtime in (pod_stand.RUNTIME_NAME, "provided.al2023"):
        answer = await gateway.specialise(package, runtime=runtime)
        assert answer.refusal is messages.Refusal.RUNTIME_UNAVAILABLE
    # Nothing has begun: another may have it.
    gateway.hang_up()
    gateway = await image_pod.specialised(pod, image.app)
    assert (await gateway.ask(messages.Start())).header is not None
    assert (await gateway.ask(messages.Start())).refusal is messages.Refusal.FULL


async def test_a_pod_of_a_runtime_runs_no_image(tmp_path: Path) -> None:
    async with pod_stand.pod(tmp_path) as pod:
        answer = await image_pod.specialise(await pod.gateway(), "/bin/true")
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
    image: image_pod.Image, pod: pod_stand.Pod
) -> None:
    gateway = await image_pod.specialised(pod, image.app)
    _ = await gateway.start()
    pod.agent.kill()
    assert await pod.ended() == (-signal.SIGKILL, 0)
    await pod.start_agent()
    await pod.until_status("/live", 200)
    answer = await image_pod.specialise(await pod.gateway(), image.app)
    assert answer.refusal is messages.Refusal.DRAINING


async def test_the_agent_puts_the_program_where_the_container_finds_it(
    image: image_pod.Image,
) -> None:
    image.installed.write_bytes(b"of an agent that was killed amid it")
    async with image.pod():
        assert image.installed.read_bytes() == image.program
        assert image.installed.stat().st_mode & 0o777 == 0o555
        assert os.listdir(image.installed.parent) == ["init"]  # noqa: PTH208


async def test_a_program_killed_from_outside_does_not_end_the_pod(
    image: image_pod.Image, pod: pod_stand.Pod
) -> None:
    gateway = await image_pod.specialised(pod, image.app)
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
