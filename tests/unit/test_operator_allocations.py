"""What a ProvisionedConcurrency says of its allocation."""

from typing import Any

import pytest

from inglenook_operator.control import allocations


def answer(status: str, **more: Any) -> dict[str, Any]:
    return {
        "RequestedProvisionedConcurrentExecutions": 3,
        "AllocatedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 1,
        "Status": status,
        **more,
    }


@pytest.mark.parametrize(
    ("said", "status", "reason", "message"),
    [
        (answer("READY"), True, "Allocated", ""),
        (answer("IN_PROGRESS"), None, "InProgress", "1 of 3 environments are ready."),
        (
            answer("FAILED", StatusReason="FUNCTION_ERROR_INIT_FAILURE"),
            *(False, "AllocationFailed", "FUNCTION_ERROR_INIT_FAILURE"),
        ),
    ],
)
def test_it_is_ready_when_all_are_ready_and_says_why_not(
    said: dict[str, Any], status: bool | None, reason: str, message: str
) -> None:
    found = allocations.readiness(said)
    assert (found.type, found.status, found.reason, found.message) == (
        *("Ready", status, reason, message),
    )
