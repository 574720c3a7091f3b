"""The life of an execution environment as a table.

An environment outlives its process: after a timeout, a crash, an exit or a failed init it is
`EMPTY`, its /tmp stays, and the next invocation starts a fresh process and runs init within the
function's timeout, as Lambda does.
"""

import enum


class State(enum.Enum):
    """What an environment does."""

    # An enum's own is Python code, and each invocation looks states up six times.
    __hash__ = object.__hash__

    NEW = "new"
    INIT = "init"
    """Its process runs init, ahead of the first invocation."""
    IDLE = "idle"
    """Its process waits for an event."""
    BUSY = "busy"
    """Its process has an event."""
    EMPTY = "empty"
    """It has no process and waits for an event."""
    RESTARTING = "restarting"
    """It has an event, and a fresh process runs init for it."""
    ENDING = "ending"
    """Its processes are killed and what it left is removed."""
    GONE = "gone"


MOVES: dict[State, frozenset[State]] = {
    State.NEW: frozenset({State.INIT, State.ENDING}),
    State.INIT: frozenset({State.IDLE, State.EMPTY, State.ENDING}),
    State.IDLE: frozenset({State.BUSY, State.EMPTY, State.ENDING}),
    State.BUSY: frozenset({State.IDLE, State.EMPTY, State.ENDING}),
    State.EMPTY: frozenset({State.RESTARTING, State.ENDING}),
    State.RESTARTING: frozenset({State.BUSY, State.EMPTY, State.ENDING}),
    State.ENDING: frozenset({State.GONE}),
    State.GONE: frozenset(),
}

TAKES_EVENTS = frozenset({State.IDLE, State.EMPTY})
HAS_EVENT = frozenset({State.BUSY, State.RESTARTING})


class IllegalMoveError(Exception):
    """The table does not allow this move: a mistake of the agent's, never of a function's."""


class Life:
    """Where an environment stands."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = State.NEW

    def move(self, to: State) -> None:
        """Go to `to`, or raise `IllegalMoveError`."""
        if to not in MOVES[self.state]:
            raise IllegalMoveError(f"{self.state.value} -> {to.value}")
        self.state = to
