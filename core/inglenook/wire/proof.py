"""Proving to each other, at the beginning of a connection, that both ends have the same secret.

The listener says `Challenge`; whoever connected answers with `Hello`, whose proof is the
HMAC-SHA256 of nonce and name under the secret (see `wire.messages`). A proof is worth nothing on
another connection, the secret is never sent, and one that proves nothing is closed without a word.

The listening side opens each connection with a `Gate`; the connecting side awaits `greet`.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path

from inglenook.wire import messages
from inglenook.wire.connection import Body, Connection, Receiver
from inglenook.wire.messages import Header

NONCE_BYTES = 32
GREETING_TIMEOUT_S = 5.0
"""How long the other end may take to say who it is."""

_SILENCE = "it did not prove itself"


class NotGreetedError(Exception):
    """The other end has closed, or does not begin as a listener of the platform does."""


def read(path: Path) -> bytes:
    """Read a secret from its file. Raises ValueError if there is nothing in it."""
    secret = path.read_bytes().strip()
    if not secret:
        raise ValueError(f"{path} is empty")
    return secret


def nonce() -> bytes:
    """Return what no connection has been challenged with before."""
    return secrets.token_bytes(NONCE_BYTES)


def prove(secret: bytes, nonce: bytes, name: str) -> bytes:
    """Return the proof that `name` knows `secret`, for this nonce alone."""
    return hmac.digest(secret, nonce + name.encode(), hashlib.sha256)


def is_proof(proof: bytes, secret: bytes, nonce: bytes, name: str) -> bool:
    """Whether it is; takes as long for a wrong one as for a right one."""
    return hmac.compare_digest(proof, prove(secret, nonce, name))


class Gate:
    """The listening side: challenge a connection, and admit it once it has proved itself.

    Open the connection with it. `admitted` is called with the other end's name and returns who
    receives all that follows, what came together with the `Hello` included; it may send at once.
    It is never called for one that is closed before, proves nothing, or takes longer than
    `GREETING_TIMEOUT_S`.
    """

    def __init__(
        self, connection: Connection, secret: bytes, admitted: Callable[[str], Receiver]
    ) -> None:
        self._connection = connection
        self._secret = secret
        self._admitted = admitted
        self._receiver: Receiver | None = None
        self._is_closed = False
        self._nonce = nonce()
        self._timer = asyncio.get_running_loop().call_later(
            GREETING_TIMEOUT_S, connection.close, _SILENCE
        )
        connection.send(0, messages.Challenge(nonce=self._nonce))

    def received(self, stream: int, header: Header, body: Body) -> None:
        if self._receiver is not None:
            self._receiver.received(stream, header, body)
        elif self._is_closed:
            pass  # it came together with what had it closed
        elif isinstance(header, messages.Hello) and is_proof(
            header.proof, self._secret, self._nonce, header.name
        ):
            self._timer.cancel()
            self._receiver = self._admitted(header.name)
        else:
            self._is_closed = True
            self._timer.cancel()
            self._connection.close(_SILENCE)

    def closed(self, reason: str) -> None:
        self._is_closed = True
        self._timer.cancel()
        if self._receiver is not None:
            self._receiver.closed(reason)


async def greet(connection: Connection, secret: bytes, name: str) -> None:
    """Wait for the challenge and answer it: the connecting side.

    Open the connection for its real receiver right after, before anything else is awaited: what the
    listener says then would be lost. Raises NotGreetedError, or TimeoutError after
    `GREETING_TIMEOUT_S`; the connection is closed then.
    """
    greeting = _Greeting()
    connection.open(greeting)
    try:
        async with asyncio.timeout(GREETING_TIMEOUT_S):
            challenge = await greeting.challenge
    except BaseException:
        connection.close("no greeting")
        raise
    proof = prove(secret, challenge.nonce, name)
    connection.send(0, messages.Hello(name=name, proof=proof))


class _Greeting:
    """Receives a listener's first message."""

    def __init__(self) -> None:
        self.challenge: asyncio.Future[messages.Challenge] = (
            asyncio.get_running_loop().create_future()
        )

    def received(self, stream: int, header: Header, body: Body) -> None:
        del stream, body
        if self.challenge.done():
            return
        if isinstance(header, messages.Challenge):
            self.challenge.set_result(header)
        else:
            self.challenge.set_exception(NotGreetedError("the other end does not challenge"))

    def closed(self, reason: str) -> None:
        if not self.challenge.done():
            self.challenge.set_exception(NotGreetedError(reason))
