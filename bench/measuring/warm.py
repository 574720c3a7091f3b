"""Calls that find an environment idle, beside a server that only answers."""

from collections.abc import Sequence

from measuring import calls, installed, results, wrk
from measuring.deployed import functions_of
from measuring.figures import Answer
from measuring.functions import EVENT, HANDLER

_MANY, _FEW = 64, 8
"""Connections."""
_PER_POD = 16
_SHARED_MB = 128
_ALONE_MB = 1024
"""More than half a core for a pod of one environment: with less, that limit would be measured."""


def warm(platform: installed.Platform, sizes: results.Sizes) -> results.Result:
    """Drive warm functions with wrk, and at a fixed rate; then a bare server in the same way."""
    rates: dict[str, dict[str, float]] = {}
    loops: dict[str, Sequence[Answer]] = {}

    def loop(url: str) -> Sequence[Answer]:
        due = [url] * int(sizes.open_per_s * sizes.seconds)
        return calls.run(calls.open_loop(due, EVENT, per_s=sizes.open_per_s))

    def rate(url: str, connections: int) -> dict[str, float]:
        return wrk.drive(url, EVENT, connections=connections, seconds=sizes.seconds)

    def warmed(url: str, connections: int) -> None:
        # Calls that wrk has left waiting for a pod would still count against a limit.
        _ = calls.run(calls.at_once([url] * connections, EVENT))
        _ = rate(url, connections)

    with functions_of(platform) as made:
        # As many environments as connections: 16 to a pod, and each in a pod of its own.
        name = made.declare(HANDLER, environmentsPerPod=_PER_POD, memorySize=_SHARED_MB)
        warmed(platform.invoke_url(name), _MANY)
        rates[_of("warm", _MANY)] = rate(platform.invoke_url(name), _MANY)
        loops[f"warm, {sizes.open_per_s:g} calls/s"] = loop(platform.invoke_url(name))
        made.delete([name])
        name = made.declare(HANDLER, memorySize=_ALONE_MB, reservedConcurrentExecutions=_FEW)
        warmed(platform.invoke_url(name), _FEW)
        rates[_of("warm", _FEW)] = rate(platform.invoke_url(name), _FEW)
    with installed.echo(sizes.image) as url:
        _ = rate(url, _MANY)
        for connections in (_MANY, _FEW):
            rates[_of("bare aiohttp echo", connections)] = rate(url, connections)
        loops[f"bare aiohttp echo, {sizes.open_per_s:g} calls/s"] = loop(url)
    ratios: dict[str, object] = {
        f"{connections} connections": rates[_of("warm", connections)]["rate"]
        / rates[_of("bare aiohttp echo", connections)]["rate"]
        for connections in (_MANY, _FEW)
    }
    looped = results.of_calls(loops)
    platform_ms, bare_ms = (each.get("p50_ms") for each in looped.figures.values())
    overhead: results.Figures = (
        {"overhead": {"p50_ms": float(str(platform_ms)) - float(str(bare_ms))}}
        if platform_ms is not None and bare_ms is not None
        else {}
    )
    shown: results.Figures = {what: dict(found) for what, found in rates.items()}
    shown["warm rate, as a part of the bare server's"] = ratios
    return results.Result(figures=shown | looped.figures | overhead, raw=looped.raw)


def _of(what: str, connections: int) -> str:
    return f"{what}, {connections} connections"
