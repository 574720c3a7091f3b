"""The gateway's end of the connection to one agent.

Pairs answers with questions by stream number. An answer is handed to the callback that was given
with the question, without a task or a future between: this is the invoke path. When the connection
ends, every question still open is answered with None, once.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from inglenook.wire import messages

if TYPE_CHECKING:
    from inglenook.wire.connection import Body, Connection

Answered = Callable[["messages.Header | None", "Body"], None]


class AgentLink:
    """A connection to an agent that this gateway has leased."""

    def __init__(
        self,
        connection: "Connection",
        *,
        gone: Callable[["AgentLink", str], None],
        closed: Callable[["AgentLink", str], None],
    ) -> None:
        """`gone` hears of environments that ended on their own; `closed` of the end of it all."""
        self._connection = connection
        self._gone = gone
        self._closed = closed
        self._open: dict[int, Answered] = {}
        self._last_stream = 0
        self.has_room = False
        """Whether the agent is specialised and, as far as is known, can start an environment."""
        self.is_closed = False

    def open(self) -> None:
        """Begin to listen."""
        self._connection.open(self)

    def ask(self, header: messages.Header, body: "Body", answered: Answered) -> None:
        """Send a question; `answered` is called once, perhaps before this returns."""
        if self.is_closed:
            answered(None, b"")
            return
        self._last_stream += 1
        self._open[self._last_stream] = answered
        self._connection.send(self._last_stream, header, body)

    def received(self, stream: int, header: messages.Header, body: "Body") -> None:
        if stream == 0:
            self._unasked(header)
            return
        answered = self._open.pop(stream, None)
        if answered is not None:
            answered(header, body)

    def _unasked(self, header: messages.Header) -> None:
        if isinstance(header, messages.Gone):
            self._gone(self, header.environment)
        elif isinstance(header, messages.Welcome) and header.protocol != messages.PROTOCOL:
            self.close(f"agent {header.agent} speaks protocol {header.protocol}")

    def closed(self, reason: str) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self.has_room = False
        unanswered, self._open = self._open, {}
        self._closed(self, reason)
        for answered in unanswered.values():
            answered(None, b"")

    def close(self, reason: str) -> None:
        """End the connection, and with it the agent's pod."""
        self._connection.close(reason)
