"""Conditions of a status: what is so, since when, and why, for people and for `kubectl wait`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

ACCEPTED = "Accepted"
READY = "Ready"

POOL_FILLS = "PoolFills"
"""The reason of a Runtime whose pods are on their way."""

_MESSAGE_LENGTH_MAX = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One statement. `status` None is Unknown: nobody can say yet."""

    type: str
    status: bool | None
    reason: str
    message: str = ""


def merged(
    existing: Sequence[Mapping[str, Any]] | None,
    said: Iterable[Condition],
    *,
    generation: int | None,
    now: float,
) -> list[dict[str, Any]]:
    """Return all conditions with those `said` now in place of the old ones of their types.

    The time of the last transition moves only when a condition's status does.
    """
    result = {one["type"]: dict(one) for one in existing or ()}
    for one in said:
        status = {True: "True", False: "False", None: "Unknown"}[one.status]
        before = result.get(one.type)
        same = before is not None and before.get("status") == status
        result[one.type] = {
            "type": one.type,
            "status": status,
            "reason": one.reason,
            "message": one.message[:_MESSAGE_LENGTH_MAX],
            "lastTransitionTime": before["lastTransitionTime"] if before and same else stamp(now),
        } | ({} if generation is None else {"observedGeneration": generation})
    return list(result.values())


def stamp(now: float) -> str:
    """Print a time as Kubernetes does."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def timestamp(text: str) -> float:
    """Read a time as Kubernetes prints it."""
    return datetime.fromisoformat(text).timestamp()


def micro_stamp(now: float) -> str:
    """Print a time as Kubernetes' MicroTime."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
