"""Who has asked what of environments, and is to have the answer."""

from inglenook.wire.connection import Body, Connection
from inglenook.wire.messages import Chunk
from inglenook_agent.environment.environment import Environment

_ENDLESS = 1 << 62
"""More than any answer."""


class Askers:
    """By environment: for which connection it starts or runs an event, one at a time."""

    def __init__(self) -> None:
        self._asked: dict[str, Connection] = {}
        self._streaming: dict[tuple[Connection, int], Environment] = {}
        """Whose answer somebody takes piece by piece, and on which stream."""

    def of(self, name: str) -> Connection | None:
        """Return for whom an environment does something, if it does."""
        return self._asked.get(name)

    def ask(self, name: str, asker: Connection) -> None:
        self._asked[name] = asker

    def stream(self, environment: Environment, asker: Connection, stream: int) -> None:
        """Note that the answer is taken piece by piece."""
        self._streaming[asker, stream] = environment

    def settle(self, name: str, stream: int) -> Connection:
        """Return who asked, whose answer is there."""
        asker = self._asked.pop(name)
        if self._streaming:
            self._streaming.pop((asker, stream), None)
        return asker

    def forget(self, name: str) -> None:
        """Note that an environment has gone."""
        self._asked.pop(name, None)
        for key in [key for key, each in self._streaming.items() if each.name == name]:
            del self._streaming[key]

    def pass_on(self, environment: Environment, stream: int, chunk: Chunk, body: Body) -> None:
        """Send a piece of an answer (`environment.environment.PassOn`)."""
        self._asked[environment.name].send(stream, chunk, body)

    def taken(self, asker: Connection, stream: int, size: int) -> None:
        """Learn that so much of a streamed answer has gone on."""
        if (environment := self._streaming.get((asker, stream))) is not None:
            environment.taken(stream, size)

    def hung_up(self, asker: Connection) -> None:
        """Go on without one who asked: what streams to nobody is not held up."""
        for (connection, stream), environment in list(self._streaming.items()):
            if connection is asker:
                environment.taken(stream, _ENDLESS)
