"""One request to the Runtime API, who hears it, and its answer: what handlers see of HTTP.

When a request's headers are there, the handler is called and says who receives the body; that
`Receiver` hears every piece as it arrives, then the end with its trailers, or that the client is
gone. An answer may be given at any time, also before the body has come: what then still comes is
dropped. A `RefusedError` that handler or receiver raises is an answer, too.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from inglenook_agent.runtime_api import answers


class Receiver(Protocol):
    """Who hears the rest of a request. Called on the event loop; must not block."""

    def piece(self, data: bytes) -> None:
        """Take what has arrived of the body."""

    def complete(self, trailers: Mapping[str, str]) -> None:
        """Learn that the body has ended, and its trailers by lower-case name."""

    def lost(self) -> None:
        """Learn that the client has hung up before it had its answer."""


class Line(Protocol):
    """What an exchange needs of its connection."""

    def answer(self, answer: answers.Answer) -> None:
        """Write the answer to the present exchange."""

    def pause(self) -> None:
        """Read nothing for a while. Safe to repeat."""

    def resume(self) -> None:
        """Go on reading. Safe to repeat."""


class Exchange:
    """One request, and the way to answer it."""

    __slots__ = ("_line", "headers", "is_answered", "method", "path")

    def __init__(self, line: Line, method: str, path: str, headers: Mapping[str, str]) -> None:
        self._line = line
        self.method = method
        self.path = path
        self.headers = headers
        """By lower-case name."""
        self.is_answered = False

    def answer(self, answer: answers.Answer) -> None:
        """Answer, once; later calls change nothing."""
        if not self.is_answered:
            self.is_answered = True
            self._line.answer(answer)

    def pause(self) -> None:
        """Let the client wait with its body."""
        self._line.pause()

    def resume(self) -> None:
        """Go on reading."""
        self._line.resume()


Handler = Callable[[Exchange], Receiver]
