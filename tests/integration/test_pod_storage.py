"""The /tmp of a pod is as large as its function's EphemeralStorage: who exceeds it ends."""

import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import image_pod, pod_stand

from inglenook.wire import messages

SIZE_MB = 4
FILL = """
import os, tempfile, time
def fill(megabytes):
    for number in range(megabytes):
        with open(os.path.join(tempfile.gettempdir(), str(number)), "wb") as file:
            file.write(bytes(1024 * 1024))
"""
FOR_EVER = "    while True:\n        time.sleep(1)\n"
OUT = "Runtime.OutOfStorage"


@dataclass(frozen=True)
class Stand:
    """A pod, of Python or of a container image."""

    pod: pod_stand.Pod
    image: image_pod.Image | None

    async def function(self, source: str, **changes: object) -> pod_stand.Gateway:
        # A busy machine may take seconds for a look, and then pauses for twenty times as long.
        changes |= {"ephemeral_storage_mb": SIZE_MB, "timeout_s": 900}
        if self.image is not None:
            app = self.image.add_function("own", FILL + source)
            return await image_pod.specialised(self.pod, app, **changes)
        gateway = await self.pod.gateway()
        await gateway.function(FILL + source, **changes)
        return gateway

    async def ended(self, gateway: pod_stand.Gateway) -> str:
        """Wait for the end of the pod; return what its function has logged."""
        await gateway.until(lambda: bool(gateway.said(messages.Gone)))
        assert await self.pod.ended() == (0, 0)
        return "\n".join(line["message"] for line in self.pod.log)


@pytest.fixture
async def of_python(tmp_path: Path) -> AsyncIterator[Stand]:
    async with pod_stand.pod(tmp_path) as running:
        yield Stand(running, None)


@pytest.fixture(params=["python", "image"])
async def stand(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stand]:
    """Have either program that can be the container's first."""
    image = request.getfixturevalue("image") if request.param == "image" else None
    async with pod_stand.pod(tmp_path) if image is None else image.pod() as running:
        yield Stand(running, image)


async def failed(answer: "pod_stand.Answer", held_mb: int) -> None:
    assert answer.result.error == OUT
    assert answer.json["errorType"] == OUT
    assert answer.json["errorMessage"].endswith(
        f"Error: /tmp holds {held_mb} MB, and EphemeralStorage is {SIZE_MB} MB"
    )


async def test_who_puts_more_into_tmp_than_its_size_is_ended_and_told_why(stand: Stand) -> None:
    gateway = await stand.function("def handler(event, context):\n    fill(5)\n" + FOR_EVER)
    await failed(await gateway.invoke(await gateway.start()), 5)
    log = await stand.ended(gateway)
    assert f"/tmp holds 5 MB, and EphemeralStorage is {SIZE_MB} MB\n{OUT}" in log
    assert f"Error Type: {OUT}" in log


async def test_who_has_answered_meanwhile_runs_nothing_more(stand: Stand) -> None:
    gateway = await stand.function("def handler(event, context):\n    fill(5)\n")
    assert (await gateway.invoke(await gateway.start())).result.error is None
    assert f"/tmp holds 5 MB, and EphemeralStorage is {SIZE_MB} MB" in await stand.ended(gateway)


async def test_open_files_without_a_name_count(stand: Stand) -> None:
    source = """
def handler(event, context):
    kept = []
    for _ in range(5):
        kept.append(tempfile.TemporaryFile())
        kept[-1].write(bytes(1024 * 1024))
        kept[-1].flush()
"""
    gateway = await stand.function(source + FOR_EVER)
    await failed(await gateway.invoke(await gateway.start()), 5)
    await stand.ended(gateway)


async def test_an_init_that_fills_tmp_fails_and_its_invocation_is_told(stand: Stand) -> None:
    gateway = await stand.function("fill(5)\nwhile True:\n    time.sleep(1)\n")
    started = (await gateway.ask(messages.Start())).header
    assert isinstance(started, messages.Started)
    assert not started.init_ok
    # The environment is there, for an invocation to hear of it.
    assert not gateway.said(messages.Gone)
    await failed(await gateway.invoke(started.environment), 5)
    assert f"INIT_REPORT Init Duration: {started.init_ms:.2f} ms" in await stand.ended(gateway)


async def test_environments_that_share_a_pod_have_room_together(of_python: Stand) -> None:
    gateway = await of_python.function(
        "def handler(event, context):\n    fill(event)\n" + FOR_EVER, environments_max=2
    )
    first, second = await gateway.start(), await gateway.start()
    answers = [gateway.invoke_soon(first, 1), gateway.invoke_soon(second, 9)]
    for answer in answers:
        assert (
            (await answer)
            .json["errorMessage"]
            .endswith(f"Error: /tmp holds 9 MB, and EphemeralStorage is {2 * SIZE_MB} MB")
        )
    await of_python.ended(gateway)


def children(pid: int) -> list[int]:
    """Return them in the order in which they were forked."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_a_pod_that_nobody_can_look_into_takes_nothing_more(stand: Stand) -> None:
    gateway = await stand.function("def handler(event, context):\n    return 1\n")
    environment = await gateway.start()
    os.kill(children(stand.pod.spawner.pid)[0], signal.SIGKILL)
    await gateway.until(lambda: bool(gateway.said(messages.Gone)))
    assert gateway.said(messages.Gone)[0].environment == environment  # type: ignore[attr-defined]
    assert await stand.pod.ended() == (0, 0)
