"""The agent of a lease: one gateway's connection on one side, environments on the other.

It answers every message of the gateway exactly once on its stream (see `inglenook.wire.messages`),
and what it cannot do it refuses before anything has begun. Locally many agents live in one process
and share a `Supervisor`. In a pod there is one, which several gateways may ask: `pod`.
"""

import logging

from inglenook.aio.clock import Clock
from inglenook.aio.tasks import Tasks
from inglenook.telemetry.logs import LogSink
from inglenook.wire import messages
from inglenook.wire.connection import Body, Connection
from inglenook.wire.messages import Header
from inglenook_agent import environments, maker
from inglenook_agent.environment.boot import Means
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor.processes import Processes

logger = logging.getLogger(__name__)


class Agent:
    """Serve one connection, for one version at most.

    `start` opens the connection. When the gateway closes it every environment ends; `close` does
    the same from this side, and returns when nothing is left.
    """

    def __init__(  # noqa: PLR0913 - wiring
        self,
        *,
        name: str,
        connection: Connection,
        supervisor: Processes,
        code: maker.CodeSource,
        logs: LogSink,
        clock: Clock,
        settings: AgentSettings,
        tasks: Tasks,
    ) -> None:
        self.name = name
        self._connection = connection
        means = Means(supervisor=supervisor, clock=clock, settings=settings, tasks=tasks)
        self._environments = environments.Environments(
            maker.Maker(means=means, code=code, logs=logs, clock=clock), tasks
        )
        self._environments.owner = connection

    def start(self) -> None:
        """Say what this agent is, and begin to serve."""
        self._connection.send(0, messages.Welcome(agent=self.name))
        self._connection.open(self)

    async def close(self) -> None:
        """End all environments, whatever they do, and close the connection."""
        self._environments.end("closed")
        await self._environments.until_gone()
        self._connection.close("the agent has closed")

    # What the connection brings (`Receiver`).

    def received(self, stream: int, header: Header, body: Body) -> None:
        gateway = self._connection
        match header:
            case messages.Invoke():
                self._environments.invoke(gateway, stream, header, body)
            case messages.Taken():
                self._environments.askers.taken(gateway, stream, header.size)
            case messages.Start():
                self._environments.start(gateway, stream, header)
            case messages.Specialise():
                self._environments.specialise(gateway, stream, header)
            case messages.Stop():
                self._environments.stop(gateway, stream, header)
            case messages.Drain():
                self._environments.drain((gateway, stream))
            case _:
                logger.warning("unexpected message", extra={"kind": type(header).__name__})

    def closed(self, reason: str) -> None:
        self._environments.end(reason)
