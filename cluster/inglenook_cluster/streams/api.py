"""Calls of JetStream's API, and how long they are tried.

A server that is starting, or choosing a leader, answers that it is not ready, or not at all; what
may be asked twice is asked again, for `PATIENCE_S` at most.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from inglenook.aio import backoff
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.failures import ConflictError, EngineError, UnavailableError

T = TypeVar("T")

PATIENCE_S = 10.0
PAUSE_S = (0.05, 1.0)
_WRONG_LAST_SEQUENCE = frozenset({10071, 10164})
_TOO_MANY = 429
NOT_THERE = frozenset({10037, 10043, 10057})
"""There is no such message: for good, though the last, of a deletion, has a status of 500."""
_NO_CLUSTER = 10074
"""More than one replica was asked of a server that is alone: with a status of 500 as well."""
_NO_PEERS = 10005
"""Of the servers that shall keep replicas, some are away or still starting."""
_INCOMPLETE_BATCH = 10176
"""The connection was lost in the middle of it, or the server waited too long for its rest."""
_PASSING = frozenset({_NO_PEERS, _INCOMPLETE_BATCH})


class RefusedError(EngineError):
    """JetStream refused."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"JetStream refused: {error.get('description', error)}")
        self.number = error.get("err_code")


class Patience:
    """How long something is tried, and the pauses between."""

    def __init__(self) -> None:
        self._pauses = backoff.Backoff(*PAUSE_S)
        self._deadline = _now() + PATIENCE_S

    @property
    def left_s(self) -> float:
        return max(0.0, self._deadline - _now())

    @property
    def is_over(self) -> bool:
        return not self.left_s

    async def pause(self) -> None:
        await asyncio.sleep(self._pauses.next())


async def call(connection: Connection, name: str, request: Mapping[str, Any]) -> Any:
    """Return the answer to a call. Raises EngineError."""
    message = await connection.request(f"$JS.API.{name}", json.dumps(request).encode())
    return checked(message.data)


async def patiently(connection: Connection, ask: Callable[[], Awaitable[T]]) -> T:
    """Return what is answered to a question that may be asked twice. Raises UnavailableError."""
    patience = Patience()
    while True:
        try:
            await connection.until_connected(patience.left_s)
            return await ask()
        except UnavailableError:
            if patience.is_over:
                raise
        await patience.pause()


def checked(data: bytes) -> Any:
    """Return what was answered. Raises ConflictError, UnavailableError and RefusedError."""
    answer = json.loads(data)
    error = answer.get("error")
    if error is None:
        return answer
    code, status = error.get("err_code"), error.get("code", 500)
    if code in _WRONG_LAST_SEQUENCE:
        raise ConflictError
    passes = status >= 500 or status == _TOO_MANY or code in _PASSING
    if passes and code != _NO_CLUSTER and code not in NOT_THERE:
        raise UnavailableError(f"JetStream is not ready: {error.get('description')}")
    raise RefusedError(error)


def _now() -> float:
    return asyncio.get_running_loop().time()
