"""The life of `$LATEST` and of a published version: which moves there are, and what each writes.

Pure: a status goes in, a new one comes out. The API begins a move (`created`, `updated`), and who
makes the code ready ends it (`activated`, `failed`, and for the whole document `settled`). A move
that the tables do not have raises `IllegalMoveError`, which is a bug of the caller; what a caller
of the API may not do *now* is refused by `check_settled`, in AWS's words.
"""

from typing import TypeVar

import msgspec

from inglenook import errors
from inglenook.aio import clock
from inglenook.model import function
from inglenook.model.function import State, Status, UpdateStatus

V = TypeVar("V", bound=function.Function | function.Version)

# What recorded answers show, for creations and (yes) for updates too.
_CREATING_REASON = "The function is being created."
_CREATING_CODE = "Creating"

_MOVES: dict[State, frozenset[State]] = {
    State.PENDING: frozenset({State.ACTIVE, State.FAILED}),
    # An update that fails leaves an active function active; one of a failed function may mend it.
    State.ACTIVE: frozenset({State.ACTIVE, State.INACTIVE}),
    State.FAILED: frozenset({State.ACTIVE, State.FAILED}),
    State.INACTIVE: frozenset({State.PENDING, State.ACTIVE, State.FAILED}),
}
_UPDATE_MOVES: dict[UpdateStatus | None, frozenset[UpdateStatus]] = {
    None: frozenset({UpdateStatus.SUCCESSFUL, UpdateStatus.FAILED, UpdateStatus.IN_PROGRESS}),
    UpdateStatus.IN_PROGRESS: frozenset({UpdateStatus.SUCCESSFUL, UpdateStatus.FAILED}),
    UpdateStatus.SUCCESSFUL: frozenset({UpdateStatus.IN_PROGRESS}),
    # What it lacked may have come.
    UpdateStatus.FAILED: frozenset({UpdateStatus.IN_PROGRESS, UpdateStatus.SUCCESSFUL}),
}


class IllegalMoveError(Exception):
    """A status was to be moved where its table has no way."""


def last_modified(now: float) -> str:
    """Print a point in time as the API's `LastModified`."""
    return clock.utc(now).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(now * 1000) % 1000:03d}+0000"


def created(*, now: float, revision: str, generation: int = 1) -> Status:
    """Return the status of a new function or version: pending, until its code is ready."""
    return Status(
        revision_id=revision,
        last_modified=last_modified(now),
        generation=generation,
        state=State.PENDING,
        state_reason=_CREATING_REASON,
        state_reason_code=_CREATING_CODE,
    )


def updating(status: Status, *, now: float, revision: str, runs_anew: bool) -> Status:
    """Begin an update. `runs_anew` says that what runs has changed, so that environments go."""
    _check_update_move(status, UpdateStatus.IN_PROGRESS)
    return msgspec.structs.replace(
        status,
        revision_id=revision,
        last_modified=last_modified(now),
        generation=status.generation + runs_anew,
        last_update=UpdateStatus.IN_PROGRESS,
        last_update_reason=_CREATING_REASON,
        last_update_reason_code=_CREATING_CODE,
    )


def is_settling(status: Status) -> bool:
    """Whether a creation or an update is under way, and `activated` or `failed` is to end it."""
    return status.state is State.PENDING or status.last_update is UpdateStatus.IN_PROGRESS


def activated(status: Status, *, revision: str) -> Status:
    """End a creation or an update well."""
    _check_move(status, State.ACTIVE)
    _check_update_move(status, UpdateStatus.SUCCESSFUL)
    return msgspec.structs.replace(
        status,
        revision_id=revision,
        state=State.ACTIVE,
        state_reason=None,
        state_reason_code=None,
        last_update=UpdateStatus.SUCCESSFUL,
        last_update_reason=None,
        last_update_reason_code=None,
    )


def failed(status: Status, *, revision: str, reason: str, code: str) -> Status:
    """End a creation or an update badly.

    What could not be created cannot run until it is updated. An update that fails leaves the state
    Active, because what ran before runs on (dg/functions-states.html).
    """
    _check_update_move(status, UpdateStatus.FAILED)
    status = msgspec.structs.replace(
        status,
        revision_id=revision,
        last_update=UpdateStatus.FAILED,
        last_update_reason=reason,
        last_update_reason_code=code,
    )
    if status.state is State.ACTIVE:
        return status
    _check_move(status, State.FAILED)
    return msgspec.structs.replace(
        status, state=State.FAILED, state_reason=reason, state_reason_code=code
    )


def updated(
    owner: function.Function, spec: function.Spec, *, now: float, revision: str
) -> function.Function:
    """Begin an update of `$LATEST` to `spec`; until it succeeds, what ran before runs on."""
    changes = spec != owner.spec
    before = owner.before_update
    if changes and before is None and owner.status.state is State.ACTIVE:
        before = owner.serving
    status = updating(owner.status, now=now, revision=revision, runs_anew=changes)
    return msgspec.structs.replace(owner, spec=spec, status=status, before_update=before)


def settled(value: V, status: Status) -> V:
    """Return a function or a version with the status that ends what was under way."""
    if isinstance(value, function.Function) and status.last_update is UpdateStatus.SUCCESSFUL:
        return msgspec.structs.replace(value, status=status, before_update=None)
    return msgspec.structs.replace(value, status=status)


def check_settled(status: Status, function_arn: str) -> None:
    """Raise ResourceConflictError while the function may not be changed or published."""
    if status.state is State.PENDING:
        raise errors.ResourceConflictError(in_state_message(status.state))
    if status.last_update is UpdateStatus.IN_PROGRESS:
        raise update_in_progress(function_arn)


def update_in_progress(function_arn: str) -> errors.ResourceConflictError:
    """Return AWS's answer to a change while another one is under way."""
    return errors.ResourceConflictError(
        "The operation cannot be performed at this time. An update is in progress for "
        f"resource: {function_arn}"
    )


def check_invocable(status: Status) -> None:
    """Raise what an invocation answers for a version that cannot run."""
    match status.state:
        case State.ACTIVE:
            return
        case State.FAILED if status.state_reason_code == "InvalidRuntime":
            raise errors.InvalidRuntimeError(status.state_reason)
        case State.FAILED if status.state_reason_code == "InvalidZipFileException":
            raise errors.InvalidZipFileError(status.state_reason)
        case _:
            raise errors.ResourceConflictError(in_state_message(status.state))


def in_state_message(state: State) -> str:
    """Return AWS's text for an operation that a function's state forbids."""
    return (
        "The operation cannot be performed at this time. The function is currently in the "
        f"following state: {state.value}"
    )


def _check_move(status: Status, state: State) -> None:
    if state not in _MOVES[status.state]:
        raise IllegalMoveError(f"{status.state.value} to {state.value}")


def _check_update_move(status: Status, update: UpdateStatus) -> None:
    if update not in _UPDATE_MOVES[status.last_update]:
        raise IllegalMoveError(f"{status.last_update} to {update}")
