"""Curves as SVG files, one for light pages and one for dark ones."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot, ticker

_THEMES: dict[str, dict[str, Any]] = {
    "light": {
        "ink": "#1f2328",
        "faint": "#d1d9e0",
        "page": "#ffffff",
        "colours": ["#0a69da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#9a6700"],
    },
    "dark": {
        "ink": "#d1d7e0",
        "faint": "#3d444d",
        "page": "#0d1117",
        "colours": ["#4493f8", "#f0883e", "#3fb950", "#ab7df8", "#db61a2", "#d29922"],
    },
}

_FEW_DECADES = 1000
"""Over which powers of ten alone would be too few ticks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A line of a picture."""

    label: str
    xs: Sequence[float]
    ys: Sequence[float]
    colour: int
    dashed: bool = False
    marked: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Curves over one axis."""

    title: str
    x: str
    y: str
    curves: Sequence[Curve]
    x_log: bool = False
    y_log: bool = False
    lines: Mapping[str, float] = field(default_factory=dict)
    """Bounds: across, with a word."""


def write(folder: Path, name: str, picture: Picture) -> list[Path]:
    """Write NAME-light.svg and NAME-dark.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_written(folder / f"{name}-{theme}.svg", theme, picture) for theme in _THEMES]


def _written(path: Path, theme: str, picture: Picture) -> Path:
    look = _THEMES[theme]
    with _themed(look):
        figure, axes = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
        for curve in picture.curves:
            axes.plot(
                curve.xs,
                curve.ys,
                label=curve.label,
                color=look["colours"][curve.colour % len(look["colours"])],
                linestyle="--" if curve.dashed else "-",
                marker="o" if curve.marked else None,
                markersize=4,
                linewidth=1.8,
            )
        _scaled(axes.set_xscale, axes.xaxis, is_log=picture.x_log)
        _scaled(axes.set_yscale, axes.yaxis, is_log=picture.y_log)
        if not picture.y_log:
            axes.set_ylim(bottom=0)
        for word, at in picture.lines.items():
            axes.axhline(at, color=look["ink"], linewidth=0.8, linestyle=":")
            axes.annotate(
                word, (0.01, at), xycoords=("axes fraction", "data"), fontsize=8, va="bottom"
            )
        axes.set(xlabel=picture.x, ylabel=picture.y)
        axes.set_title(picture.title, loc="left", fontsize=11, fontweight="bold")
        axes.grid(visible=True, which="major", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.01, 1))
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
    # Matplotlib ends lines with blanks, which this repository does not have.
    text = "\n".join(line.rstrip() for line in path.read_text().splitlines())
    path.write_text(text + "\n")
    return path


def _scaled(set_scale: Callable[[str], None], axis: Any, *, is_log: bool) -> None:
    if is_log:
        set_scale("log")
    axis.set_major_formatter(
        ticker.FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    )
    if is_log:
        low, high = axis.get_view_interval()
        steps = (1.0, 2.0, 5.0) if high / low < _FEW_DECADES else (1.0,)
        axis.set_major_locator(ticker.LogLocator(subs=steps))
        axis.set_minor_formatter(ticker.NullFormatter())


@contextlib.contextmanager
def _themed(look: Mapping[str, Any]) -> Iterator[None]:
    ink, faint = look["ink"], look["faint"]
    settings = {
        "figure.facecolor": look["page"], "axes.facecolor": look["page"], "axes.edgecolor": faint,
        "axes.labelcolor": ink, "text.color": ink, "xtick.color": ink, "ytick.color": ink,
        "grid.color": faint, "font.family": "DejaVu Sans", "font.size": 9,
        "svg.hashsalt": "inglenook",
    }  # fmt: skip
    with mpl.rc_context(settings):
        yield
