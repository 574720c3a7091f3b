"""The log of a pod's function: a line of JSON on standard output for every event.

    {"timestamp": "2026-11-21T10:00:00.000Z", "message": "...", "function": "orders", "version":
    "3", "log_group": "/aws/lambda/orders", "log_stream": "...", "request_id": "..."}

`request_id` is that of the invocation during which the event was logged; between them there is
none. Whoever reads the output may be slow, and is never waited for: what does not fit into the
buffer is dropped, and a line tells how much.
"""

import collections
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from inglenook.telemetry import report
from inglenook.telemetry.logs import LogEvent

if TYPE_CHECKING:
    from inglenook.wire.messages import VersionId

_BUFFER_BYTES_MAX = 16 * 1024 * 1024
_FLUSH_TIMEOUT_S = 2.0


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event as it is written."""

    timestamp: str
    message: str
    function: str | None = None
    version: str | None = None
    log_group: str
    log_stream: str
    request_id: str | None = None


class Output:
    """A log sink (`inglenook.telemetry.logs.LogSink`) that writes to a descriptor."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self.version: VersionId | None = None
        """What the pod runs, once that is known."""
        self._encoder = msgspec.json.Encoder()
        self._waiting: collections.deque[bytes] = collections.deque()
        self._size = 0
        self._dropped = 0
        self._changed = threading.Condition()
        self._is_closed = False
        self._writer = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._writer.start()

    def write(self, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        lines = b"".join(self._line(group, stream, event) for event in events)
        with self._changed:
            if self._size + len(lines) > _BUFFER_BYTES_MAX:
                self._dropped += len(events)
                return
            if self._dropped:
                lines = self._told_of_loss(group, stream, events[0].timestamp_ms) + lines
            self._waiting.append(lines)
            self._size += len(lines)
            self._changed.notify()

    def close(self) -> None:
        """Write what waits, for as long as that makes sense. Blocks."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._writer.join(_FLUSH_TIMEOUT_S)

    def _line(self, group: str, stream: str, event: LogEvent) -> bytes:
        version = self.version
        line = Line(
            timestamp=report.timestamp(event.timestamp_ms / 1000),
            message=event.message.rstrip("\n"),
            function=None if version is None else version.function_name,
            version=None if version is None else version.version,
            log_group=group,
            log_stream=stream,
            request_id=event.request_id,
        )
        return self._encoder.encode(line) + b"\n"

    def _told_of_loss(self, group: str, stream: str, timestamp_ms: int) -> bytes:
        count, self._dropped = self._dropped, 0
        message = f"[inglenook] {count} log events are missing before this line"
        return self._line(group, stream, LogEvent(timestamp_ms=timestamp_ms, message=message))

    def _write_all(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                lines = self._waiting.popleft()
            try:
                view = memoryview(lines)
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError:
                return  # nobody reads it any more
            finally:
                with self._changed:
                    self._size -= len(lines)
