"""The platform's own log in pods: one line of JSON for each record, on standard output.

A line has `timestamp` (UTC, milliseconds), `level`, `logger` and `message`, then whatever the call
gave as `extra`, and `exception` with the traceback if there was one. A field of `extra` that has
one of those names is kept with an underscore behind it. What JSON cannot say is written as its
`repr`; formatting never raises, and a line never holds a line break.
"""

import logging
import sys
from typing import TextIO

import msgspec

from inglenook.telemetry import report

_OF_A_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_OURS = frozenset({"timestamp", "level", "logger", "message", "exception"})
_ENCODER = msgspec.json.Encoder(enc_hook=repr)


class JsonFormatter(logging.Formatter):
    """Make a record one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "timestamp": report.timestamp(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        for name, value in vars(record).items():
            if name not in _OF_A_RECORD:
                line[f"{name}_" if name in _OURS else name] = value
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return _encoded(line)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # Arguments that do not fit the message are no reason to lose it.
        return f"{record.msg} {record.args!r}"


def _encoded(line: dict[str, object]) -> str:
    try:
        return _ENCODER.encode(line).decode()
    except (TypeError, ValueError, RecursionError):
        # Keys that are no text, lone surrogates, circles.
        plain = {name: ascii(value) for name, value in line.items()}
        return _ENCODER.encode(plain).decode()


def configure(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Make the process log so, and no other way; `stream` is standard output if not given."""
    handler = logging.StreamHandler(sys.stdout if stream is None else stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    for former in list(root.handlers):
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
