"""Large events and answers, and answers that stream."""

import contextlib
import http.client
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable

from measuring import figures, results, wrk
from measuring.samples import Sample
from single import servers
from single.subjects import THIS, Subjects, drive

_MB = 2**20
_CONNECTIONS = 4
_SIZES = {"1 MB": _MB, "6 MB": 6 * _MB}


def payloads(run: Subjects) -> results.Result:
    """Have large events sent and returned; how much at a time, and the memory that it takes."""
    merged = results.Result(figures={})
    for size, count in _SIZES.items():
        event = json.dumps("x" * (count - 2))
        with run.platforms() as platforms:
            drives = {}
            for name, platform in platforms.items():
                platform.create("echo", MemorySize=512)
                url = platform.invoke_url("echo")
                _ = _driven(url, event)(1.0)
                platform.forget_peak()
                drives[name] = (platform.process, _driven(url, event))
            before = platforms[THIS].resident()
            found = drive(run.sizes, drives)
            peak = platforms[THIS].peak()
        for name, each in found.figures.items():
            what = size if name == THIS else f"{size}, {name}"
            rate = float(str(each["rate"]))
            merged.figures[what] = {"mb_per_s": rate * count / 1e6, **each}
            merged.histograms[what] = found.histograms[name]
        merged.figures[size] |= {"peak_mib": peak / _MB, "resident_before_mib": before / _MB}
    return merged


def _driven(url: str, event: str) -> Callable[[float], Sample]:
    return lambda seconds: wrk.sample(url, event, connections=_CONNECTIONS, seconds=seconds)


def stream(run: Subjects) -> results.Result:
    """Measure the way of a stream's first byte, from the function's write to the caller's read."""
    taken: defaultdict[str, list[float]] = defaultdict(list)
    with run.platforms() as platforms:
        for platform in platforms.values():
            platform.create_streaming("streaming")
        for _ in range(run.sizes.rounds):
            for name, platform in platforms.items():
                taken[name] += _first_bytes(platform, run.sizes.streams // run.sizes.rounds)
    return results.Result(
        figures={name: dict(figures.quantiles(each)) for name, each in taken.items()},
        raw=dict(taken),
    )


def _first_bytes(platform: servers.Platform, count: int) -> list[float]:
    path = "/2021-11-15/functions/streaming/response-streaming-invocations"
    taken = []
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", platform.port)) as connection:
        for _ in range(count + 1):
            connection.request("POST", path, "{}")
            response = connection.getresponse()
            beginning = response.read1()
            read = time.monotonic_ns()
            written = re.search(rb" (\d{10,19})", beginning)
            if written is None:
                raise AssertionError(f"{response.status}: {beginning[:200]!r}")
            taken.append(round((read - int(written[1])) / 1e6, 4))
            response.read()
    return taken[1:]  # without the cold one


ALL: dict[str, Callable[[Subjects], results.Result]] = {"payloads": payloads, "stream": stream}
