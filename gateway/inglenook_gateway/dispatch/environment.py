"""An execution environment, as the gateway knows it."""

from dataclasses import dataclass

from inglenook_gateway.dispatch import link


@dataclass(frozen=True, slots=True)
class Environment:
    """Its agent and its name there."""

    link: link.AgentLink
    name: str

    def stop(self) -> None:
        """End it. It must have nothing to do, and be given nothing any more."""
        self.link.stop(self.name)
