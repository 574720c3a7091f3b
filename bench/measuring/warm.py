"""Calls that find an environment idle, in turns with calls of a server that only answers."""

import functools
from collections.abc import Callable

from measuring import calls, installed, oha, results, samples, wrk
from measuring.deployed import functions_of
from measuring.functions import EVENT, HANDLER
from measuring.samples import Sample

_MANY, _FEW = 64, 8
"""Connections."""
_ROUNDS = 3
_PER_POD = 16
_SHARED_MB = 128
_ALONE_MB = 1024
"""More than half a core for a pod of one environment: with less, that limit would be measured."""
_BARE = "bare aiohttp echo"


def warm(platform: installed.Platform, sizes: results.Sizes) -> results.Result:
    """Drive warm functions with wrk, and at a fixed rate; in turns with a bare server."""
    found: dict[str, Sample] = {}
    raw: dict[str, list[float]] = {}
    seconds = sizes.seconds / _ROUNDS

    def closed(url: str, connections: int) -> Callable[[], Sample]:
        return functools.partial(wrk.sample, url, EVENT, connections=connections, seconds=seconds)

    def opened(url: str) -> Callable[[], Sample]:
        return functools.partial(oha.sample, url, EVENT, per_s=sizes.open_per_s, seconds=seconds)

    def in_turns(what: str, function: Callable[[], Sample], bare: Callable[[], Sample]) -> None:
        names = {f"warm, {what}": function, f"{_BARE}, {what}": bare}
        merged, rates = samples.interleaved(names, _ROUNDS)
        found.update(merged)
        raw.update({f"{name}, requests/s of each round": each for name, each in rates.items()})

    def warmed(name: str, connections: int) -> str:
        url = platform.invoke_url(name)
        # Calls that wrk has left waiting for a pod would still count against a limit.
        _ = calls.run(calls.at_once([url] * connections, EVENT))
        _ = closed(url, connections)()
        return url

    with functions_of(platform) as made, installed.echo(sizes.image) as bare:
        _ = closed(bare, _MANY)()
        # As many environments as connections: 16 to a pod, and each in a pod of its own.
        name = made.declare(HANDLER, environmentsPerPod=_PER_POD, memorySize=_SHARED_MB)
        url = warmed(name, _MANY)
        in_turns(f"{_MANY} connections", closed(url, _MANY), closed(bare, _MANY))
        in_turns(f"{sizes.open_per_s:g} calls/s", opened(url), opened(bare))
        made.delete([name])
        name = made.declare(HANDLER, memorySize=_ALONE_MB, reservedConcurrentExecutions=_FEW)
        url = warmed(name, _FEW)
        in_turns(f"{_FEW} connections", closed(url, _FEW), closed(bare, _FEW))
    return results.Result(
        figures={**{name: each.figures() for name, each in found.items()}, **_compared(found)},
        raw=raw,
        histograms={name: each.times.encoded() for name, each in found.items()},
    )


def _compared(found: dict[str, Sample]) -> results.Figures:
    """Return what the platform adds to the bare server, and what is left of its rate."""
    compared: results.Figures = {"rate, as a part of the bare server's": {}, "overhead": {}}
    ratios, overhead = compared.values()
    for name, each in found.items():
        what = name.removeprefix("warm, ")
        bare = found[f"{_BARE}, {what}"] if name != what else None
        if bare is None or not (each.times.n and bare.times.n):
            continue
        if what.endswith("connections"):
            ratios[what] = each.rate / bare.rate
        else:
            overhead["p50_ms"] = each.times.quantile_ms(0.5) - bare.times.quantile_ms(0.5)
    return compared
