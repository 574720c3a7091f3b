"""Points in time as the API writes them: epoch seconds, ISO 8601 or the dates of HTTP.

The model may name a format for a shape; otherwise the place decides. All values are UTC-aware.
"""

import enum
from datetime import UTC, datetime
from email import utils as email_dates
from typing import Any

_NOT_ENOUGH = "not a point in time: {!r}"


class Format(enum.Enum):
    """The formats of the service model's `timestampFormat`."""

    EPOCH = "unixTimestamp"
    ISO = "iso8601"
    HTTP = "rfc822"


DEFAULTS = {
    "body": Format.EPOCH,
    "querystring": Format.ISO,
    "uri": Format.ISO,
    "header": Format.HTTP,
}
"""By the place of a member that names no format (the rules of the rest-json protocol)."""


def format_of(serialization: dict[str, Any], location: str) -> Format:
    """Return the format of a member from its serialization traits and its place."""
    named = serialization.get("timestampFormat")
    return DEFAULTS[location] if named is None else Format(named)


def write(value: datetime, fmt: Format) -> str | float:
    """Write a point in time; epoch seconds are a number, the others text."""
    if value.tzinfo is None:
        raise ValueError(_NOT_ENOUGH.format(value))
    value = value.astimezone(UTC)
    match fmt:
        case Format.EPOCH:
            return value.timestamp()
        case Format.ISO:
            return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case Format.HTTP:
            return email_dates.format_datetime(value.replace(microsecond=0), usegmt=True)


def read_number(value: float) -> datetime:
    """Read epoch seconds. Raises `ValueError` when no date is that far away."""
    try:
        return datetime.fromtimestamp(value, tz=UTC)
    except (OverflowError, OSError) as exc:
        raise ValueError(_NOT_ENOUGH.format(value)) from exc


def read_text(text: str) -> datetime:
    """Read any of the formats; SDKs differ in which they send in a query. Raises `ValueError`."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return _read_other(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _read_other(text: str) -> datetime:
    try:
        return read_number(float(text))
    except ValueError:
        value = email_dates.parsedate_to_datetime(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
