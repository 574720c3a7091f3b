"""What a scenario is asked for, and what it brings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from measuring import figures
from measuring.figures import Answer

Figures = dict[str, dict[str, object]]
"""By what was measured, and by figure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How much of everything."""

    first: int
    """New functions, one after the other."""
    further: int
    """Functions whose further environments are measured."""
    burst: int
    """New functions at once, for an empty pool."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The figures of one scenario, by what was measured, and what they were made of."""

    figures: Figures
    raw: dict[str, list[float]] = field(default_factory=dict)


def of_calls(answers: Mapping[str, Sequence[Answer]], more: Figures | None = None) -> Result:
    """Return the result of calls, by what was called."""
    return Result(
        figures={what: figures.of_answers(found) for what, found in answers.items()} | (more or {}),
        raw={what: [round(each.took_ms, 3) for each in found] for what, found in answers.items()},
    )
