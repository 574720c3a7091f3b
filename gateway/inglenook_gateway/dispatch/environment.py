"""An execution environment, as the gateway knows it."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from inglenook.wire import messages
from inglenook_gateway.dispatch import link

if TYPE_CHECKING:
    from inglenook.wire.connection import Body


@dataclass(frozen=True, slots=True)
class Environment:
    """Its agent and its name there."""

    link: link.AgentLink
    name: str

    def stop(self) -> None:
        """End it. It must have nothing to do, and be given nothing any more."""
        stop = messages.Stop(environment=self.name)
        self.link.ask(stop, b"", partial(_stopped, self.link))


def _stopped(asked: link.AgentLink, header: messages.Header | None, _body: "Body") -> None:
    if isinstance(header, messages.Gone):
        asked.has_room = not asked.is_closed
