"""One process that speaks the Runtime API: what it may ask when, and the environment's way to it.

A session is born with its process and ends with it. It knows no HTTP: `server` asks it and turns
what it raises into answers.
"""

import asyncio
import enum

import msgspec

from inglenook.model import limits
from inglenook.wire.connection import Body
from inglenook_agent.environment import outcome
from inglenook_agent.environment.runtime import Event, RuntimeListener
from inglenook_agent.runtime_api import answers
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.setup import Setup

_SETUP = b"S"
_INIT_ERROR = ord("I")


class State(enum.Enum):
    """What the process is at, in the words of the API's error texts."""

    STARTED = "Started"
    READY = "Ready"
    RUNNING = "Running"
    ANSWERED = "InvocationResponse"
    FAILED = "InvocationErrorResponse"
    INIT_FAILED = "InitError"
    OVER = "Over"


MOVES: dict[State, frozenset[State]] = {
    State.STARTED: frozenset({State.READY, State.INIT_FAILED, State.OVER}),
    # Ready to ready: it asked again, because its first question was lost.
    State.READY: frozenset({State.READY, State.RUNNING, State.OVER}),
    State.RUNNING: frozenset({State.ANSWERED, State.FAILED, State.OVER}),
    State.ANSWERED: frozenset({State.READY, State.OVER}),
    State.FAILED: frozenset({State.READY, State.OVER}),
    State.INIT_FAILED: frozenset({State.OVER}),
    State.OVER: frozenset({State.OVER}),
}


class _Refused(msgspec.Struct):
    """Why a program could not be executed."""

    errorMessage: str  # noqa: N815 - the payload's own name


class Session:
    """A `Runtime` whose process asks for its events over HTTP."""

    def __init__(self, process: Process, listener: RuntimeListener) -> None:
        self._process = process
        self._listener = listener
        self._state = State.STARTED
        self._request_id: str | None = None
        """Of the event that it has, or had last."""
        self._event: tuple[Event, Body] | None = None
        self._asking: asyncio.Future[None] | None = None
        process.on_exit = self._exited
        process.channel.listener = self

    def frame(self, kind: int, payload: Body | None) -> None:
        """Hear that the program could not be executed: all that the child ever says itself."""
        if kind == _INIT_ERROR and payload and self._state is State.STARTED:
            self._state = State.INIT_FAILED
            end = 1 + payload[0]
            error_type = str(payload[1:end], "utf-8", "replace")
            # The platform's failure, not the runtime's own words: the request is named with it.
            text = msgspec.json.decode(payload[end:], type=_Refused).errorMessage
            self._listener.broke(self, error_type, text)

    def lost(self) -> None:
        """Hear that the program has taken over; how it goes is heard over HTTP."""

    def begin(self, setup: Setup) -> None:
        self._process.channel.send(_SETUP, answers.encode(setup))
        if self._process.status is not None:
            asyncio.get_running_loop().call_soon(self._exited, self._process.status)

    def deliver(self, event: Event, body: Body) -> None:
        self._event = (event, body)
        self._wake()

    def end(self) -> None:
        if self._state is not State.OVER:
            self._state = State.OVER
            self._wake()
        self._process.on_exit = None
        self._process.kill()
        self._process.channel.close()

    async def next(self) -> tuple[Event, Body]:
        """Wait for the next event. The last to ask gets it."""
        was_started = self._state is State.STARTED
        self._move(State.READY)
        self._wake()
        if was_started:
            self._listener.ready(self)
        while self._event is None:
            asking = self._asking = asyncio.get_running_loop().create_future()
            await asking
            if self._state is State.OVER or self._asking is not asking:
                raise answers.ApiError(*answers.NOT_ALLOWED, self._refusal(State.READY))
        event, self._event = self._event, None
        self._asking = None
        self._request_id = event[0].id
        self._move(State.RUNNING)
        return event

    def check(self, request_id: str, to: State) -> None:
        """Refuse an answer to what was not asked, or that was answered; `to` is the answer."""
        if self._request_id is None or request_id != self._request_id:
            raise answers.ApiError(*answers.INVALID_REQUEST_ID, "Invalid request ID")
        if to not in MOVES[self._state]:
            raise answers.ApiError(*answers.NOT_ALLOWED, self._refusal(to))

    def answer(self, request_id: str, body: Body) -> None:
        """Take the response to the event."""
        self.check(request_id, State.ANSWERED)
        self._move(State.ANSWERED)
        self._listener.answered(self, body)

    def overflow(self, request_id: str) -> None:
        """Take note that the response was over the limit, and say so."""
        self.check(request_id, State.ANSWERED)
        self._move(State.ANSWERED)
        self._listener.overflowed(self)
        text = f"Exceeded maximum allowed payload size ({limits.RESPONSE_BYTES_MAX} bytes)."
        raise answers.ApiError(*answers.TOO_LARGE, text)

    def fail(self, request_id: str, error_type: str, body: Body) -> None:
        """Take the function's error."""
        self.check(request_id, State.FAILED)
        self._move(State.FAILED)
        self._listener.failed(self, error_type, body)

    def fail_init(self, error_type: str, body: Body) -> None:
        """Take the error of init."""
        self._move(State.INIT_FAILED)
        # Not from inside: the environment kills the process, which still waits for our answer.
        loop = asyncio.get_running_loop()
        loop.call_soon(self._listener.init_failed, self, error_type, body)

    def break_mode(self, request_id: str, mode: str) -> None:
        """Refuse a response mode that there is not; the process is lost."""
        self.check(request_id, State.ANSWERED)
        text = f"Invalid function response mode: {mode}"
        loop = asyncio.get_running_loop()
        loop.call_soon(self._listener.broke, self, outcome.INVALID_RESPONSE_MODE, text)
        raise answers.ApiError(*answers.INVALID_RESPONSE_MODE, text)

    def _move(self, to: State) -> None:
        if to not in MOVES[self._state]:
            raise answers.ApiError(*answers.NOT_ALLOWED, self._refusal(to))
        self._state = to

    def _refusal(self, to: State) -> str:
        return (
            f"State transition from {self._state.value} to {to.value} failed for runtime. "
            "Error: State transition is not allowed"
        )

    def _wake(self) -> None:
        if self._asking is not None and not self._asking.done():
            self._asking.set_result(None)
            if self._event is None:
                self._asking = None

    def _exited(self, status: int) -> None:
        if self._state is State.OVER:
            return
        self._state = State.OVER
        self._wake()
        self._process.kill()
        self._listener.exited(self, status)
