"""The log of a pod's function: a line of JSON on standard output for every event.

    {"timestamp": "2026-11-21T10:00:00.000Z", "message": "...", "function": "orders", "version":
    "3", "log_group": "/aws/lambda/orders", "log_stream": "...", "request_id": "..."}

`request_id` is that of the invocation during which it was logged; between them there is none. Lines
are gathered for a moment and written together, by the event loop: whoever reads the output has less
to do, and so has this process. The reader may be slow, and is never waited for: what does not fit
into the buffer is dropped, and a line tells how much.
"""

import asyncio
import os
import select
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from inglenook.telemetry import report
from inglenook.telemetry.logs import LogEvent

if TYPE_CHECKING:
    from inglenook.wire.messages import VersionId

_BUFFER_BYTES_MAX = 16 * 1024 * 1024
_GATHER_S = 0.01
_FLUSH_TIMEOUT_S = 2.0
_PIECE_BYTES = 64 * 1024


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
    """A log sink (`inglenook.telemetry.logs.LogSink`) that writes to a descriptor.

    Made and used on the event loop. The descriptor does not block from then on.
    """

    def __init__(self, descriptor: int = 1) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self.version: VersionId | None = None
        """What the pod runs, once that is known."""
        self._encoder = msgspec.json.Encoder()
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._dropped = 0
        self._is_due = False
        """Whether what is in the buffer is going to be written without anybody's doing."""
        self._is_heard = True

    def write(self, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        if not self._is_heard:
            return
        lines = b"".join(self._line(group, stream, event) for event in events)
        if len(self._buffer) + len(lines) > _BUFFER_BYTES_MAX:
            self._dropped += len(events)
            return
        if self._dropped:
            self._buffer += self._told_of_loss(group, stream, events[0].timestamp_ms)
        self._buffer += lines
        if not self._is_due:
            self._is_due = True
            self._loop.call_later(_GATHER_S, self._write)

    def close(self) -> None:
        """Write what waits, for as long as that makes sense. Blocks."""
        self._loop.remove_writer(self._descriptor)
        until = time.monotonic() + _FLUSH_TIMEOUT_S
        while self._write_some() and (left_s := until - time.monotonic()) > 0:
            _ = select.select((), (self._descriptor,), (), left_s)
        self._is_heard = False

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

    def _write(self) -> None:
        """Write what the descriptor takes, and the rest when it takes more."""
        self._loop.remove_writer(self._descriptor)
        self._is_due = self._write_some()
        if self._is_due:
            self._loop.add_writer(self._descriptor, self._write)

    def _write_some(self) -> bool:
        """Write what the descriptor takes; return whether something is left."""
        try:
            while self._buffer:
                del self._buffer[: os.write(self._descriptor, self._buffer[:_PIECE_BYTES])]
        except BlockingIOError:
            return True
        except OSError:
            # Nobody reads it any more.
            self._is_heard = False
            self._buffer.clear()
        return False
