"""Whether parameters are what the model allows, told in AWS's words.

All violations of a request are gathered into one `ValidationException`, in the model's order.
Member names start with a small letter and paths are dotted (`code.s3Bucket`,
`filters.1.member.pattern`). Scalar elements of a list or map are judged together, as AWS does, and
secrets are not printed.

`ANSWERED_OTHERWISE` lists the members that AWS checks later and answers with another error. What
depends on more than one member, or on what exists, belongs to the operations.
"""

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from typing import Any

from botocore import model

from inglenook import errors
from inglenook_gateway.api import constraints, patterns


class Wording(enum.Enum):
    """How an error opens its text."""

    COUNTED = enum.auto()
    """`1 validation error detected: Value 'v' at …`"""
    BARE = enum.auto()
    """`Value v at …`"""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """A value that the model does not allow, and why."""

    path: str
    value: str | None
    """As printed; None when the value may not be shown."""
    is_null: bool = False
    constraint: str

    def told(self, wording: Wording = Wording.COUNTED) -> str:
        """Put the violation into words."""
        if self.value is None:
            shown = "Value at"
        elif self.is_null or wording is Wording.BARE:
            shown = f"Value {self.value} at"
        else:
            shown = f"Value '{self.value}' at"
        return f"{shown} '{self.path}' failed to satisfy constraint: {self.constraint}"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Otherwise:
    """An answer that is not a `ValidationException`."""

    error: type[errors.ApiError]
    wording: Wording
    only: str = ""
    """The constraint's beginning, where only one of the member's constraints is answered so."""


_RUNTIME = Otherwise(error=errors.InvalidParameterValueError, wording=Wording.BARE)
_LONG_NAME = Otherwise(
    error=errors.InvalidParameterValueError,
    wording=Wording.COUNTED,
    only="Member must have length less than or equal to",
)

ANSWERED_OTHERWISE: Mapping[tuple[str, str], Otherwise] = {
    ("CreateFunction", "runtime"): _RUNTIME,
    ("UpdateFunctionConfiguration", "runtime"): _RUNTIME,
    ("Invoke", "functionName"): _LONG_NAME,
    ("InvokeWithResponseStream", "functionName"): _LONG_NAME,
}
"""By operation and path. Recorded answers show these."""


class Validator:
    """Judge parameters by the shapes of their operations."""

    def __init__(self) -> None:
        self._patterns = patterns.Patterns()

    def check(self, operation: model.OperationModel, params: Mapping[str, Any]) -> None:
        """Raise one error that names every violation; return if there is none."""
        shape = operation.input_shape
        if not isinstance(shape, model.StructureShape):
            return
        ordinary = []
        other: list[tuple[Violation, Otherwise]] = []
        for violation in self._structure(shape, params, ""):
            answer = ANSWERED_OTHERWISE.get((operation.name, violation.path))
            if answer is not None and violation.constraint.startswith(answer.only):
                other.append((violation, answer))
            else:
                ordinary.append(violation)
        if ordinary:
            raise errors.ValidationError(counted(ordinary))
        for violation, answer in other:
            if answer.wording is Wording.BARE:
                raise answer.error(violation.told(Wording.BARE))
            raise answer.error(counted([violation]))

    def _structure(
        self, shape: model.StructureShape, value: Mapping[str, Any], prefix: str
    ) -> Iterator[Violation]:
        for name, member in shape.members.items():
            path = f"{prefix}{lower_camel(name)}"
            item = value.get(name)
            if item is not None:
                yield from self._value(member, item, path)
            elif name in shape.required_members:
                yield _null(path)

    def _value(self, shape: model.Shape, value: Any, path: str) -> Iterator[Violation]:
        for constraint in constraints.of(shape, self._patterns):
            if not constraint.is_met(value):
                yield _violation(shape, value, path, constraint.text)
        if isinstance(shape, model.StructureShape):
            yield from self._structure(shape, value, f"{path}.")
        elif isinstance(shape, model.ListShape):
            items = {str(place): item for place, item in enumerate(value, 1)}
            yield from self._elements(shape, shape.member, value, items, path)
        elif isinstance(shape, model.MapShape):
            yield from self._together(shape, shape.key, value, list(value), f"{path}|Map keys")
            yield from self._elements(shape, shape.value, value, value, path)

    def _elements(
        self,
        shape: model.Shape,
        element: model.Shape,
        value: Any,
        items: Mapping[str, Any],
        path: str,
    ) -> Iterator[Violation]:
        if isinstance(element, model.StructureShape | model.ListShape | model.MapShape):
            for place, item in items.items():
                at = f"{path}.{place}.member"
                if item is None:
                    yield _null(at)
                else:
                    yield from self._value(element, item, at)
        else:
            who = "Map value" if isinstance(shape, model.MapShape) else "Member"
            yield from self._together(shape, element, value, list(items.values()), f"{path}|{who}")

    def _together(
        self, shape: model.Shape, element: model.Shape, value: Any, items: list[Any], at: str
    ) -> Iterator[Violation]:
        """Judge all scalar elements; a violation prints the whole and all that is demanded."""
        demands = list(constraints.of(element, self._patterns))
        if all(
            item is not None and all(demand.is_met(item) for demand in demands) for item in items
        ):
            return
        path, _, who = at.partition("|")
        texts = [demand.text for demand in demands]
        if not constraints.is_sensitive(element):
            texts.append(constraints.NOT_NULL)
        yield _violation(shape, value, path, f"{who} must satisfy constraint: [{', '.join(texts)}]")


def counted(violations: list[Violation]) -> str:
    """Join violations into the text of one error."""
    count = len(violations)
    noun = "error" if count == 1 else "errors"
    told = "; ".join(violation.told() for violation in violations)
    return f"{count} validation {noun} detected: {told}"


def lower_camel(name: str) -> str:
    """Name a member as the texts do: `KMSKeyArn` is `kMSKeyArn`, as AWS has it."""
    return name[:1].lower() + name[1:]


def _null(path: str) -> Violation:
    return Violation(path=path, value="null", is_null=True, constraint=constraints.NOT_NULL)


def _violation(shape: model.Shape, value: Any, path: str, text: str) -> Violation:
    shown = None if constraints.is_sensitive(shape) else constraints.printed(value)
    return Violation(path=path, value=shown, constraint=text)
