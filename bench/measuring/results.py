"""What a scenario is asked for, what it brings, and where that is kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from measuring import figures
from measuring.figures import Answer

FOLDER = Path(__file__).resolve().parents[1] / "results"
Figures = dict[str, dict[str, object]]
"""By what was measured, and by figure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How much of everything."""

    first: int
    """New functions, one after the other."""
    further: int
    """Functions whose further environments are measured."""
    empty: int
    """New functions, one after the other, with no pod waiting."""
    burst: int
    """New functions at once, for a pool that is empty soon."""
    seconds: int
    """How long each warm rate is measured."""
    open_per_s: float
    at_once: int
    """First calls of one function at the same time."""
    many_per_s: float
    many_s: float
    idle_s: float
    at_most_s: float
    """How long a scenario goes on with measuring again and again."""
    image: str
    """For the bare server: it has Python and aiohttp."""
    flat: int = 500
    """Functions that are there while the first calls of others are measured again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The figures of one scenario, by what was measured, and what they were made of."""

    figures: Figures
    raw: dict[str, list[float]] = field(default_factory=dict)
    """Single measurements, in their order."""
    histograms: dict[str, dict[str, int]] = field(default_factory=dict)
    """Of measurements that are too many to be kept one by one: see `histogram`."""
    series: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    """Figures over something that grows."""


def of_calls(answers: Mapping[str, Sequence[Answer]], more: Figures | None = None) -> Result:
    """Return the result of calls, by what was called."""
    return Result(
        figures={what: figures.of_answers(found) for what, found in answers.items()} | (more or {}),
        raw={what: [round(each.took_ms, 3) for each in found] for what, found in answers.items()},
    )


def keep(where: str, scenario: str, kept: Mapping[str, object]) -> Path:
    """Put a scenario's outcome in the place of the one before it, in the file of `where`."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{where}.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**before, scenario: kept}, indent=1) + "\n")
    return path
