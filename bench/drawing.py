"""The pictures of docs/performance.md, from the published results."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from measuring import pictures, rendering, targets
from measuring.pictures import Curve, Picture
from modelling.bends import BENT

_SUBJECTS = {"platform": 0, "bare aiohttp": 1}
_PARTS = "use"
_SHOWN = 1e-3
"""Less of a part than this is nothing."""


def draw(published: Callable[[str], Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draw what there are results of; return the files."""
    one_machine, model = published(targets.ONE_MACHINE), published("model")
    written: list[Path] = []
    if "curve" in one_machine:
        series = one_machine["curve"]["series"]
        written += pictures.write(folder, "latency-over-load", latency(series))
    if "many" in one_machine:
        series = one_machine["many"]["series"]
        written += pictures.write(folder, "starts-over-functions", starts(series))
    if "bends" in model:
        written += pictures.write(folder, "model", bends(model["bends"]["series"][_PARTS]))
    return written


def latency(series: Mapping[str, list[dict[str, float]]]) -> Picture:
    """Draw the median and the 99th percentile over the calls that were asked for."""
    curves = []
    for name, colour in _SUBJECTS.items():
        for label, figure, is_dashed in (("median", "p50_ms", False), ("p99", "p99_ms", True)):
            xs, ys = rendering.points(series.get(name, ()), "asked_per_s", figure)
            curves.append(
                Curve(label=f"{name}, {label}", xs=xs, ys=ys, colour=colour, dashed=is_dashed)
            )
    return Picture(
        title="Latency over load, one machine, open loop",
        x="calls a second that are due",
        y="ms until the answer, from when the call was due",
        curves=curves,
        x_log=True,
        y_log=True,
    )


def starts(series: Mapping[str, list[dict[str, float]]]) -> Picture:
    """Draw what a new function takes by how many there are already."""
    found = series["tenths"]
    shown = (("create, until active", "create_p50_ms"), ("first invoke", "first_p50_ms"))
    return Picture(
        title="A new function, by how many there are already, one machine",
        x="functions",
        y="ms, median of a tenth",
        curves=[
            Curve(
                label=label,
                xs=[each["functions"] for each in found],
                ys=[each[figure] for each in found],
                colour=colour,
            )
            for colour, (label, figure) in enumerate(shown)
        ],
    )


def bends(use: list[dict[str, float]]) -> Picture:
    """Draw what is asked of each part, over the load."""
    parts = [name for name in use[0] if name != "calls_per_s"]
    return Picture(
        title="What 10,000 functions on 100 nodes ask of each part (computed)",
        x="invocations a second, all functions together",
        y="part of what it can do",
        curves=[
            Curve(
                label=part,
                xs=[each["calls_per_s"] for each in use if each[part] >= _SHOWN],
                ys=[each[part] for each in use if each[part] >= _SHOWN],
                colour=colour,
                marked=False,
            )
            for colour, part in enumerate(parts)
        ],
        x_log=True,
        y_log=True,
        lines={"bends": BENT},
    )
