"""One process that speaks the Runtime API: what it may ask when, and the environment's way to it.

A session is born with its process and ends with it. It knows no HTTP: `server` asks it and turns
what it raises into answers.
"""

import asyncio
import enum
from typing import Protocol

import msgspec

from inglenook.model import limits
from inglenook.wire.connection import Body
from inglenook_agent.environment import outcome
from inglenook_agent.environment.runtime import Event, Flow, RuntimeListener, Sink
from inglenook_agent.runtime_api import answers
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.setup import Setup

_SETUP = b"S"
_INIT_ERROR = ord("I")


class Asker(Protocol):
    """A process's question for its next event."""

    def give(self, event: Event, body: Body) -> None:
        """Take the event."""

    def refuse(self, refused: answers.RefusedError) -> None:
        """Learn that none will come."""


class Lines(Protocol):
    """The connections on which a process speaks."""

    @property
    def is_connected(self) -> bool:
        """Whether there is one. The session hears of the last one's end (`hung_up`)."""
        ...


class State(enum.Enum):
    """What the process is at, in the words of the API's error texts."""

    STARTED = "Started"
    READY = "Ready"
    RUNNING = "Running"
    STREAMING = "InvocationResponseStream"
    """Its response has begun and is passed on as it comes."""
    STREAMED = "InvocationResponseStreamed"
    ANSWERED = "InvocationResponse"
    FAILED = "InvocationErrorResponse"
    INIT_FAILED = "InitError"
    OVER = "Over"


MOVES: dict[State, frozenset[State]] = {
    State.STARTED: frozenset({State.READY, State.INIT_FAILED, State.OVER}),
    # Ready to ready: it asked again, because its first question was lost.
    State.READY: frozenset({State.READY, State.RUNNING, State.OVER}),
    State.RUNNING: frozenset({State.STREAMING, State.ANSWERED, State.FAILED, State.OVER}),
    State.STREAMING: frozenset({State.STREAMED, State.OVER}),
    State.STREAMED: frozenset({State.READY, State.OVER}),
    State.ANSWERED: frozenset({State.READY, State.OVER}),
    State.FAILED: frozenset({State.READY, State.OVER}),
    State.INIT_FAILED: frozenset({State.OVER}),
    State.OVER: frozenset({State.OVER}),
}

_HAS_SAID_ALL = frozenset(State) - {State.STARTED, State.RUNNING, State.STREAMING}
_TURNS = 8
"""Of the event loop, in which what has been sent to us is accepted, read and parsed."""


class _Refused(msgspec.Struct):
    """Why a program could not be executed."""

    errorMessage: str  # noqa: N815 - the payload's own name


class Session:
    """A `Runtime` whose process asks for its events over HTTP."""

    def __init__(
        self, process: Process, listener: RuntimeListener, lines: Lines, grace_s: float
    ) -> None:
        """Wait `grace_s` at most: once a process has ended, for the end of its connections.

        After a stream was cut off, for news of the process's end.
        """
        self._process = process
        self._listener = listener
        self._lines = lines
        self._grace_s = grace_s
        self._state = State.STARTED
        self._request_id: str | None = None
        """Of the event that it has, or had last."""
        self._event: tuple[Event, Body] | None = None
        self._asker: Asker | None = None
        self._status: int | None = None
        """Of a process that has ended, while what it wrote before is still passed on."""
        self._cut_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None
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
        self._hand_over()

    def end(self) -> None:
        self._close()
        self._process.on_exit = None
        self._process.kill()
        self._process.channel.close()

    def ask(self, asker: Asker) -> None:
        """Give `asker` the next event, now or when there is one. The last to ask gets it."""
        self._truncated()
        if self._state is State.STREAMING:
            # It gave its stream up, most likely, and has hung up on another connection: which of
            # the two is heard first is chance. It waits for the end of its stream.
            self._refuse_asker()
            self._asker = asker
            return
        was_started = self._state is State.STARTED
        self._move(State.READY)
        self._refuse_asker()
        self._asker = asker
        if was_started:
            self._listener.ready(self)
        self._hand_over()

    def withdraw(self, asker: Asker) -> None:
        """Forget a question whose answer nobody waits for any more."""
        if self._asker is asker:
            self._asker = None

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

    def stream(self, request_id: str, content_type: str, flow: Flow) -> Sink:
        """Begin to take a response that is streamed; return where it goes."""
        self.check(request_id, State.STREAMING)
        self._move(State.STREAMING)
        return self._listener.streams(self, content_type, flow)

    def streamed(self, error: tuple[str, Body] | None) -> None:
        """Take note that the stream was complete; with an error if its trailers said so."""
        self._stream_ended()
        if error is None:
            self._listener.answered(self, b"")
        else:
            self._listener.failed(self, *error)
        self._end_if_exited()

    def stream_overflow(self) -> None:
        """Take note that the stream exceeds its limit."""
        self._stream_ended()
        self._listener.overflowed(self)
        self._end_if_exited()

    def stream_cut(self) -> None:
        """Take note that the stream has broken off. Most often that is its process's end."""
        if self._state is State.STREAMING:
            loop = asyncio.get_running_loop()
            self._cut_timer = loop.call_later(self._grace_s, self._truncated)
            self._end_if_exited()
            if self._asker is not None:
                self._truncated()

    def _truncated(self) -> None:
        """Tell of a stream that has broken off though its process lives."""
        if self._cut_timer is not None:
            self._cut_timer.cancel()
            self._cut_timer = None
            self._stream_ended()
            text = outcome.message(self._request_id or "", "Response is truncated")
            payload = outcome.payload(outcome.TRUNCATED, text)
            self._listener.failed(self, outcome.TRUNCATED, payload)

    def _stream_ended(self) -> None:
        self._move(State.STREAMED)
        if self._asker is not None:
            # It has asked for more already; whoever hears of the end may have more at once.
            self._move(State.READY)

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

    def _hand_over(self) -> None:
        if self._asker is not None and self._event is not None:
            asker, self._asker = self._asker, None
            event, self._event = self._event, None
            self._request_id = event[0].id
            self._move(State.RUNNING)
            asker.give(*event)

    def _refuse_asker(self) -> None:
        asker, self._asker = self._asker, None
        if asker is not None:
            asker.refuse(answers.ApiError(*answers.NOT_ALLOWED, self._refusal(State.READY)))

    def _exited(self, status: int) -> None:
        if self._state is State.OVER:
            return
        self._process.kill()
        self._status = status
        self._hear_out(_TURNS)

    def _hear_out(self, turns: int) -> None:
        """Tell of the process's end once all that it said before has been heard.

        The news of its end comes on another way, and may overtake its answer.
        """
        if self._state in _HAS_SAID_ALL:
            self._end_if_exited()
        elif self._state is State.STREAMING:
            # The end of the stream's connection follows.
            if self._cut_timer is not None:
                self._end_if_exited()
        elif turns:
            asyncio.get_running_loop().call_soon(self._hear_out, turns - 1)
        elif self._lines.is_connected and self._end_timer is None:
            loop = asyncio.get_running_loop()
            self._end_timer = loop.call_later(self._grace_s, self._end_if_exited)
        else:
            self._end_if_exited()

    def hung_up(self) -> None:
        """Learn that no connection is left."""
        if self._end_timer is not None:
            self._end_if_exited()

    def _end_if_exited(self) -> None:
        if self._status is not None and self._state not in (State.OVER, State.INIT_FAILED):
            self._close()
            event, self._event = self._event, None
            if event is not None:
                self._listener.left(self, event[1])
            else:
                self._listener.exited(self, self._status)

    def _close(self) -> None:
        if self._state is not State.OVER:
            self._state = State.OVER
            self._refuse_asker()
        for timer in (self._cut_timer, self._end_timer):
            if timer is not None:
                timer.cancel()
