"""The largest packages that Lambda allows, in the memory that an agent has."""

import asyncio
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support import pod_stand

from inglenook.model import limits
from inglenook.wire import messages

BYTES_MAX = 128 * limits.MIB
"""Of resident memory; the container's limit is 256 MiB, which the kernel's caches share."""


@pytest.fixture
async def pod(tmp_path: Path) -> AsyncIterator[pod_stand.Pod]:
    async with pod_stand.pod(tmp_path) as running:
        yield running


def package(source: str, *, files: int, size: int) -> bytes:
    """Return a zip of so many files of this size, not compressed."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        made.writestr("app.py", source)
        for number in range(files):
            made.writestr(f"folder/{number}", bytes(size))
    return data.getvalue()


async def send(gateway: pod_stand.Gateway, data: bytes) -> str:
    """Send a package as a gateway does: few pieces without an answer."""
    sha256 = hashlib.sha256(data).hexdigest()
    turns = asyncio.Semaphore(4)

    async def piece(offset: int) -> None:
        header = messages.Package(sha256=sha256, offset=offset, total=len(data))
        answer = await gateway.ask(header, data[offset : offset + limits.MIB])
        assert isinstance(answer.header, messages.Stored), answer
        turns.release()

    async with asyncio.TaskGroup() as sending:
        for offset in range(0, len(data), limits.MIB):
            await turns.acquire()
            _ = sending.create_task(piece(offset))
    return sha256


def high_water_bytes(pid: int) -> int:
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )
    return int(line.split()[1]) * 1024


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("files", "size"),
    [(1, limits.UNZIPPED_BYTES_MAX - 1000), (12_000, 4096)],
    ids=["large", "many"],
)
async def test_the_largest_package_does_not_go_through_memory(
    pod: pod_stand.Pod, files: int, size: int
) -> None:
    source = (
        "import os\ndef handler(event, context):\n"
        "    found = os.scandir('folder')\n"
        "    return sum(entry.stat().st_size for entry in found)\n"
    )
    gateway = await pod.gateway()
    sha256 = await send(gateway, package(source, files=files, size=size))
    answer = await gateway.specialise(sha256)
    assert isinstance(answer.header, messages.Specialised), answer.header
    assert (await gateway.invoke(await gateway.start())).json == files * size
    assert high_water_bytes(pod.agent.pid) < BYTES_MAX
