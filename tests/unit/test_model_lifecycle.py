import msgspec
import pytest

from inglenook import errors
from inglenook.model import function, lifecycle
from inglenook.model.function import State, Status, UpdateStatus

NEW = lifecycle.created(now=1_700_000_000.5, revision="1")
ACTIVE = lifecycle.activated(NEW, revision="2")
UPDATING = lifecycle.updating(ACTIVE, now=1_700_000_001.0, revision="3", runs_anew=True)
FAILED = lifecycle.failed(NEW, revision="2", reason="why", code="InvalidRuntime")


def test_a_new_function_is_pending_and_has_no_last_update() -> None:
    assert NEW.state is State.PENDING
    assert NEW.state_reason == "The function is being created."
    assert NEW.state_reason_code == "Creating"
    assert NEW.last_update is None
    assert NEW.last_modified == "2023-11-14T22:13:20.500+0000"


def test_activation_ends_a_creation_and_an_update_without_reasons() -> None:
    for status in (ACTIVE, lifecycle.activated(UPDATING, revision="4")):
        assert status.state is State.ACTIVE
        assert status.last_update is UpdateStatus.SUCCESSFUL
        assert status.state_reason is status.state_reason_code is status.last_update_reason is None
    assert ACTIVE.last_modified == NEW.last_modified


def test_an_update_keeps_the_state_and_counts_a_generation_if_what_runs_changes() -> None:
    assert UPDATING.state is State.ACTIVE
    assert UPDATING.last_update is UpdateStatus.IN_PROGRESS
    assert UPDATING.last_update_reason_code == "Creating"
    assert UPDATING.generation == ACTIVE.generation + 1
    same = lifecycle.updating(ACTIVE, now=0, revision="3", runs_anew=False)
    assert same.generation == ACTIVE.generation


def test_a_failed_function_is_mended_by_an_update() -> None:
    updating = lifecycle.updating(FAILED, now=0, revision="3", runs_anew=True)
    assert lifecycle.activated(updating, revision="4").state is State.ACTIVE


def test_a_failed_update_leaves_the_state_and_says_why() -> None:
    failed = lifecycle.failed(UPDATING, revision="4", reason="why", code="InvalidRuntime")
    assert failed.state is State.ACTIVE
    assert failed.state_reason is failed.state_reason_code is None
    assert (failed.last_update, failed.last_update_reason) == (UpdateStatus.FAILED, "why")
    lifecycle.check_invocable(failed)
    lifecycle.check_settled(failed, "arn")


def _owner(status: Status) -> function.Function:
    spec = function.Spec(
        code=function.Code(sha256="0" * 64, size_bytes=1),
        runtime="python3.12",
        handler="app.handler",
        role="r",
        logging=function.Logging(log_group="g"),
    )
    return function.Function(name="f", uid="u", spec=spec, status=status)


def _updated(owner: function.Function, timeout_s: int) -> function.Function:
    spec = msgspec.structs.replace(owner.spec, timeout_s=timeout_s)
    return lifecycle.updated(owner, spec, now=0, revision="r")


def _settled(owner: function.Function, *, well: bool) -> function.Function:
    if well:
        return lifecycle.settled(owner, lifecycle.activated(owner.status, revision="r"))
    status = lifecycle.failed(owner.status, revision="r", reason="why", code="InternalError")
    return lifecycle.settled(owner, status)


def test_what_runs_changes_when_an_update_has_succeeded_and_not_before() -> None:
    first = _owner(ACTIVE)
    updating = _updated(first, 9)
    assert updating.serving == first.serving
    failed = _settled(updating, well=False)
    assert failed.serving == first.serving
    assert failed.spec.timeout_s == 9
    again = _updated(failed, 10)
    assert again.serving == first.serving
    mended = _settled(again, well=True)
    assert mended.serving.spec.timeout_s == 10
    assert mended.serving.generation == mended.status.generation == 3


def test_an_update_with_nothing_new_tries_a_failed_one_again() -> None:
    failed = _settled(_updated(_owner(ACTIVE), 9), well=False)
    retried = _settled(_updated(failed, 9), well=True)
    assert retried.serving == function.Serving(
        spec=failed.spec, generation=failed.status.generation
    )


def test_what_could_not_be_created_has_nothing_to_go_back_to() -> None:
    failed = _settled(_updated(_owner(FAILED), 9), well=False)
    assert failed.status.state is State.FAILED
    assert failed.before_update is None


def test_what_has_succeeded_cannot_succeed_again() -> None:
    with pytest.raises(lifecycle.IllegalMoveError):
        lifecycle.activated(ACTIVE, revision="9")


def test_what_has_failed_may_succeed_later() -> None:
    mended = lifecycle.activated(FAILED, revision="9")
    assert (mended.state, mended.last_update) == (State.ACTIVE, UpdateStatus.SUCCESSFUL)


@pytest.mark.parametrize("status", [ACTIVE, FAILED])
def test_what_is_settled_cannot_fail(status: Status) -> None:
    assert not lifecycle.is_settling(status)
    with pytest.raises(lifecycle.IllegalMoveError):
        lifecycle.failed(status, revision="9", reason="", code="")


def test_a_change_is_refused_until_the_last_one_has_ended() -> None:
    lifecycle.check_settled(ACTIVE, "arn")
    lifecycle.check_settled(FAILED, "arn")
    with pytest.raises(errors.ResourceConflictError, match="following state: Pending"):
        lifecycle.check_settled(NEW, "arn")
    with pytest.raises(errors.ResourceConflictError, match="in progress for resource: arn"):
        lifecycle.check_settled(UPDATING, "arn")


def test_what_cannot_run_says_why() -> None:
    lifecycle.check_invocable(ACTIVE)
    lifecycle.check_invocable(UPDATING)
    with pytest.raises(errors.ResourceConflictError, match="following state: Pending"):
        lifecycle.check_invocable(NEW)
    with pytest.raises(errors.InvalidRuntimeError, match="why"):
        lifecycle.check_invocable(FAILED)
    broken = lifecycle.failed(NEW, revision="2", reason="zip", code="InvalidZipFileException")
    with pytest.raises(errors.InvalidZipFileError, match="zip"):
        lifecycle.check_invocable(broken)
