"""What one run measures: this checkout's platform, perhaps another commit's, perhaps a bare server.

Each scenario has platforms of its own, so that none inherits what another has left.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from measuring import oha, profiling, results, samples, wrk
from measuring.functions import EVENT
from measuring.samples import Sample
from single import servers

THIS = "platform"
BARE = "bare aiohttp"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How much of everything."""

    seconds: float = 10
    """For each server in each driven scenario, all rounds together."""
    rounds: int = 5
    first: int = 200
    further: int = 60
    at_once: int = 1000
    many: int = 1000
    open_per_s: float = 1000
    curve: tuple[int, ...] = (250, 500, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 8000, 10000)
    curve_s: float = 4
    idle_s: float = 30
    streams: int = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Subjects:
    """The platforms of a run."""

    sizes: Sizes
    checkouts: Mapping[str, Path] = field(default_factory=lambda: {THIS: servers.ROOT})
    profile: str | None = None
    scenario: str = ""

    @contextlib.contextmanager
    def platforms(
        self, settings: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, servers.Platform]]:
        """Have one platform of each checkout until the block ends, this one's perhaps profiled."""
        with contextlib.ExitStack() as stack:
            found = {
                name: stack.enter_context(servers.platform(checkout, settings))
                for name, checkout in self.checkouts.items()
            }
            pid = found[THIS].process.pid
            stack.enter_context(profiling.profiled(pid, self.scenario, self.profile))
            yield found


def drive(
    sizes: Sizes, drives: Mapping[str, tuple[psutil.Process, Callable[[float], Sample]]]
) -> results.Result:
    """Drive all in turns, so many seconds each in the end; with the CPU that their servers took."""
    rounds = sizes.rounds if len(drives) > 1 else 1

    def counted(process: psutil.Process, call: Callable[[float], Sample]) -> Callable[[], Sample]:
        def once() -> Sample:
            before = servers.cpu_s(process)
            found = call(max(1.0, sizes.seconds / rounds))
            return samples.with_cpu(found, servers.cpu_s(process) - before)

        return once

    found, rates = samples.interleaved(
        {name: counted(*each) for name, each in drives.items()}, rounds
    )
    return results.Result(
        figures={name: each.figures() for name, each in found.items()},
        raw={f"{name}, requests/s of each round": each for name, each in rates.items()},
        histograms={name: each.times.encoded() for name, each in found.items()},
    )


def closed(url: str, connections: int) -> Callable[[float], Sample]:
    """Return what drives a URL with so many connections, for so many seconds."""
    return lambda seconds: wrk.sample(url, EVENT, connections=connections, seconds=seconds)


def opened(url: str, per_s: float) -> Callable[[float], Sample]:
    """Return what drives a URL at a rate, for so many seconds."""
    return lambda seconds: oha.sample(url, EVENT, per_s=per_s, seconds=seconds)
