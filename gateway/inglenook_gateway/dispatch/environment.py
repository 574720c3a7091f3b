"""An execution environment, as the gateway knows it."""

from typing import NamedTuple

from inglenook_gateway.dispatch import link


class Environment(NamedTuple):
    """Its agent and its name there. A tuple, whose hash costs nothing on the invoke path."""

    link: link.AgentLink
    name: str

    def stop(self) -> None:
        """End it. It must have nothing to do, and be given nothing any more."""
        self.link.stop(self.name)
