"""An environment's log: what the function prints and what the platform says of it, in order."""

from inglenook.aio.clock import Clock
from inglenook.telemetry import levels, report
from inglenook.telemetry.logs import LogEvent, LogSink
from inglenook.wire.messages import Specialise
from inglenook_agent.environment.tail import Tail

_PENDING_MAX = 1000


class Journal:
    """Gather events and pass them to the sink in batches; keep a tail where it is asked for."""

    def __init__(
        self,
        sink: LogSink,
        *,
        version: Specialise,
        stream: str,
        initialization_type: str,
        clock: Clock,
    ) -> None:
        self._sink = sink
        self._group = version.log_group
        self._stream = stream
        self._lines = report.lines(version.log_format, version.system_level)
        self._lowest: levels.ApplicationLevel | None = None
        if version.log_format == "JSON":
            self._lowest = levels.ApplicationLevel(version.application_level)
        self._version = version.id.version
        self._initialization_type = initialization_type
        self._clock = clock
        self._pending: list[LogEvent] = []
        self._request_id: str | None = None
        self._tail: Tail | None = Tail()
        """Between invocations always kept: an init, and what an invocation's own init says, belong
        to the tail of the invocation that follows."""

    def add(self, *messages: str) -> None:
        """Add events of the function to the batch."""
        if self._lowest is None:
            self._append(self._clock.now(), *messages)
        else:
            self._append(self._clock.now(), *filter(self._lowest.keeps, messages))

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
        now = self._clock.now()
        self._append(now, self._lines.init_start(start, now))
        self.flush()
        self._tail = Tail()  # it shows all of an init but this

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
        now = self._clock.now()
        self._append(now, self._lines.init_report(figures, now))

    def begin(self, request_id: str, *, wants_tail: bool) -> None:
        """Say that an invocation begins."""
        self._request_id = request_id
        if not wants_tail:
            self._tail = None
        now = self._clock.now()
        self._append(now, self._lines.start(request_id, self._version, now))

    def timeout(self, request_id: str, timeout_s: float) -> None:
        """Say that an invocation was out of time."""
        now = self._clock.now()
        self._append(now, report.timeout_line(request_id, timeout_s, now))

    def failure(self, message: str, error_type: str) -> None:
        """Say why the process of an invocation was lost; `message` names the request."""
        self._append(self._clock.now(), report.failure_line(message, error_type))

    def end(self, figures: report.Report) -> str | None:
        """Say that an invocation has ended, and pass all of it on.

        Returns the last 4 KB of its log in base64 if a tail was wanted.
        """
        now = self._clock.now()
        self._append(now, self._lines.end(figures.request_id), self._lines.report(figures, now))
        self._request_id = None
        self.flush()
        tail, self._tail = self._tail, Tail()
        return None if tail is None else tail.text()

    def _append(self, now: float, *messages: str | None) -> None:
        """Add events to the batch; None is a line that the format or its level leaves out."""
        timestamp_ms = int(now * 1000)
        for message in messages:
            if message is not None:
                self._pending.append(
                    LogEvent(
                        timestamp_ms=timestamp_ms, message=message, request_id=self._request_id
                    )
                )
                if self._tail is not None:
                    self._tail.add(message)
        if len(self._pending) >= _PENDING_MAX:
            self.flush()
