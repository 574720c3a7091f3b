"""The C library's allocator, in a process of its own: it cannot be set back."""

import platform
import subprocess
import sys

import pytest

_FAULTS = """
import resource
from inglenook.aio import allocator

assert allocator.keep()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def body():
    return [b"x" * 6_000_000, b"y" * 1_000_000]

body()
before = faults()
for _ in range(20):
    body()
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back so")
def test_memory_of_large_bodies_is_had_from_the_kernel_once() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _FAULTS], check=True, capture_output=True, text=True
    ).stdout
    # A body alone has some 1,700 pages.
    assert int(said) < 1000
