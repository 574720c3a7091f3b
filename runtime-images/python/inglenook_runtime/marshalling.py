"""Events from JSON and answers to JSON, as AWS's client does both.

AWS's client uses simplejson, whose answers differ from the standard library's: a namedtuple (and
whatever has `_asdict`) is an object, bytes are text, a Decimal keeps its digits. An answer of plain
types goes to the C encoder, which agrees for them; only the others pay for the walk in Python.
"""

from __future__ import annotations

import decimal
import json
from json import encoder
from typing import TYPE_CHECKING, Any, NoReturn

from inglenook_runtime import faults

if TYPE_CHECKING:
    from collections.abc import Callable

_UNICODE_RUNTIMES = frozenset(
    {"AWS_Lambda_python3.12", "AWS_Lambda_python3.13", "AWS_Lambda_python3.14"}
)
_ATOMS = frozenset({str, int, float, bool, type(None)})
_KEYS = frozenset({str})


class Marshaller:
    """Both directions, for one runtime (`AWS_EXECUTION_ENV`): 3.12 and later answer in UTF-8."""

    def __init__(self, execution_env: str | None) -> None:
        is_ascii = execution_env not in _UNICODE_RUNTIMES
        self._encode = _encoder(json.JSONEncoder(ensure_ascii=is_ascii))
        self._quote: Callable[[str], str] = (
            encoder.encode_basestring_ascii if is_ascii else encoder.encode_basestring
        )
        self._decoder = json.JSONDecoder(parse_constant=_refuse_constant)
        self._scan: Callable[[str, int], tuple[Any, int]] = self._decoder.scan_once  # type: ignore[attr-defined, unused-ignore]

    def event(self, body: memoryview) -> Any:
        try:
            text = str(body, "utf-8")
            try:
                value, end = self._scan(text, 0)
            except StopIteration:
                end = -1
                value = None
            if end == len(text):
                return value
            # White space around it, a byte order mark, or an error to be told properly.
            return self._decoder.decode(text.removeprefix("\ufeff"))
        except Exception as error:
            raise faults.FaultError(
                faults.UNMARSHAL_ERROR, f"Unable to unmarshal input: {error}"
            ) from None

    def answer(self, value: Any) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            text = self.text(value)
        except Exception as error:
            raise faults.FaultError(
                faults.MARSHAL_ERROR, f"Unable to marshal response: {error}"
            ) from None
        # Half a surrogate pair ends the process here, as it does with AWS's client.
        return text.encode()

    def text(self, value: Any) -> str:
        try:
            is_plain = _is_plain(value)
        except RecursionError:
            # Very deep, or a circle: the encoder tells which.
            is_plain = True
        if is_plain:
            return self._encode(value)
        out: list[str] = []
        self._write(value, out.append, set())
        return "".join(out)

    def _write(self, value: Any, put: Callable[[str], None], parents: set[int]) -> None:
        if value is None or value is True or value is False or type(value) in (int, float):
            put(self._encode(value))
        elif isinstance(value, str):
            put(self._quote(value))
        elif isinstance(value, bytes):
            put(self._quote(value.decode()))
        elif isinstance(value, (int, float)):
            put(self._encode(value))
        elif isinstance(value, decimal.Decimal):
            put("NaN" if value.is_nan() else str(value))
        else:
            if id(value) in parents:
                raise ValueError("Circular reference detected")
            parents.add(id(value))
            self._write_container(value, put, parents)
            parents.remove(id(value))

    def _write_container(self, value: Any, put: Callable[[str], None], parents: set[int]) -> None:
        as_dict = getattr(value, "_asdict", None)
        if callable(as_dict) and not isinstance(value, (dict, list)):
            value = as_dict()
        if isinstance(value, dict):
            separator = "{"
            for key, item in value.items():
                put(separator)
                put(self._quote(_key(key)))
                put(": ")
                self._write(item, put, parents)
                separator = ", "
            put("}" if value else "{}")
        elif isinstance(value, (list, tuple)):
            separator = "["
            for item in value:
                put(separator)
                self._write(item, put, parents)
                separator = ", "
            put("]" if value else "[]")
        else:
            raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _encoder(made: json.JSONEncoder) -> Callable[[Any], str]:
    """Return what encodes as `made` does, but makes its machinery once and not for each answer."""
    make = encoder.c_make_encoder  # type: ignore[attr-defined, unused-ignore]
    if make is None:
        return made.encode
    quote = encoder.encode_basestring_ascii if made.ensure_ascii else encoder.encode_basestring
    # Without the marks by which circles are found: one ends in a RecursionError, too.
    run = make(None, made.default, quote, None, ": ", ", ", False, False, True)

    def encode(value: Any) -> str:
        try:
            return "".join(run(value, 0))
        except Exception:
            return made.encode(value)  # which says what is wrong as it always does

    return encode


def _is_plain(value: Any) -> bool:
    """Whether the standard encoder agrees with simplejson on `value`."""
    kind = type(value)
    if kind in _ATOMS:
        return True
    if kind is dict:
        if not _KEYS.issuperset(map(type, value)):
            return False
        items = value.values()
    elif kind in (list, tuple):
        items = value
    else:
        return False
    # All in C for a container of atoms, which most are.
    if _ATOMS.issuperset(map(type, items)):
        return True
    return all(map(_is_plain, items))


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key.decode()
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    kind = type(key).__name__
    raise TypeError(f"keys must be str, int, float, bool or None, not {kind}")


def _refuse_constant(name: str) -> NoReturn:
    # simplejson takes NaN and Infinity only when asked to.
    raise json.JSONDecodeError("Expecting value", name, 0)
