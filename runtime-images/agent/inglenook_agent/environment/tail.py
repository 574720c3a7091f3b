"""The end of an invocation's log, for callers that ask for it (`LogType` Tail)."""

import base64
import collections

from inglenook.model import limits


class Tail:
    """Keep the last 4 KB of what is added, and hardly more."""

    def __init__(self) -> None:
        self._pieces: collections.deque[bytes] = collections.deque()
        self._bytes = 0

    def add(self, message: str) -> None:
        piece = message.encode("utf-8", "replace")
        self._pieces.append(piece)
        self._bytes += len(piece)
        while self._bytes - len(self._pieces[0]) >= limits.LOG_TAIL_BYTES:
            self._bytes -= len(self._pieces.popleft())

    def text(self) -> str:
        """Return the last 4 KB in base64."""
        return base64.b64encode(b"".join(self._pieces)[-limits.LOG_TAIL_BYTES :]).decode()
