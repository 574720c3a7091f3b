"""Connections to the agents of pods: opened, proved, and greeted.

One to a node that goes without a word ends within `silence.NODE_S`, idle or not.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inglenook.wire import frames, messages, proof, silence

if TYPE_CHECKING:
    from inglenook.wire.connection import Body, Connection

_CONNECT_TIMEOUT_S = 1.5
"""For all of it: a node that is gone answers nothing, and others wait."""


class UnreachableError(Exception):
    """The agent cannot be reached, or is none."""


@dataclass(slots=True)
class Greeted:
    """A connection to an agent that has said what it is; nothing was asked of it yet."""

    connection: "Connection"
    welcome: "asyncio.Future[messages.Welcome]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    is_starting: bool = False
    """Whether the agent says that nothing can run there yet."""
    is_closed: bool = False
    lost: Callable[[], None] = lambda: None
    """Called when it ends while nobody else has opened it."""
    came: Callable[[], None] = lambda: None
    """Called when an agent that was starting has started."""

    def received(self, stream: int, header: messages.Header, body: "Body") -> None:
        del stream, body
        match header:
            case messages.Welcome() if not self.welcome.done():
                self.is_starting = header.is_starting
                self.welcome.set_result(header)
            case messages.Ready():
                self.is_starting = False
                self.came()
            case _:
                pass

    def closed(self, reason: str) -> None:
        self.is_closed = True
        if not self.welcome.done():
            self.welcome.set_exception(UnreachableError(reason))
        self.lost()


class Dialler:
    """Connects to agents, as this gateway."""

    def __init__(self, *, name: str, secret: bytes, port: int) -> None:
        self._name = name
        self._secret = secret
        self._port = port

    async def greet(self, address: str) -> tuple[Greeted, messages.Welcome]:
        """Connect to the agent at an address. Raises UnreachableError."""
        opened: frames.StreamConnection | None = None
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                loop = asyncio.get_running_loop()
                transport, opened = await loop.create_connection(
                    frames.StreamConnection, address, self._port
                )
                silence.notice(transport, silence.NODE_S)
                await proof.greet(opened, self._secret, self._name)
                greeted = Greeted(opened)
                opened.open(greeted)
                welcome = await greeted.welcome
        except BaseException as exc:
            if opened is not None:
                opened.close("not greeted")
            if isinstance(exc, OSError | TimeoutError | proof.NotGreetedError):
                raise UnreachableError(repr(exc)) from exc
            raise
        if welcome.protocol != messages.PROTOCOL:
            opened.close("another protocol")
            raise UnreachableError(f"agent {welcome.agent} speaks protocol {welcome.protocol}")
        return greeted, welcome
