"""An environment's log: what the function prints and what the platform says of it, in order."""

import base64
import collections

from inglenook.aio.clock import Clock
from inglenook.model import limits
from inglenook.telemetry import report
from inglenook.telemetry.logs import LogEvent, LogSink

_PENDING_MAX = 1000


class Journal:
    """Gather events and pass them to the sink in batches; keep a tail where it is asked for."""

    def __init__(
        self,
        sink: LogSink,
        *,
        group: str,
        stream: str,
        log_format: str,
        version: str,
        initialization_type: str,
        clock: Clock,
    ) -> None:
        self._sink = sink
        self._group = group
        self._stream = stream
        self._lines = report.lines(log_format)
        self._version = version
        self._initialization_type = initialization_type
        self._clock = clock
        self._pending: list[LogEvent] = []
        self._tail: collections.deque[bytes] | None = None
        self._tail_bytes = 0

    def add(self, *messages: str) -> None:
        """Add events to the batch."""
        timestamp_ms = int(self._clock.now() * 1000)
        for message in messages:
            self._pending.append(LogEvent(timestamp_ms=timestamp_ms, message=message))
            if self._tail is not None:
                self._keep(self._tail, message)
        if len(self._pending) >= _PENDING_MAX:
            self.flush()

    def add_now(self, messages: list[str]) -> None:
        """Add events and pass them on at once."""
        self.add(*messages)
        self.flush()

    def flush(self) -> None:
        """Pass the batch on."""
        if self._pending:
            pending, self._pending = self._pending, []
            self._sink.write(self._group, self._stream, pending)

    def init_start(self, start: report.InitStart) -> None:
        """Say what is about to run, at once: init may take long."""
        self.add_now([self._lines.init_start(start, self._clock.now())])

    def init_report(
        self,
        duration_ms: float,
        phase: report.Phase,
        status: report.Status,
        error_type: str | None,
    ) -> None:
        """Say how an init went that did not go well."""
        figures = report.InitReport(
            duration_ms=duration_ms,
            phase=phase,
            status=status,
            error_type=error_type,
            initialization_type=self._initialization_type,
        )
        self.add(self._lines.init_report(figures, self._clock.now()))

    def begin(self, request_id: str, *, wants_tail: bool) -> None:
        """Say that an invocation begins. Its tail, if it is wanted, begins here too."""
        if wants_tail:
            self._tail = collections.deque()
            self._tail_bytes = 0
        self.add(self._lines.start(request_id, self._version, self._clock.now()))

    def timeout(self, request_id: str, timeout_s: float) -> None:
        """Say that an invocation was out of time."""
        self.add(report.timeout_line(request_id, timeout_s, self._clock.now()))

    def end(self, figures: report.Report) -> str | None:
        """Say that an invocation has ended, and pass all of it on.

        Returns the last 4 KB of its log in base64 if a tail was wanted.
        """
        line = self._lines.report(figures, self._clock.now())
        end = self._lines.end(figures.request_id)
        if end is None:
            self.add(line)
        else:
            self.add(end, line)
        self.flush()
        if self._tail is None:
            return None
        tail = b"".join(self._tail)[-limits.LOG_TAIL_BYTES :]
        self._tail = None
        return base64.b64encode(tail).decode()

    def _keep(self, tail: collections.deque[bytes], message: str) -> None:
        data = message.encode("utf-8", "replace")
        tail.append(data)
        self._tail_bytes += len(data)
        while self._tail_bytes - len(tail[0]) >= limits.LOG_TAIL_BYTES:
            self._tail_bytes -= len(tail.popleft())
