"""Which of a function's own log events are kept: `ApplicationLogLevel` of the JSON log format.

Pure. dg/monitoring-cloudwatchlogs-log-level.html: an event counts by its members `level` and
`timestamp`; a JSON object that lacks one of them, or has one that means nothing, counts as INFO.
What is no JSON object has no level, and is always kept.
"""

from datetime import datetime
from typing import Any

import msgspec

_RANKS = {
    "TRACE": 0,
    "DEBUG": 1,
    "INFO": 2,
    "WARN": 3,
    "WARNING": 3,
    "ERROR": 4,
    "FATAL": 5,
    "CRITICAL": 5,
}
_INFO = _RANKS["INFO"]


class _Event(msgspec.Struct):
    """The members of an event that decide."""

    level: Any = None
    timestamp: Any = None


_DECODER = msgspec.json.Decoder(_Event)


class ApplicationLevel:
    """The lowest level that is kept."""

    def __init__(self, level: str) -> None:
        self._lowest = _RANKS[level]

    def keeps(self, message: str) -> bool:
        """Answer whether an event is kept."""
        return self._lowest == 0 or not message.startswith("{") or _rank(message) >= self._lowest


def _rank(message: str) -> int:
    try:
        event = _DECODER.decode(message)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return _RANKS["FATAL"]
    if not (isinstance(event.level, str) and isinstance(event.timestamp, str)):
        return _INFO
    try:
        datetime.fromisoformat(event.timestamp)
    except ValueError:
        return _INFO
    return _RANKS.get(event.level.upper(), _INFO)
