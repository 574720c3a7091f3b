"""Texts and payloads of bad ends."""

import pytest

from inglenook_agent.environment import outcome


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0, "Runtime exited without providing a reason"),
        (1, "Runtime exited with error: exit status 1"),
        (127, "Runtime exited with error: exit status 127"),
        (-9, "Runtime exited with error: signal: killed"),
        (-11, "Runtime exited with error: signal: segmentation fault"),
        (-40, "Runtime exited with error: signal: signal 40"),
    ],
)
def test_exits_read_as_lambdas(status: int, text: str) -> None:
    assert outcome.exit_text(status) == text


def test_a_payload_names_the_type_first() -> None:
    message = outcome.message("r-1", outcome.timeout_text(1))
    assert outcome.payload(outcome.TIMED_OUT, message) == (
        b'{"errorType":"Sandbox.Timedout",'
        b'"errorMessage":"RequestId: r-1 Error: Task timed out after 1.00 seconds"}'
    )
