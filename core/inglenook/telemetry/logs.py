"""A function's log: events, and who takes them."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class LogEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a log stream, as CloudWatch Logs has it."""

    timestamp_ms: int
    message: str
    request_id: str | None = None
    """Of the invocation during which it was logged."""


class LogSink(Protocol):
    """Take the log events of an environment. Never blocks and never raises."""

    def write(self, group: str, stream: str, events: Sequence[LogEvent]) -> None: ...
