"""How an init ended."""

from dataclasses import dataclass

from inglenook.telemetry.report import Status
from inglenook.wire.connection import Body
from inglenook_agent.environment import outcome
from inglenook_agent.environment.occupant import Occupant


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The end of an init, well or not."""

    status: Status
    error_type: str | None = None
    payload: Body | None = None
    """The error in the runtime's own words, if it could speak."""
    text: str = ""
    """What happened, if it could not."""
    reason: str | None = None
    """What the log calls it, where that is not the error's type."""
    duration_ms: float = 0.0

    @property
    def is_ok(self) -> bool:
        return self.status is Status.SUCCESS


OK = Outcome(status=Status.SUCCESS)
TIMED_OUT = Outcome(status=Status.TIMEOUT)
ENDED = Outcome(status=Status.ERROR, error_type=outcome.SANDBOX_FAILED, text="ended")


def failed(error_type: str, payload: Body) -> Outcome:
    """Return what became of an init that told of its error."""
    return Outcome(status=Status.ERROR, error_type=error_type, payload=payload)


def lost(error_type: str, text: str, reason: str | None = None) -> Outcome:
    """Return what became of an init whose process went without a word."""
    return Outcome(status=Status.ERROR, error_type=error_type, text=text, reason=reason)


def exited(status: int, occupant: Occupant | None) -> Outcome:
    """Return what became of a process that ended, in init or later."""
    is_oom = status < 0 and occupant is not None and occupant.ran_out_of_memory()
    reason = outcome.OUT_OF_MEMORY if is_oom else None
    return lost(outcome.EXITED, outcome.exit_text(status), reason)
