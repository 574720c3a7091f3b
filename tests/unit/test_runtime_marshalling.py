"""The answer's JSON equals simplejson's as AWS's client sets it up, for any value."""

import collections
import decimal
import enum
import json
from typing import Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from inglenook_runtime import faults, marshalling

Point = collections.namedtuple("Point", "x y")


class Colour(enum.IntEnum):
    """A closed set."""

    RED = 1


class Reference(simplejson.JSONEncoder):
    """What AWS's client encodes with."""

    def default(self, o: Any) -> Any:
        if isinstance(o, decimal.Decimal):
            return float("nan") if o.is_nan() else simplejson.raw_json.RawJSON(str(o))
        return super().default(o)


ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.decimals(allow_infinity=False)
    | st.binary(max_size=4)
    | st.just(Colour.RED)
    | st.just({1})
)
KEYS = st.text() | st.integers() | st.booleans() | st.none() | st.floats() | st.binary(max_size=3)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.builds(Point, inner, inner)
        | st.dictionaries(KEYS, inner)
        | st.builds(collections.OrderedDict, st.dictionaries(st.text(), inner))
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("runtime", "is_ascii"), [("AWS_Lambda_python3.11", True), ("AWS_Lambda_python3.13", False)]
)
def test_any_value_is_encoded_as_simplejson_does(runtime: str, *, is_ascii: bool) -> None:
    ours = marshalling.Marshaller(runtime)
    reference = Reference(use_decimal=False, allow_nan=True, ensure_ascii=is_ascii)

    @given(VALUES)
    def check(value: object) -> None:
        try:
            expected = reference.encode(value)
        except (TypeError, ValueError) as error:
            with pytest.raises(type(error)):
                ours.text(value)
        else:
            assert ours.text(value) == expected

    check()


def test_a_circle_of_unusual_values_is_refused() -> None:
    point: dict[str, Any] = {"d": decimal.Decimal(1)}
    point["self"] = Point(1, point)
    with pytest.raises(faults.FaultError, match="Circular reference detected"):
        marshalling.Marshaller(None).answer(point)


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_an_event_comes_out_as_it_went_in(value: object) -> None:
    body = json.dumps(value).encode()
    assert marshalling.Marshaller(None).event(memoryview(body)) == value


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"{", "Expecting property name enclosed in double quotes"),
        (b"1 2", "Extra data: line 1 column 3"),
        (b'"\xff"', "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"),
    ],
)
def test_what_is_no_json_is_an_unmarshal_error(body: bytes, message: str) -> None:
    with pytest.raises(faults.FaultError) as caught:
        marshalling.Marshaller(None).event(memoryview(body))
    assert caught.value.error_type == "Runtime.UnmarshalError"
    assert caught.value.message.startswith(f"Unable to unmarshal input: {message}")
