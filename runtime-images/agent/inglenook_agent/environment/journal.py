"""An environment's log: what the function prints and what the platform says of it, in order."""

import base64
import collections

from inglenook.aio.clock import Clock
from inglenook.model import limits
from inglenook.telemetry.logs import LogEvent, LogSink

_PENDING_MAX = 1000


class Journal:
    """Gather events and pass them to the sink in batches; keep a tail where it is asked for."""

    def __init__(self, sink: LogSink, group: str, stream: str, clock: Clock) -> None:
        self._sink = sink
        self._group = group
        self._stream = stream
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
                self._keep(message)
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

    def begin_tail(self) -> None:
        """Keep the end of what is added from now on."""
        self._tail = collections.deque()
        self._tail_bytes = 0

    def end_tail(self) -> str | None:
        """Return the last 4 KB since `begin_tail`, in base64; None if nobody asked."""
        if self._tail is None:
            return None
        text = b"".join(self._tail)[-limits.LOG_TAIL_BYTES :]
        self._tail = None
        return base64.b64encode(text).decode()

    def _keep(self, message: str) -> None:
        tail = self._tail
        if tail is None:
            return
        data = message.encode("utf-8", "replace")
        tail.append(data)
        self._tail_bytes += len(data)
        while self._tail_bytes - len(tail[0]) >= limits.LOG_TAIL_BYTES:
            self._tail_bytes -= len(tail.popleft())
