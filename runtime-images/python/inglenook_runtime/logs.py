"""A function's log: whole records between what it prints, and the logging module set up for it.

The handler on the root logger, its formats and its JSON members are those of AWS's client, because
functions rely on them: they reformat the handler, or raise the level of the root logger.
"""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
from typing import Any

from inglenook_runtime import faults, marshalling

_TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
_TEXT_TIME = "%Y-%m-%dT%H:%M:%S"
_JSON_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NOTSET", "WARN", "FATAL")

_STANDARD_ATTRIBUTES = frozenset(
    """
    name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno
    funcName created msecs relativeCreated thread threadName processName process aws_request_id
    tenant_id _frame_type
    """.split()  # noqa: SIM905 - names
)


class LogSink:
    """Writes records to the output pipe: the mark, the length, the text.

    Without a mark, which a wrapper may have lost, they are lines as any other.
    """

    def __init__(self, mark: bytes, descriptor: int) -> None:
        self._mark = mark
        self._descriptor = descriptor

    def log(self, msg: str) -> None:
        body = msg.encode("utf-8", "backslashreplace")
        if self._mark:
            body = self._mark + len(body).to_bytes(4, "big") + body
        elif not body.endswith(b"\n"):
            body += b"\n"
        rest = memoryview(body)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


class Current(logging.Filter):
    """Gives every record the invocation that it belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self.request_id: str = ""
        self.tenant_id: str | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self.request_id
        record.tenant_id = self.tenant_id
        return True


class LambdaLoggerHandler(logging.Handler):
    """The root logger's handler."""

    def __init__(self, log_sink: LogSink) -> None:
        super().__init__()
        self.log_sink = log_sink

    def emit(self, record: logging.LogRecord) -> None:
        self.log_sink.log(self.format(record))


class JsonFormatter(logging.Formatter):
    """A record as one JSON object on one line."""

    def __init__(self) -> None:
        super().__init__(datefmt=_JSON_TIME)
        # A value that JSON has no form for is shown as text rather than losing the record.
        self._encode = json.JSONEncoder(ensure_ascii=False, default=str).encode

    def format(self, record: logging.LogRecord) -> str:
        record.levelno = min(50, max(0, record.levelno)) // 10 * 10
        record.levelname = logging.getLevelName(record.levelno)
        is_object = isinstance(record.msg, dict) and not record.args
        members: dict[str, Any] = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.msg if is_object else record.getMessage(),
            "logger": record.name,
            **_exception(record),
            "requestId": getattr(record, "aws_request_id", None),
            "location": None,
        }
        if record.exc_info:
            members["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        if getattr(record, "tenant_id", None) is not None:
            members["tenantId"] = record.tenant_id  # type: ignore[attr-defined, unused-ignore]
        for name, value in record.__dict__.items():
            if name not in _STANDARD_ATTRIBUTES:
                members.setdefault(name, value)
        present = {name: value for name, value in members.items() if value is not None}
        return self._encode(present) + "\n"


def _exception(record: logging.LogRecord) -> dict[str, Any]:
    if not record.exc_info or record.exc_info[0] is None:
        return {"stackTrace": None, "errorType": None, "errorMessage": None}
    kind, value, trace = record.exc_info
    return {
        "stackTrace": traceback.format_tb(trace),
        "errorType": kind.__name__,
        "errorMessage": str(value),
    }


class Log:
    """The log of one environment."""

    def __init__(
        self, mark: bytes, *, is_json: bool, level: str | None, descriptor: int = 1
    ) -> None:
        self.sink = LogSink(mark, descriptor)
        self.current = Current()
        self._is_json = is_json
        logging.Formatter.converter = time.gmtime
        handler = LambdaLoggerHandler(self.sink)
        handler.setFormatter(JsonFormatter() if is_json else logging.Formatter(_TEXT, _TEXT_TIME))
        handler.addFilter(self.current)
        root = logging.getLogger()
        root.addHandler(handler)
        level = (level or "").upper()
        level = "DEBUG" if level == "TRACE" else level
        if level in _LEVELS:
            root.setLevel(level)

    def error(self, payload: dict[str, Any], marshaller: marshalling.Marshaller) -> None:
        """Write a failure as one event."""
        if self._is_json:
            now = time.strftime(_JSON_TIME, time.gmtime())
            text = marshaller.text({"timestamp": now, "level": "ERROR", **payload})
        else:
            text = faults.log_text(payload)
        self.sink.log(text)
