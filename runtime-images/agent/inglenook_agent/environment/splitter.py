"""Cut a process's output into log events.

Pure. One event a line (a lone carriage return does not split); between lines, whole records that
the runtime client marks with 16 random bytes, a length and the text (see `inglenook_runtime`).
Memory is bounded: whatever is longer than CloudWatch's largest event is cut into several.
"""

from inglenook.model import limits

_LENGTH_BYTES = 4
_CONTINUATION = 0b1000_0000
_CONTINUATION_MASK = 0b1100_0000


class Splitter:
    """Take chunks as they come, give events as they are complete."""

    __slots__ = ("_line", "_mark", "_pending", "_record", "_record_left")

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._pending = bytearray()
        self._line = bytearray()
        self._record = bytearray()
        self._record_left = 0

    def feed(self, chunk: bytes) -> list[str]:
        """Return the events that `chunk` completes."""
        events: list[str] = []
        if not self._pending and not self._record_left and self._mark[0] not in chunk:
            self._text(chunk, events)
            return events
        self._pending += chunk
        while self._step(events):
            pass
        return events

    def flush(self) -> list[str]:
        """Return what has come of an unfinished line as an event."""
        events: list[str] = []
        if self._pending and not self._pending.startswith(self._mark):
            self._text(bytes(self._pending), events)
            self._pending.clear()
        if self._line:
            events.append(_decoded(self._line))
            self._line.clear()
        return events

    def _step(self, events: list[str]) -> bool:
        """Take one piece off what is pending; answer whether there may be another."""
        if self._record_left:
            return self._continue_record(events)
        start = self._pending.find(self._mark)
        if start < 0:
            keep = self._beginning_of_mark()
            text = len(self._pending) - keep
            self._text(bytes(self._pending[:text]), events)
            del self._pending[:text]
            return False
        self._text(bytes(self._pending[:start]), events)
        del self._pending[:start]
        head = len(self._mark) + _LENGTH_BYTES
        if len(self._pending) < head:
            return False
        self._record_left = int.from_bytes(self._pending[len(self._mark) : head], "big")
        del self._pending[:head]
        return True

    def _continue_record(self, events: list[str]) -> bool:
        piece = self._pending[: self._record_left]
        del self._pending[: len(piece)]
        self._record_left -= len(piece)
        self._record += piece
        _cut(self._record, events)
        if self._record_left:
            return False
        if self._record:
            events.append(_decoded(self._record))
            self._record.clear()
        return bool(self._pending)

    def _beginning_of_mark(self) -> int:
        """Return how many bytes at the end could be the beginning of a mark."""
        for length in range(min(len(self._mark) - 1, len(self._pending)), 0, -1):
            if self._pending.endswith(self._mark[:length]):
                return length
        return 0

    def _text(self, text: bytes, events: list[str]) -> None:
        if not text:
            return
        lines = text.split(b"\n")
        for line in lines[:-1]:
            self._line += line
            _cut(self._line, events)
            self._line += b"\n"
            events.append(_decoded(self._line))
            self._line.clear()
        self._line += lines[-1]
        _cut(self._line, events)


def _cut(data: bytearray, events: list[str]) -> None:
    """Move events of the largest size from the beginning of `data`, between characters."""
    most = limits.LOG_EVENT_BYTES_MAX
    while len(data) > most:
        end = most
        while end > most - 4 and data[end] & _CONTINUATION_MASK == _CONTINUATION:
            end -= 1
        events.append(_decoded(data[:end]))
        del data[:end]


def _decoded(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace")
