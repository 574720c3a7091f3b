"""Calls that find an environment idle, beside a bare aiohttp server and perhaps another commit."""

import contextlib
from collections.abc import Callable, Iterator

import psutil

from measuring import results
from measuring.samples import Sample
from single import servers, subjects
from single.subjects import BARE, THIS, Subjects

_MANY = 64
_WARMED_S = 2.0
_SATURATED = 0.95
"""A server that answers less than this part of what is asked is saturated."""


@contextlib.contextmanager
def _urls(run: Subjects) -> Iterator[dict[str, tuple[psutil.Process, str]]]:
    with run.platforms() as platforms, servers.echo() as (bare, process):
        found = {}
        for name, platform in platforms.items():
            platform.create("echo")
            found[name] = (platform.process, platform.invoke_url("echo"))
        found[BARE] = (process, bare)
        for _, url in found.values():
            # As many environments as there will be connections, and their code has run before.
            _ = subjects.closed(url, _MANY)(_WARMED_S)
        yield found


def warm(run: Subjects) -> results.Result:
    """Drive one function with 64 connections."""
    with _urls(run) as urls:
        found = subjects.drive(
            run.sizes,
            {name: (pid, subjects.closed(url, _MANY)) for name, (pid, url) in urls.items()},
        )
    found.figures["ratio"] = _ratios(found)
    return found


def _ratios(found: results.Result) -> dict[str, object]:
    rates = {name: float(str(each["rate"])) for name, each in found.figures.items()}
    return {
        "of_bare" if name == BARE else f"of {name}": rates[THIS] / rate
        for name, rate in rates.items()
        if name != THIS
    }


def one(run: Subjects) -> results.Result:
    """Drive one function over one connection."""
    with _urls(run) as urls:
        return subjects.drive(
            run.sizes, {name: (pid, subjects.closed(url, 1)) for name, (pid, url) in urls.items()}
        )


def at_a_rate(run: Subjects) -> results.Result:
    """Drive one function at a fixed rate."""
    rate = run.sizes.open_per_s
    with _urls(run) as urls:
        return subjects.drive(
            run.sizes,
            {name: (pid, subjects.opened(url, rate)) for name, (pid, url) in urls.items()},
        )


def curve(run: Subjects) -> results.Result:
    """Drive one function at growing rates, until it is saturated, and once more."""
    series: dict[str, list[dict[str, float]]] = {}
    histograms: dict[str, dict[str, int]] = {}
    with _urls(run) as urls:
        saturated = dict.fromkeys(urls, 0)
        for rate in run.sizes.curve:
            for name, (_, url) in urls.items():
                # Not by one bad moment of the machine.
                if saturated[name] == 2:
                    continue
                found = subjects.opened(url, rate)(run.sizes.curve_s)
                series.setdefault(name, []).append(_point(rate, found))
                histograms[f"{name}, {rate}/s"] = found.times.encoded()
                saturated[name] += found.rate < _SATURATED * rate
    figures: results.Figures = {
        name: {"most_answered_per_s": max(each["answered_per_s"] for each in points)}
        for name, points in series.items()
    }
    return results.Result(figures=figures, series=series, histograms=histograms)


def _point(rate: float, found: Sample) -> dict[str, float]:
    return {
        "asked_per_s": rate,
        "answered_per_s": found.rate,
        "errors": found.errors,
        **found.times.figures(),
    }


ALL: dict[str, Callable[[Subjects], results.Result]] = {
    "warm": warm,
    "one": one,
    "open": at_a_rate,
    "curve": curve,
}
