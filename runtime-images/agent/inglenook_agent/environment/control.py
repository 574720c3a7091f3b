"""A Python function in a forked child, over its control socket (frames: `inglenook_runtime`)."""

import asyncio

import msgspec

from inglenook.model import limits
from inglenook.wire.connection import Body
from inglenook_agent.environment.runtime import Event, RuntimeListener
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.setup import Setup

_SETUP, _EVENT = b"S", b"E"
_READY, _INIT_ERROR, _ANSWER, _FAILURE = b"RIAF"
_LENGTH_BYTES = 4


class ControlRuntime:
    """Speak with our own runtime client.

    The child's end comes in two pieces that may arrive in either order: its exit, from the spawner,
    and the end of its socket, after all that it said. It has ended when both are in, or some time
    after one: a process that it left behind may hold the socket open.
    """

    __slots__ = ("_grace_s", "_is_over", "_listener", "_process", "_timer")

    _encoder = msgspec.json.Encoder()

    def __init__(self, process: Process, listener: RuntimeListener, grace_s: float) -> None:
        self._process = process
        self._listener = listener
        self._grace_s = grace_s
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None
        process.on_exit = self._exited
        process.channel.listener = self

    def begin(self, setup: Setup) -> None:
        self._process.channel.send(_SETUP, msgspec.json.encode(setup))
        if self._process.status is not None or self._process.channel.is_lost:
            # It died as a spare, before anybody listened.
            asyncio.get_running_loop().call_soon(self._check)

    def deliver(self, event: Event, body: Body) -> None:
        header = self._encoder.encode(event)
        head = len(header).to_bytes(_LENGTH_BYTES, "big") + header
        self._process.channel.send(_EVENT, head, body)

    def end(self) -> None:
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self._process.on_exit = None
        self._process.kill()
        self._process.channel.close()

    def frame(self, kind: int, payload: Body | None) -> None:
        if self._is_over:
            return
        if kind == _ANSWER and payload is not None and len(payload) <= limits.RESPONSE_BYTES_MAX:
            self._listener.answered(self, payload)
        elif kind == _READY:
            self._listener.ready(self)
        elif payload is None or (kind == _ANSWER and len(payload) > limits.RESPONSE_BYTES_MAX):
            self._listener.overflowed(self)
        elif kind == _FAILURE:
            self._failed(payload)
        elif kind == _INIT_ERROR:
            self._listener.init_failed(self, *_error(payload))
        else:
            self._listener.broke(self, "Runtime.Unknown", f"Unknown frame {kind}")

    def _failed(self, payload: Body) -> None:
        error_type, error = _error(payload)
        if len(error) > limits.RESPONSE_BYTES_MAX:
            self._listener.overflowed(self)
        else:
            self._listener.failed(self, error_type, error)

    def lost(self) -> None:
        self._check()

    def _exited(self, status: int) -> None:
        del status
        self._process.kill()  # what it left behind must not hold its socket open
        self._check()

    def _check(self) -> None:
        if self._is_over:
            return
        if self._process.status is not None and self._process.channel.is_lost:
            self._over()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._grace_s, self._give_up)

    def _give_up(self) -> None:
        self._timer = None
        if self._is_over:
            return
        if self._process.status is not None:
            self._over()
        else:
            # It closed its socket and lives on: nothing can come of it any more.
            self._process.kill()

    def _over(self) -> None:
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self._listener.exited(self, self._process.status or 0)


def _error(payload: Body) -> tuple[str, Body]:
    """Split an error frame into the error's type and its payload."""
    end = 1 + payload[0] if len(payload) else 0
    return str(payload[1:end], "utf-8", "replace"), payload[end:]
