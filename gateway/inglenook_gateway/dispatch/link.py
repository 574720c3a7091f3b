"""The gateway's end of the connection to one agent: `wire.asking`, and what agents say unasked.

It also knows how many environments the agent has, those that are starting included, and so whether
there is room for one more.
"""

from typing import TYPE_CHECKING, Protocol

from inglenook.wire import asking, messages
from inglenook_gateway.dispatch import pods

if TYPE_CHECKING:
    from inglenook.wire.connection import Body


class Holder(Protocol):
    """Who holds a link and is told of what happens to it."""

    def environment_gone(self, of: "AgentLink", name: str) -> None:
        """Learn that an environment has ended on its own."""

    def environment_freed(self, of: "AgentLink", name: str) -> None:
        """Learn that an environment has done what it ran for a former owner."""

    def link_closed(self, of: "AgentLink", reason: str) -> None:
        """Learn that the connection has ended."""


class AgentLink(asking.Asking):
    """A connection to an agent that this gateway has leased, or adopted."""

    def __init__(self, pod: pods.Pod, holder: Holder, most: int | None = None) -> None:
        """`most` is how many environments the agent may have, if that is known."""
        super().__init__(pod.connection)
        self.pod = pod
        self._holder = holder
        self._most = most
        self.takes_starts = False
        """Whether the agent is specialised and, as far as it has said, can start environments."""
        self.held = 0
        """How many environments it has, or may have: who asks for a `Start` counts one more, and
        one less if there was none."""
        self._has_started = False

    @property
    def has_room(self) -> bool:
        """Whether one more environment can be started, as far as is known."""
        return self.takes_starts and (self._most is None or self.held < self._most)

    def started(self) -> None:
        """Learn that an environment has started there. Only the first call counts."""
        if not self._has_started:
            self._has_started = True
            self.pod.started()

    def stop(self, environment: str) -> None:
        """End an environment. It must have nothing to do, and be given nothing any more."""
        self.ask(messages.Stop(environment=environment), b"", self._stopped)

    def _stopped(self, header: messages.Header | None, _body: "Body") -> None:
        if isinstance(header, messages.Gone):
            self._one_less()

    def _one_less(self) -> None:
        self.held -= 1
        self.takes_starts = not self.is_closed

    def unasked(self, header: messages.Header, body: "Body") -> None:
        del body
        if isinstance(header, messages.Gone):
            self._one_less()
            self._holder.environment_gone(self, header.environment)
        elif isinstance(header, messages.Freed):
            self._holder.environment_freed(self, header.environment)
        elif isinstance(header, messages.Welcome) and header.protocol != messages.PROTOCOL:
            self.end(f"agent {header.agent} speaks protocol {header.protocol}")

    def ended(self, reason: str) -> None:
        self.takes_starts = False
        self._holder.link_closed(self, reason)

    def end(self, reason: str) -> None:
        """End the pod, once what runs in it is done; nothing is heard of it any more."""
        if not self.pod.is_local and not self.is_closed:
            self.ask(messages.Drain(), b"", _unheard)
        self.close(reason)

    def let_go(self, reason: str) -> None:
        """Close the connection; a pod that outlives it keeps what it has for who adopts it."""
        self.close(reason)


def _unheard(_header: messages.Header | None, _body: "Body") -> None:
    """Nobody waits for the answer."""
