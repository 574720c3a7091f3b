"""Whether a filter of an event source mapping is one: dg/invocation-eventfiltering.html. Pure.

A pattern is a JSON object. Each of its members is a nested object or a list of what the member may
be: a value, or an object with one operator. Which records pass is the poller's business.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from inglenook import errors
from inglenook.model import limits

_NUMERIC = ("=", "<", "<=", ">", ">=")
_BOUNDS = {"<": 1, "<=": 1, ">": -1, ">=": -1}


def check(patterns: tuple[str, ...]) -> None:
    """Raise InvalidParameterValueError for too many patterns and for what is none."""
    if len(patterns) > limits.EVENT_FILTERS_MAX:
        raise errors.InvalidParameterValueError(
            f"An event source mapping has at most {limits.EVENT_FILTERS_MAX} filters."
        )
    if not all(_is_pattern(pattern) for pattern in patterns):
        raise errors.InvalidParameterValueError("Invalid filter pattern definition.")


def _is_pattern(text: str) -> bool:
    try:
        pattern = json.loads(text, parse_constant=_no_constant)
        return isinstance(pattern, dict) and _are_members(pattern)
    except (ValueError, RecursionError):
        return False


def _no_constant(name: str) -> float:
    raise ValueError(name)  # NaN and Infinity, which Python reads and JSON does not have


def _are_members(members: Mapping[str, Any]) -> bool:
    return bool(members) and all(
        _is_or(value) if name == "$or" else _is_member(value) for name, value in members.items()
    )


def _is_or(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and _are_members(one) for one in value)
    )


def _is_member(value: object) -> bool:
    if isinstance(value, dict):
        return _are_members(value)
    return isinstance(value, list) and bool(value) and all(_is_choice(one) for one in value)


def _is_choice(value: object) -> bool:
    if isinstance(value, list):
        return False
    if not isinstance(value, dict):
        return True
    if len(value) != 1:
        return False
    ((operator, operand),) = value.items()
    is_operand = _OPERATORS.get(operator)
    return is_operand is not None and is_operand(operand)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_affix(value: object) -> bool:
    """Tell the operand of `prefix` and `suffix`: text, or text whose case does not matter."""
    if isinstance(value, dict):
        return list(value) == ["equals-ignore-case"] and _is_text(value["equals-ignore-case"])
    return _is_text(value)


def _is_excluded(value: object) -> bool:
    """Tell the operand of `anything-but`: values, or one operator on text."""
    if isinstance(value, dict):
        return (
            len(value) == 1
            and set(value) <= {"prefix", "suffix", "equals-ignore-case", "wildcard"}
            and all(_is_texts(one) for one in value.values())
        )
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(_is_text(one) or _is_number(one) for one in values)


def _is_texts(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(_is_text(one) for one in values)


def _is_range(value: object) -> bool:
    """Tell the operand of `numeric`: one comparison, or a bound on either side."""
    if not isinstance(value, list) or len(value) not in (2, 4):
        return False
    signs, numbers = value[::2], value[1::2]
    if not all(_is_number(number) for number in numbers):
        return False
    if not all(_is_text(sign) and sign in _NUMERIC for sign in signs):
        return False
    return len(signs) == 1 or {_BOUNDS.get(sign) for sign in signs} == {1, -1}


_OPERATORS: Mapping[str, Callable[[object], bool]] = {
    "prefix": _is_affix,
    "suffix": _is_affix,
    "equals-ignore-case": _is_text,
    "anything-but": _is_excluded,
    "numeric": _is_range,
    "exists": lambda value: isinstance(value, bool),
    "wildcard": _is_text,
    "cidr": _is_text,
}
