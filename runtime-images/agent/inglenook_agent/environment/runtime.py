"""The process that runs the function, as an environment sees it, whatever it speaks.

Two kinds implement `Runtime`: `control.ControlRuntime` (our own Python client, over its control
socket) and `runtime_api.session.Session` (any program, over the Runtime API). Each names itself
when it speaks, so that an environment can tell its present process from one that it has given up.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from inglenook.wire.connection import Body
from inglenook_agent.supervisor.setup import Setup


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What accompanies an event."""

    id: str
    deadline_ms: int
    arn: str
    trace_id: str
    client_context: str | None
    cognito_identity: str | None


class Runtime(Protocol):
    """A process and the way to speak with it."""

    def begin(self, setup: Setup) -> None:
        """Tell the process what to be; init begins."""

    def deliver(self, event: Event, body: Body) -> None:
        """Hand it an event. Only after it was ready, one at a time."""

    def end(self) -> None:
        """Kill it with its group, and hear nothing more of it. Safe to repeat."""


class Flow(Protocol):
    """A process's way of writing a streamed answer, which can be held up."""

    def pause(self) -> None:
        """Let the process wait. Safe to repeat."""

    def resume(self) -> None:
        """Let it go on. Safe to repeat."""


class Sink(Protocol):
    """Where a streamed answer goes."""

    def write(self, piece: Body) -> bool:
        """Take a piece, perhaps pausing the flow; False once the answer exceeds its limit.

        Nothing may be written after that, nor after `end`.
        """

    def end(self, then: Callable[[], None], *, is_whole: bool) -> None:
        """Take no more; call `then` once all has been passed on, perhaps before this returns.

        An answer that is whole has been begun even if it is empty; one that broke off has not.
        It is never called if the invocation ends before.
        """


class RuntimeListener(Protocol):
    """What an environment hears of its process. Called on the event loop."""

    def ready(self, runtime: Runtime) -> None:
        """Learn that init has ended well."""

    def init_failed(self, runtime: Runtime, error_type: str, payload: Body) -> None:
        """Learn that init has failed, in the runtime's own words."""

    def answered(self, runtime: Runtime, payload: Body) -> None:
        """Take what the function returned."""

    def streams(self, runtime: Runtime, content_type: str, flow: Flow) -> Sink:
        """Learn that the process begins to stream its answer; return where it goes.

        When it has all been passed on, `answered` (with no payload), `failed` or `overflowed` tells
        how it ended.
        """

    def failed(self, runtime: Runtime, error_type: str, payload: Body) -> None:
        """Take the function's error, in the runtime's own words; the process goes on."""

    def overflowed(self, runtime: Runtime) -> None:
        """Learn that the response was over the limit; the process goes on."""

    def broke(self, runtime: Runtime, error_type: str, text: str) -> None:
        """Learn that the process has broken the protocol beyond repair."""

    def exited(self, runtime: Runtime, status: int) -> None:
        """Learn that the process has ended by itself, and that it has said nothing more."""

    def left(self, runtime: Runtime, body: Body) -> None:
        """Learn the same of a process that has not taken its event; this is the event's body."""
