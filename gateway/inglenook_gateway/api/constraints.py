"""What the model demands of one value, in the words that AWS uses for it.

A constraint is its text and whether a value meets it. Numbers inside the texts are printed as Java
prints them, since clients and their tests compare the texts.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore import model

from inglenook_gateway.api import patterns

NOT_NULL = "Member must not be null"
_MATCHED_CHARACTERS_MAX = 65_536


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Constraint:
    """One demand on a value."""

    text: str
    is_met: Callable[[Any], bool]


def of(shape: model.Shape, known: patterns.Patterns) -> Iterator[Constraint]:
    """Yield the demands of a shape on its own value, in AWS's order. Not those of its members."""
    traits = shape.metadata
    low, high = traits.get("min"), traits.get("max")
    kind = "value" if shape.type_name in {"integer", "long", "float", "double"} else "length"
    measure = _itself if kind == "value" else len
    if shape.type_name in {"float", "double"}:
        low, high = _as_float(low), _as_float(high)
    if high is not None:
        yield Constraint(
            text=f"Member must have {kind} less than or equal to {high}",
            is_met=lambda value: measure(value) <= high,
        )
    if low is not None:
        yield Constraint(
            text=f"Member must have {kind} greater than or equal to {low}",
            is_met=lambda value: measure(value) >= low,
        )
    if "pattern" in traits:
        yield _pattern(traits["pattern"], high, known)
    if "enum" in traits:
        allowed = traits["enum"]
        yield Constraint(
            text=f"Member must satisfy enum value set: [{', '.join(allowed)}]",
            is_met=lambda value: value in allowed,
        )


def _pattern(pattern: str, high: int | None, known: patterns.Patterns) -> Constraint:
    def is_met(value: str) -> bool:
        # A text far beyond its own maximum is refused for that. Matching it as well could take
        # longer than the square of its length, which a stranger may not ask of us.
        if high is not None and len(value) > max(high, _MATCHED_CHARACTERS_MAX):
            return True
        return known.is_match(pattern, value)

    return Constraint(
        text=f"Member must satisfy regular expression pattern: {pattern}", is_met=is_met
    )


def _itself(value: Any) -> Any:
    return value


def _as_float(bound: float | None) -> float | None:
    return None if bound is None else float(bound)


def printed(value: object) -> str:
    """Print a value as Java's `toString` would."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case bytes():
            size = len(value)
            return f"java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]"
        case list():
            return f"[{', '.join(printed(item) for item in value)}]"
        case Mapping():
            return "{" + ", ".join(f"{key}={printed(item)}" for key, item in value.items()) + "}"
        case _:
            return str(value)


def is_sensitive(shape: model.Shape) -> bool:
    """Tell whether AWS leaves the value out of its texts: it is secret, or an element of it is."""
    if "sensitive" in shape.metadata:
        return True
    if isinstance(shape, model.ListShape):
        return is_sensitive(shape.member)
    if isinstance(shape, model.MapShape):
        return is_sensitive(shape.key) or is_sensitive(shape.value)
    return False
