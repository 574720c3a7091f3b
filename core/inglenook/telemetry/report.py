"""The platform's own lines in a function's log: INIT_START, START, END, REPORT, INIT_REPORT.

Pure formatting. `TextLines` writes what Lambda writes with `LogFormat` Text, to the last tab;
`JsonLines` the `platform.*` events of `LogFormat` JSON. When a line is written, and what the
figures mean, is the agent's business. A method answers None where the format has no such line, or
`SystemLogLevel` leaves it out.
"""

import enum
import math
from collections.abc import Mapping
from typing import Protocol

import msgspec

from inglenook.aio import clock


class Status(enum.Enum):
    """How an init or an invocation ended, as the platform prints it."""

    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"


class Phase(enum.Enum):
    """When an init ran: ahead of the first invocation, or within one."""

    INIT = "init"
    INVOKE = "invoke"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one invocation."""

    request_id: str
    duration_ms: float
    billed_ms: int
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    """Of the init that ran ahead of this invocation; None for all but the first."""
    status: Status = Status.SUCCESS
    error_type: str | None = None


class RuntimeVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A runtime of Lambda's."""

    name: str
    arn: str


class InitStart(msgspec.Struct, frozen=True, kw_only=True):
    """What an environment is about to run."""

    runtime: RuntimeVersion | None
    """None: an image's own."""
    function_name: str
    version: str
    initialization_type: str = "on-demand"


class InitReport(msgspec.Struct, frozen=True, kw_only=True):
    """How an init went."""

    duration_ms: float
    phase: Phase
    status: Status
    error_type: str | None = None
    initialization_type: str = "on-demand"


class PlatformLines(Protocol):
    """One log format. `now` is in seconds since the epoch."""

    def init_start(self, start: InitStart, now: float) -> str | None: ...
    def init_report(self, report: InitReport, now: float) -> str | None: ...
    def start(self, request_id: str, version: str, now: float) -> str | None: ...
    def end(self, request_id: str) -> str | None: ...
    def report(self, report: Report, now: float) -> str | None: ...


def billed_ms(duration_ms: float, init_ms: float | None = None) -> int:
    """Return the billed duration: rounded up to 1 ms, init included (since August 2025)."""
    return max(1, math.ceil(round(duration_ms + (init_ms or 0.0), 2)))


def timestamp(now: float) -> str:
    """Return `now` as Lambda prints it: `2026-11-21T13:46:00.000Z`."""
    return clock.utc(now).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def timeout_line(request_id: str, timeout_s: float, now: float) -> str:
    """Return the event that tells of a timeout, the same in both formats."""
    return f"{timestamp(now)} {request_id} Task timed out after {timeout_s:.2f} seconds\n\n"


def failure_line(message: str, error_type: str) -> str:
    """Return the event that tells of a lost runtime; `message` names the request."""
    return f"{message}\n{error_type}\n"


class TextLines:
    """`LogFormat` Text."""

    def init_start(self, start: InitStart, now: float) -> str | None:
        if start.runtime is None:
            return None
        return (
            f"INIT_START Runtime Version: {start.runtime.name}"
            f"\tRuntime Version ARN: {start.runtime.arn}\n"
        )

    def init_report(self, report: InitReport, now: float) -> str:
        error = "" if report.error_type is None else f"\tError Type: {report.error_type}"
        return (
            f"INIT_REPORT Init Duration: {report.duration_ms:.2f} ms\tPhase: {report.phase.value}"
            f"\tStatus: {report.status.value}{error}\n"
        )

    def start(self, request_id: str, version: str, now: float) -> str:
        return f"START RequestId: {request_id} Version: {version}\n"

    def end(self, request_id: str) -> str | None:
        return f"END RequestId: {request_id}\n"

    def report(self, report: Report, now: float) -> str:
        line = (
            f"REPORT RequestId: {report.request_id}\tDuration: {report.duration_ms:.2f} ms"
            f"\tBilled Duration: {report.billed_ms} ms\tMemory Size: {report.memory_mb} MB"
            f"\tMax Memory Used: {report.max_memory_mb} MB\t"
        )
        if report.init_ms is not None:
            line += f"Init Duration: {report.init_ms:.2f} ms\t"
        # What stands after the figures ends the line without the tab that ends a good one.
        match report.status:
            case Status.SUCCESS:
                return line + "\n"
            case Status.TIMEOUT:
                return line + "Status: timeout\n"
            case Status.ERROR:
                return f"{line}Status: error\tError Type: {report.error_type}\n"


_DEBUG, _INFO, _WARN = range(3)
_LEVELS = {"DEBUG": _DEBUG, "INFO": _INFO, "WARN": _WARN}


class JsonLines:
    """`LogFormat` JSON. dg/monitoring-cloudwatchlogs-log-level.html has the events' levels."""

    def __init__(self, system_level: str) -> None:
        self._lowest = _LEVELS[system_level]

    def init_start(self, start: InitStart, now: float) -> str | None:
        record: dict[str, object] = {
            "initializationType": start.initialization_type,
            "phase": "init",
        }
        if start.runtime is not None:
            record["runtimeVersion"] = start.runtime.name
            record["runtimeVersionArn"] = start.runtime.arn
        record["functionName"] = start.function_name
        record["functionVersion"] = start.version
        return self._event(_INFO, "platform.initStart", now, record)

    def init_report(self, report: InitReport, now: float) -> str | None:
        record: dict[str, object] = {
            "initializationType": report.initialization_type,
            "phase": report.phase.value,
            "status": report.status.value,
        }
        if report.error_type is not None:
            record["errorType"] = report.error_type
        record["metrics"] = {"durationMs": round(report.duration_ms, 3)}
        level = _DEBUG if report.initialization_type == "on-demand" else _INFO
        if report.status is not Status.SUCCESS:
            level = _WARN
        return self._event(level, "platform.initReport", now, record)

    def start(self, request_id: str, version: str, now: float) -> str | None:
        record = {"requestId": request_id, "version": version}
        return self._event(_INFO, "platform.start", now, record)

    def end(self, request_id: str) -> str | None:
        return None

    def report(self, report: Report, now: float) -> str | None:
        metrics: dict[str, object] = {
            "durationMs": round(report.duration_ms, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_mb,
            "maxMemoryUsedMB": report.max_memory_mb,
        }
        if report.init_ms is not None:
            metrics["initDurationMs"] = round(report.init_ms, 3)
        record: dict[str, object] = {
            "requestId": report.request_id,
            "metrics": metrics,
            "status": report.status.value,
        }
        if report.error_type is not None:
            record["errorType"] = report.error_type
        level = _INFO if report.status is Status.SUCCESS else _WARN
        return self._event(level, "platform.report", now, record)

    def _event(self, level: int, kind: str, now: float, record: Mapping[str, object]) -> str | None:
        if level < self._lowest:
            return None
        event = {"time": timestamp(now), "type": kind, "record": record}
        return msgspec.json.encode(event).decode() + "\n"


def lines(log_format: str, system_level: str = "INFO") -> PlatformLines:
    """Return the lines of a `LogFormat`, `Text` or `JSON`; the level is for the latter only."""
    return JsonLines(system_level) if log_format == "JSON" else TextLines()
