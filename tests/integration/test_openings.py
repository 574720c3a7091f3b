"""Who opens the first file of a file system waits until all is ready for it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from support import agent_stand

from inglenook_agent.limits.openings import Openings

WRITER = """
import os, sys
what, path = sys.argv[1:]
if what == "folder":
    os.mkdir(path)
elif what == "pipe":
    os.mkfifo(path)
    os.open(path, os.O_RDWR)
else:
    os.write(os.open(path, os.O_CREAT | os.O_WRONLY), b"written")
"""


@contextlib.contextmanager
def mounted(root: Path) -> Iterator[Path]:
    """A file system of its own."""
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(root)]
    if sys.platform != "linux" or subprocess.run(mount, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield root
    subprocess.run(["umount", "-l", str(root)], check=True)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "one") as root:
        yield root


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "other") as root:
        yield root


@pytest.fixture
async def openings(root: Path, other: Path) -> AsyncIterator[Openings]:
    del root, other  # they go after this
    try:
        openings = Openings()
    except OSError as exc:
        pytest.skip(f"nobody can be made to wait here: {exc}")
    yield openings
    openings.close()


async def writer(root: Path, what: str) -> asyncio.subprocess.Process:
    argv = (sys.executable, "-I", "-S", "-c", WRITER, what, str(root / what))
    return await asyncio.create_subprocess_exec(*argv)


def watch(openings: Openings, root: Path, on_first: Callable[[], None]) -> None:
    folder = os.open(root.parent, os.O_PATH)
    openings.watch(folder, root.name, on_first)
    os.close(folder)


async def waiting(openings: Openings, root: Path) -> asyncio.subprocess.Process:
    """Return a process that waits, and is not answered."""
    waits = asyncio.Event()
    asyncio.get_running_loop().add_reader(openings._descriptor, waits.set)
    process = await writer(root, "file")
    async with asyncio.timeout(agent_stand.DEADLINE_S):
        await waits.wait()
    asyncio.get_running_loop().remove_reader(openings._descriptor)
    return process


def names(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


async def ended(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(agent_stand.DEADLINE_S):
        return await process.wait()


@pytest.mark.parametrize("what", ["file", "pipe"])
async def test_the_first_opening_is_told_of_before_it_happens(
    what: str, openings: Openings, root: Path
) -> None:
    sizes: list[int] = []
    watch(openings, root, lambda: sizes.append((root / what).stat().st_size))
    assert await ended(await writer(root, what)) == 0
    assert await ended(await writer(root, "other")) == 0
    assert sizes == [0]


async def test_all_who_open_at_once_go_on(openings: Openings, root: Path) -> None:
    told: list[str] = []
    watch(openings, root, lambda: told.append("once"))
    writers = [await writer(root, f"file{number}") for number in range(8)]
    assert [await ended(one) for one in writers] == [0] * 8
    assert told == ["once"]
    assert names(root) == {f"file{number}" for number in range(8)}


async def test_file_systems_are_told_apart(openings: Openings, root: Path, other: Path) -> None:
    told: list[str] = []
    watch(openings, root, lambda: told.append("one"))
    watch(openings, other, lambda: told.append("other"))
    assert await ended(await writer(other, "file")) == 0
    # Whoever makes no file has nothing to wait for.
    assert await ended(await writer(root, "folder")) == 0
    assert told == ["other"]
    assert await ended(await writer(root, "file")) == 0
    assert told == ["other", "one"]


async def test_a_failure_to_make_ready_lets_it_go_on(openings: Openings, root: Path) -> None:
    failures: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(str(context["exception"])))

    def fail() -> None:
        raise OSError("not ready")

    watch(openings, root, fail)
    assert await ended(await writer(root, "file")) == 0
    assert failures == ["not ready"]


async def test_who_waits_can_be_killed(openings: Openings, root: Path) -> None:
    gate = asyncio.Event()
    watch(openings, root, gate.set)
    process = await waiting(openings, root)
    process.kill()
    assert await ended(process) == -signal.SIGKILL
    assert not gate.is_set()
    with pytest.raises(BlockingIOError):
        os.read(openings._descriptor, 24)
    openings._answer()


async def test_who_waits_goes_on_when_nobody_is_there_any_more(
    openings: Openings, root: Path
) -> None:
    watch(openings, root, lambda: None)
    process = await waiting(openings, root)
    openings.close()
    openings.close()
    assert await ended(process) == 0
    assert (root / "file").read_text() == "written"
