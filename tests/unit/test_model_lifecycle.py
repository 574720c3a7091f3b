import pytest

from inglenook import errors
from inglenook.model import lifecycle
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


@pytest.mark.parametrize("status", [ACTIVE, FAILED])
def test_what_is_settled_cannot_be_settled_again(status: Status) -> None:
    assert not lifecycle.is_settling(status)
    with pytest.raises(lifecycle.IllegalMoveError):
        lifecycle.activated(status, revision="9")
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
