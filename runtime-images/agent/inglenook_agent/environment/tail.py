"""The end of an invocation's log, for callers that ask for it (`LogType` Tail)."""

import base64
import collections

from inglenook.model import limits


class Tail:
    """Keep the last 4 KB of what is added, and hardly more."""

    def __init__(self) -> None:
        # Most are asked for nothing: an idle environment need not hold one.
        self._pieces: collections.deque[bytes] | None = None
        self._bytes = 0

    def add(self, message: str) -> None:
        piece = message.encode("utf-8", "replace")
        pieces = self._pieces
        if pieces is None:
            pieces = self._pieces = collections.deque()
        pieces.append(piece)
        self._bytes += len(piece)
        while self._bytes - len(pieces[0]) >= limits.LOG_TAIL_BYTES:
            self._bytes -= len(pieces.popleft())

    def text(self) -> str:
        """Return the last 4 KB in base64."""
        return base64.b64encode(b"".join(self._pieces or ())[-limits.LOG_TAIL_BYTES :]).decode()
