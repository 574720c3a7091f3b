"""What the agent of a pod reads of processes in the function's container."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inglenook_agent.limits import container

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")


@pytest.fixture
def accounts() -> Iterator[container.Accounts]:
    made = container.Accounts()
    made.take({"processes": os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)})
    yield made
    made.close()


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    )
    assert process.stdout is not None
    process.stdout.readline()
    with process:
        yield process
        process.kill()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as many as there are


def test_a_group_has_what_its_processes_have(
    accounts: container.Accounts, child: subprocess.Popen[bytes]
) -> None:
    share = container.Share(accounts, child.pid)
    used = share.own_bytes(0)
    assert used > 1_000_000
    assert share.peak_bytes(child.pid) >= used


def test_the_peak_of_a_process_that_has_ended_is_what_was_last_seen(
    accounts: container.Accounts, child: subprocess.Popen[bytes]
) -> None:
    share = container.Share(accounts, child.pid)
    before = descriptors()
    peak = share.peak_bytes(child.pid)
    assert child.stdin is not None
    child.stdin.close()
    child.wait()
    assert share.peak_bytes(child.pid) == peak > 0
    assert share.remove()
    assert descriptors() == before - 1  # the end of the child's standard input


def test_without_descriptors_nothing_counts() -> None:
    share = container.Share(container.Accounts(), os.getpgid(0))
    assert (share.own_bytes(0), share.peak_bytes(os.getpid())) == (0, 0)
