"""What an idle environment and an idle platform take (Linux)."""

import contextlib
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from measuring import calls, results
from measuring.functions import TELLING_HANDLER
from single.subjects import THIS, Subjects

_MIB = 2**20
_ENVIRONMENTS = 20
_HELD = '{"seconds": 1}'


def environment(run: Subjects) -> results.Result:
    """Read the private memory of environments that have run one event and wait.

    Of the function's process and, where it has processes of its own, of the small init beside it.
    """
    with run.platforms() as platforms:
        platform = platforms[THIS]
        platform.create("idle", TELLING_HANDLER, Timeout=30)
        before = {p.pid for p in platform.process.children(recursive=True)}
        urls = [platform.invoke_url("idle")] * _ENVIRONMENTS
        answers = calls.run(calls.at_once(urls, _HELD))
        used = {each.body["environment"] for each in answers}
        sizes = []
        for process in platform.process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
                if process.pid not in before:
                    sizes.append(_private_bytes(process.pid))
    functions = [size for size in sizes if size >= _MIB]
    inits = [size for size in sizes if size < _MIB]
    if len(functions) < len(used):
        raise AssertionError(f"{len(functions)} processes for {len(used)} environments")
    size = statistics.median(functions) + (statistics.median(inits) if inits else 0)
    return results.Result(
        figures={"idle environment": {"private_mib": size / _MIB, "n": len(used)}},
        raw={"private bytes of each process": [float(each) for each in sizes]},
    )


def _private_bytes(pid: int) -> int:
    """Return what a process has for itself alone."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(int(size) for size in re.findall(r"Private_\w+:\s+(\d+) kB", rollup))


def idle(run: Subjects) -> results.Result:
    """Measure the CPU of a platform with one warm function, while nothing is asked of it."""
    with run.platforms() as platforms:
        platform = platforms[THIS]
        platform.create("echo")
        _ = calls.alone(platform.invoke_url("echo"), "{}")
        # What a start leaves to be done is no idling.
        time.sleep(2)
        own, whole, began = platform.cpu_s(), platform.whole_cpu_s(), time.monotonic()
        time.sleep(run.sizes.idle_s)
        passed = time.monotonic() - began
        found: dict[str, object] = {
            "cpu_percent": 100 * (platform.whole_cpu_s() - whole) / passed,
            "own_cpu_percent": 100 * (platform.cpu_s() - own) / passed,
            "resident_mib": platform.resident() / _MIB,
            "seconds": passed,
        }
    return results.Result(figures={THIS: found})


ALL: dict[str, Callable[[Subjects], results.Result]] = {"environment": environment, "idle": idle}
