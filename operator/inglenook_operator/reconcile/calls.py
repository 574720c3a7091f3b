"""What to ask of the Lambda API, and what its answer means for the resource that wanted it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inglenook_operator.reconcile.conditions import ACCEPTED, Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation of the Lambda API, and its parameters."""

    operation: str
    params: Mapping[str, Any]
    code_in: str | None = None
    """The parameter that takes the code; "" for the parameters themselves; None: none does."""
    settles: bool = False
    """Whether it begins an update, which has to end before the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error of the API."""

    type: str
    """AWS's error type."""
    message: str
    status: int


class Means(enum.Enum):
    """What a refusal means for who asked."""

    WAIT = "wait"
    """Something that it needs is not there yet, or is being changed."""
    RETRY = "retry"
    """The platform could not do it now."""
    REJECTED = "rejected"
    """Somebody has to change something."""


_WAITING = frozenset(("ResourceConflictException", "ResourceNotFoundException"))


def meaning(refusal: Refusal) -> Means:
    """Classify an error of the API."""
    if refusal.status == 429 or refusal.status >= 500:
        return Means.RETRY
    return Means.WAIT if refusal.type in _WAITING else Means.REJECTED


def condition(refusal: Refusal) -> Condition:
    """Say it on the resource, in AWS's words."""
    match meaning(refusal):
        case Means.WAIT:
            return waiting(refusal.message)
        case Means.RETRY:
            return Condition(
                type=ACCEPTED,
                status=None,
                reason="Retrying",
                message=f"{refusal.type}: {refusal.message}",
            )
        case Means.REJECTED:
            return rejected(refusal.type, refusal.message)


def waiting(message: str) -> Condition:
    """Say that the resource waits for something else."""
    return Condition(type=ACCEPTED, status=None, reason="Waiting", message=message)


def rejected(reason: str, message: str) -> Condition:
    """Say that the platform does not take over what is declared."""
    return Condition(type=ACCEPTED, status=False, reason=_camel(reason), message=message)


def unreadable() -> Condition:
    """Say that what the platform keeps of a resource is of no use to it."""
    message = "What stands in status.applied cannot be read: a newer version may have written it."
    return rejected("Unreadable", message)


def accepted() -> Condition:
    """Say that the platform has what is declared."""
    return Condition(type=ACCEPTED, status=True, reason="Accepted")


def _camel(reason: str) -> str:
    return "".join(one for one in reason if one.isalnum()) or "Rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do for one resource now."""

    calls: tuple[Call, ...] = ()
    waits_for: str | None = None
    """What has to happen before the rest can be done."""
    problem: Condition | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
